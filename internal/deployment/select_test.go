package deployment

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func three() []Deployment {
	return []Deployment{
		{ID: "id1", Name: "bm", Domain: "gis.example.com", GatewayID: id("rg1", kindGateway, "agw-prod")},
		{ID: "id2", Name: "bm", Domain: "test.example.com", SecondaryDomain: "test.internal", GatewayID: id("rg2", kindGateway, "agw")},
		{ID: "id3", Name: "v1", Domain: "old.example.com"},
		// A copy of the second one, made by copying tags.
		{ID: "id2", Name: "bm", Domain: "test.example.com", SecondaryDomain: "test.internal", GatewayID: id("rg3", kindGateway, "agw")},
	}
}

func TestSelect(t *testing.T) {
	for name, want := range map[string]int{
		"id1":                                 0,
		"GIS.example.COM":                     0,
		" agw-prod ":                          0,
		"v1":                                  2,
		"old.example.com":                     2,
		id("rg2", kindGateway, "agw"):         1,
		strings.ToUpper(three()[3].GatewayID): 3,
	} {
		got, err := Select(three(), name)
		if err != nil {
			t.Errorf("Select(%q): %v", name, err)
			continue
		}
		if diff := cmp.Diff(three()[want], got); diff != "" {
			t.Errorf("Select(%q) (-want +got):\n%s", name, diff)
		}
	}
}

func TestSelectAmbiguous(t *testing.T) {
	_, err := Select(three(), "BM")
	var ambiguous *AmbiguousError
	if !errors.As(err, &ambiguous) {
		t.Fatalf("Select = %v, want *AmbiguousError", err)
	}
	var uses []string
	for _, c := range ambiguous.Candidates {
		uses = append(uses, c.Use)
		got, err := Select(three(), c.Use)
		if err != nil || got.GatewayID != c.Deployment.GatewayID {
			t.Errorf("Select(%q) = %s, %v; want %s", c.Use, got.GatewayID, err, c.Deployment.GatewayID)
		}
	}
	want := []string{"gis.example.com", three()[1].GatewayID, three()[3].GatewayID}
	if diff := cmp.Diff(want, uses); diff != "" {
		t.Errorf("uses (-want +got):\n%s", diff)
	}
}

// Somebody who may write tags must not be able to take another deployment's
// place: neither by its domain nor by its gateway's resource id.
func TestATagCannotTakeAnotherDeploymentsPlace(t *testing.T) {
	list := append(three(), Deployment{ID: "gis.example.com", Name: three()[0].GatewayID, GatewayID: id("evil", kindGateway, "evil")})
	var ambiguous *AmbiguousError
	_, err := Select(list, "gis.example.com")
	if !errors.As(err, &ambiguous) {
		t.Errorf("Select by domain = %v, want *AmbiguousError", err)
	}
	got, err := Select(list, three()[0].GatewayID)
	if err != nil || got.ID != "id1" {
		t.Errorf("Select by resource id = %s, %v; want id1", got.ID, err)
	}
}

func TestSelectNotFound(t *testing.T) {
	rows := []struct {
		list []Deployment
		name string
		near []string
	}{
		{three(), "gis.exmple.com", []string{"gis.example.com"}},
		{three(), "example", []string{"gis.example.com", "test.example.com", "old.example.com"}},
		{three(), "id4", []string{"id1", "id2", "id3"}},
		{three(), "zzzzzzzz", nil},
		{three(), "", nil},
		{three(), strings.Repeat("x", 1<<20), nil},
		{nil, "bm", nil},
	}
	for _, row := range rows {
		_, err := Select(row.list, row.name)
		var missing *NotFoundError
		if !errors.As(err, &missing) || missing.Listed != len(row.list) {
			t.Errorf("Select(%.20q) = %v, want *NotFoundError", row.name, err)
			continue
		}
		if diff := cmp.Diff(row.near, missing.Near); diff != "" {
			t.Errorf("near %.20q (-want +got):\n%s", row.name, diff)
		}
	}
}

func TestServedAndNotAfter(t *testing.T) {
	soon := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	later := time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)
	rows := []struct {
		name      string
		listeners []any
		served    []string
		end       time.Time
	}{
		{"by name", []any{listener("a", "later", "gis.example.com"), listener("b", "soon", "www.example.com")}, []string{"later"}, later},
		{"by wildcard", []any{listener("a", "soon", "*.example.com")}, []string{"soon"}, soon},
		{"a named listener goes before an open one", []any{listener("a", "soon"), listener("b", "later", "gis.example.com")}, []string{"later"}, later},
		{"open", []any{listener("a", "soon")}, []string{"soon"}, soon},
		{"no listener fits: all of them", []any{listener("a", "soon", "x.org"), listener("b", "later", "y.org")}, []string{"soon", "later"}, soon},
		{"each once", []any{listener("a", "later", "gis.example.com"), listener("b", "LATER", "*.example.com")}, []string{"later"}, later},
		{"not readable", []any{listener("a", "dark", "gis.example.com")}, []string{"dark"}, time.Time{}},
		{"dangling", []any{listener("a", "gone", "gis.example.com")}, nil, time.Time{}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			g := gateway(with(record(), bag{tagSecondaryDomain: nil}), row.listeners)
			g["properties"].(bag)["sslCertificates"] = []any{certificate(t, "soon", soon), certificate(t, "later", later), bag{"name": "dark"}}
			d := findOne(t, g)
			var served []string
			for _, c := range d.Served() {
				served = append(served, c.Name)
			}
			if diff := cmp.Diff(row.served, served); diff != "" || !d.NotAfter().Equal(row.end) {
				t.Errorf("NotAfter %v, want %v; served (-want +got):\n%s", d.NotAfter(), row.end, diff)
			}
		})
	}
}

func TestSort(t *testing.T) {
	ending := func(name string, end time.Time) Deployment {
		g := gateway(record(), []any{listener("a", "c")})
		g["properties"].(bag)["sslCertificates"] = []any{certificate(t, "c", end)}
		d := findOne(t, g)
		d.Name = name
		return d
	}
	soon := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	list := []Deployment{{Name: "unknown b"}, {Name: "Unknown a"}, ending("later", soon.AddDate(1, 0, 0)), ending("b", soon), ending("a", soon)}
	Sort(list)
	var names []string
	for _, d := range list {
		names = append(names, d.Name)
	}
	if diff := cmp.Diff([]string{"a", "b", "later", "Unknown a", "unknown b"}, names); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
