package cloud

import (
	"encoding/json"
	"fmt"
	"net/http"
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
