package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

const (
	token     = "canary-token-5up3r"
	gatewayID = "/subscriptions/5e2f/resourceGroups/gis/providers/Microsoft.Network/applicationGateways/agw-prod"
)

// azure is a TLS server that plays Resource Manager for one test.
type azure struct {
	*httptest.Server
	t   *testing.T
	mux *http.ServeMux

	mu       sync.Mutex
	requests []*http.Request
	calls    []Call
}

func newAzure(t *testing.T) *azure {
	a := &azure{t: t, mux: http.NewServeMux()}
	a.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.requests = append(a.requests, r)
		a.mu.Unlock()
		a.mux.ServeHTTP(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *azure) cloud() Cloud {
	return Cloud{Name: "test", AuthorityHost: a.URL + "/", ResourceManager: a.URL, Audience: "https://management.test/"}
}

func (a *azure) manager() *ResourceManager {
	a.t.Helper()
	rm, err := NewResourceManager(a.cloud(), credential{}, Options{
		Client:  a.Client(),
		Version: "1.2.3",
		Observe: func(call Call) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.calls = append(a.calls, call)
		},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return rm
}

// count is how many requests with this method came.
func (a *azure) count(method string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, request := range a.requests {
		if request.Method == method {
			n++
		}
	}
	return n
}

// answer sends JSON text with a status and headers ("Name", "value", …).
func answer(w http.ResponseWriter, status int, body string, headers ...string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("x-ms-request-id", "request-77")
	for i := 0; i+1 < len(headers); i += 2 {
		w.Header().Set(headers[i], headers[i+1])
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprint(w, body)
}

// credential gives the same token to everybody and counts nothing.
type credential struct{}

func (credential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// document reads JSON text as this package reads it.
func document(t testing.TB, text string) Document {
	t.Helper()
	var d Document
	if err := d.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return d
}

func compact(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
