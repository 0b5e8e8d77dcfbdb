package cloud

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestListFollowsNextLinks(t *testing.T) {
	azure := newAzure(t)
	azure.mux.HandleFunc("GET /subscriptions", func(w http.ResponseWriter, r *http.Request) {
		page := r.URL.Query().Get("$skiptoken")
		switch page {
		case "":
			answer(w, 200, `{"value":[{"subscriptionId":"a"}],"nextLink":"`+azure.URL+`/subscriptions?api-version=2022-12-01&$skiptoken=b%20c"}`)
		case "b c":
			answer(w, 200, `{"value":["no object",{"subscriptionId":"b","displayName":"GIS","state":"Enabled","tenantId":"t"}]}`)
		default:
			t.Errorf("asked for page %q", page)
		}
	})
	got, err := azure.manager().Subscriptions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].ID != "a" || got[1] != (Subscription{ID: "b", Name: "GIS", State: "Enabled", TenantID: "t"}) {
		t.Errorf("got %+v", got)
	}
}

// A thousand of them are found by eye only when they are in order.
func TestSubscriptionsAndTenantsAreInOrder(t *testing.T) {
	azure := newAzure(t)
	azure.mux.HandleFunc("GET /subscriptions", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"value":[{"subscriptionId":"3","displayName":"b"},{"subscriptionId":"2","displayName":"A"},{"subscriptionId":"1","displayName":"B"}]}`)
	})
	azure.mux.HandleFunc("GET /tenants", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"value":[{"tenantId":"3","displayName":"fabrikam"},{"tenantId":"2"},{"tenantId":"1","displayName":"Contoso"}]}`)
	})
	subscriptions, err := azure.manager().Subscriptions(t.Context())
	var got []string
	for _, s := range subscriptions {
		got = append(got, s.ID)
	}
	tenants, err2 := azure.manager().Tenants(t.Context())
	for _, s := range tenants {
		got = append(got, s.ID)
	}
	if want := []string{"2", "1", "3", "2", "1", "3"}; err != nil || err2 != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, %v, want %v", got, err, err2, want)
	}
}

func TestNextLinkToAForeignHostIsRefused(t *testing.T) {
	stranger := newAzure(t)
	for _, next := range []string{
		stranger.URL + "/subscriptions?page=2",
		"http://" + strings.TrimPrefix(stranger.URL, "https://"),
		"https://management.azure.com@" + strings.TrimPrefix(stranger.URL, "https://"),
	} {
		azure := newAzure(t)
		azure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			answer(w, 200, `{"value":[],"nextLink":"`+next+`"}`)
		})
		_, err := azure.manager().Subscriptions(t.Context())
		if err == nil || !strings.Contains(err.Error(), "refused to send the sign-in") {
			t.Errorf("%s: got %v", next, err)
		}
	}
	if n := len(stranger.requests); n != 0 {
		t.Errorf("the stranger was asked %d times", n)
	}
}

func TestListThatLeadsToItselfEnds(t *testing.T) {
	azure := newAzure(t)
	azure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"value":[{}],"nextLink":"`+azure.URL+`/subscriptions?page=same"}`)
	})
	_, err := azure.manager().Subscriptions(t.Context())
	if err == nil || !strings.Contains(err.Error(), "does not end") {
		t.Errorf("got %v", err)
	}
	if n := azure.count("GET"); n > 3 {
		t.Errorf("it was followed %d times", n)
	}
}

func TestQueryFollowsSkipTokens(t *testing.T) {
	azure := newAzure(t)
	azure.mux.HandleFunc("POST /providers/Microsoft.ResourceGraph/resources", func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Query         string
			Subscriptions []string
			Options       map[string]any
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		if asked.Query != "Resources | where a < 'b'" || fmt.Sprint(asked.Subscriptions) != "[s1 s2]" || asked.Options["resultFormat"] != "objectArray" {
			t.Errorf("asked %+v", asked)
		}
		if asked.Options["$skipToken"] == nil {
			answer(w, 200, `{"count":1,"resultTruncated":"true","$skipToken":"more","data":[{"id":"1"}]}`)
			return
		}
		answer(w, 200, `{"count":1,"resultTruncated":"false","data":[{"id":"2"}]}`)
	})
	got, err := azure.manager().Query(t.Context(), "Resources | where a < 'b'", []string{"s1", "s2"})
	if err != nil {
		t.Fatal(err)
	}
	if text := compact(t, got); text != `[{"id":"1"},{"id":"2"}]` {
		t.Errorf("got %s", text)
	}
}

// Rows that are missing without a word would be deployments that nobody renews.
func TestTruncatedQueryIsAnError(t *testing.T) {
	for _, truncated := range []string{`"true"`, `true`} {
		azure := newAzure(t)
		azure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			answer(w, 200, `{"resultTruncated":`+truncated+`,"data":[{"id":"1"}]}`)
		})
		if got, err := azure.manager().Query(t.Context(), "Resources", nil); err == nil {
			t.Errorf("got %v", got)
		}
	}
}

func TestQueryIsRepeatedBecauseItChangesNothing(t *testing.T) {
	azure := newAzure(t)
	azure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if azure.count("POST") == 1 {
			answer(w, 503, ``, "retry-after-ms", "1")
			return
		}
		answer(w, 200, `{"data":[{"id":"1"}]}`)
	})
	if _, err := azure.manager().Query(t.Context(), "Resources", nil); err != nil {
		t.Error(err)
	}
}

// graph plays Resource Graph with rows of some sizes, of which no more than
// limit fits into one answer.
func graph(t *testing.T, azure *azure, limit int, sizes ...int) {
	azure.mux.HandleFunc("POST /providers/Microsoft.ResourceGraph/resources", func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Options struct {
				Top       int    `json:"$top"`
				SkipToken string `json:"$skipToken"`
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Options.Top < 1 {
			t.Errorf("asked for %d rows: %v", asked.Options.Top, err)
		}
		from, top := 0, asked.Options.Top
		if token := asked.Options.SkipToken; token != "" {
			var made int
			if _, err := fmt.Sscanf(token, "%d of %d", &from, &made); err != nil || made != top {
				t.Errorf("the token %q came back with pages of %d rows", token, top)
			}
		}
		rows, weight, next := []string{}, 0, ""
		for i := from; i < min(from+top, len(sizes)); i++ {
			rows = append(rows, fmt.Sprintf(`{"id":"%d"}`, i))
			weight += sizes[i]
		}
		if weight > limit {
			answer(w, 400, fmt.Sprintf(`{"error":{"code":"BadRequest","message":"Please provide below info when asking for support.","details":[{"code":"ResponsePayloadTooLarge","message":"Response payload size is %d, and has exceeded the limit of %d."}]}}`, weight, limit))
			return
		}
		if from+top < len(sizes) {
			next = fmt.Sprintf(`"$skipToken":"%d of %d",`, from+top, top)
		}
		answer(w, 200, `{"resultTruncated":"false",`+next+`"data":[`+strings.Join(rows, ",")+`]}`)
	})
}

func TestAPageThatIsTooLargeIsAskedForInHalves(t *testing.T) {
	sizes := slices.Repeat([]int{1}, 2200)
	for i := 1100; i < 1500; i++ {
		sizes[i] = 10 // so that the second page is too large, not the first
	}
	azure := newAzure(t)
	graph(t, azure, 2700, sizes...)
	rows, err := azure.manager().Query(t.Context(), "Resources", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		if row["id"] != fmt.Sprint(i) {
			t.Fatalf("row %d is %v", i, row)
		}
	}
	// 1,000 rows twice, 500 rows three times (the third too large), 250 nine times.
	if n := azure.count("POST"); len(rows) != len(sizes) || n != 14 {
		t.Errorf("%d rows in %d calls, want %d rows in 14", len(rows), n, len(sizes))
	}
}

func TestARowThatIsTooLargeByItselfIsAnError(t *testing.T) {
	azure := newAzure(t)
	graph(t, azure, 100, 1, 101)
	rows, err := azure.manager().Query(t.Context(), "Resources", nil)
	if !HasCode(err, "ResponsePayloadTooLarge") || rows != nil {
		t.Errorf("got %v, %v", rows, err)
	}
	if n := azure.count("POST"); n > 15 {
		t.Errorf("it was asked %d times", n)
	}
}
