package web

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

var listNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// manyListed is a sign-in that sees many deployments; fill makes their names longer.
func manyListed(count int, fill string) []listed {
	var all []listed
	for i := range count {
		name := fmt.Sprintf("gis-%04d%s", i, fill)
		l := listed{
			Deployment: deployment.Deployment{
				ID: fmt.Sprint(i), Name: name, Generation: deployment.V2, Version: "11.4", Domain: name + ".example.com",
				OtherNames: []string{name + ".example.org"}, SubscriptionID: "00000000-0000-0000-0000-000000000000", ResourceGroup: "rg-" + name,
				GatewayID: "/subscriptions/1/resourceGroups/rg-" + name + "/providers/Microsoft.Network/applicationGateways/agw-" + name,
			},
			ends: listNow.AddDate(0, 0, i-5), layout: "V2 11.4", canUpdate: true, of: name + ".example.com",
			homes: []home{{inVault, "Key Vault kv-" + name + ", gis, followed"}},
		}
		switch i % 10 {
		case 3:
			l.Generation, l.layout, l.canUpdate, l.homes = deployment.V1, "V1 10.7", false, []home{{inIIS, "IIS of the web proxies"}}
			l.CannotUpdate = "This is a V1 deployment" + strings.Repeat(": it has load balancers and IIS, and no Application Gateway"+fill, 4)
		case 4:
			l.Problems = []deployment.Problem{{Code: "no-id", Sentence: "It has lost its id" + fill}, {Code: "x", Sentence: "So has another" + fill}}
		}
		l.path = PathID(l.Deployment)
		l.text = l.searchable()
		all = append(all, l)
	}
	return all
}

// TestPageOfManyDeploymentsStaysSmall is issue 6's bound: 100 kB, whatever they are called.
func TestPageOfManyDeploymentsStaysSmall(t *testing.T) {
	t.Parallel()
	for _, fill := range []string{"", "-of-the-department-of-public-works", strings.Repeat("<&", 120), strings.Repeat("ל", 200)} {
		w := httptest.NewRecorder()
		if err := pages.Write(w, 200, "deployments", pages.Page{Title: "Deployments", Data: viewOf(manyListed(1000, fill), nil, listNow)}); err != nil {
			t.Fatal(err)
		}
		rows := bytes.Count(w.Body.Bytes(), []byte("<tr>")) - 1
		t.Logf("%d rows, %d bytes with names like gis-0001%.10s", rows, w.Body.Len(), fill)
		if w.Body.Len() > 100_000 || rows < 25 {
			t.Errorf("%d bytes and %d rows with names like gis-0001%.10s", w.Body.Len(), rows, fill)
		}
	}
}

func TestListIsSearchedAndFiltered(t *testing.T) {
	t.Parallel()
	all := manyListed(100, "")
	for query, want := range map[string]struct {
		matching int
		first    string
	}{
		"":                              {100, "gis-0000"},
		"q=GIS-0042":                    {1, "gis-0042"},
		"q=agw-gis-0042":                {1, "gis-0042"},
		"q=rg-gis+0042.example.org":     {1, "gis-0042"},
		"q=nothing-like-that":           {0, ""},
		"layout=V1":                     {10, "gis-0003"},
		"layout=V1&home=vault":          {0, ""},
		"home=iis":                      {10, "gis-0003"},
		"urgency=gone":                  {5, "gis-0000"},
		"urgency=urgent":                {15, "gis-0005"},
		"urgency=nonsense":              {100, "gis-0000"}, // is no choice, so chooses nothing
		"attention=1&q=gis-005":         {1, "gis-0054"},
		"page=7":                        {100, "gis-0050"}, // beyond the last is the last
		"page=-1":                       {100, "gis-0000"},
		"q=" + strings.Repeat("a", 1e5): {0, ""},
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		view := viewOf(all, values, listNow)
		first := ""
		if len(view.Rows) > 0 {
			first = view.Rows[0].Name
		}
		if view.Matching != want.matching || first != want.first {
			t.Errorf("%.40s: %d, first %q; want %d, %q", query, view.Matching, first, want.matching, want.first)
		}
	}
}

func TestPagerKeepsTheFilter(t *testing.T) {
	t.Parallel()
	view := viewOf(manyListed(1000, ""), url.Values{"q": {"example.com"}, "page": {"2"}}, listNow)
	want := pages.Pager{First: 51, Last: 100, Of: 1000, Previous: "/?q=example.com", Next: "/?page=3&q=example.com"}
	if diff := cmp.Diff(want, view.Pager); diff != "" {
		t.Error(diff)
	}
}

func TestTroubleIsToldShort(t *testing.T) {
	t.Parallel()
	l := listed{Deployment: deployment.Deployment{CannotUpdate: strings.Repeat("x", 500), Problems: make([]deployment.Problem, 3)}}
	row := l.row(listNow)
	want := []string{strings.Repeat("x", 199) + "…", "", "and 2 more"}
	if diff := cmp.Diff(want, row.Reasons); diff != "" || row.Trouble != "Cannot be renewed here" {
		t.Errorf("%s: %s", row.Trouble, diff)
	}
}

// TestSubscriptionIsCalledByItsName: people know its name, and the id is there for
// whoever needs it.
func TestSubscriptionIsCalledByItsName(t *testing.T) {
	t.Parallel()
	const id = "0b1e7f6a-0000-4000-8000-000000000001"
	value := app.DeploymentValue{Deployment: deployment.Deployment{Name: "gis", SubscriptionID: id}, SubscriptionName: "GIS <Production>"}
	named := listedOf(value)
	value.SubscriptionName = ""
	unnamed := listedOf(value)
	for query, want := range map[string]int{"q=production": 1, "q=0b1e7f6a": 2} {
		values, _ := url.ParseQuery(query)
		if got := viewOf([]listed{named, unnamed}, values, listNow).Matching; got != want {
			t.Errorf("%s finds %d, want %d", query, got, want)
		}
	}
	for want, l := range map[string]listed{
		`<bdi class="soft" title="` + id + `">GIS &lt;Production&gt;</bdi>`: named,
		`<bdi class="soft">` + id + `</bdi>`:                                unnamed,
	} {
		w := httptest.NewRecorder()
		if err := pages.Write(w, 200, "deployments", pages.Page{Title: "Deployments", Data: viewOf([]listed{l}, nil, listNow)}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the list has no %s", want)
		}
	}
}
