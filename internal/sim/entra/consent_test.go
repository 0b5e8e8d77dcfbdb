package entra_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim/entra"
)

func TestConsentIsAskedOnceUnlessAskedAgain(t *testing.T) {
	s := withPeople(t)
	redirect, got := waiting(t)
	visit := func(s *entra.Server, p entra.Person, change ...string) string {
		b := person(s, p)
		b.Decline = true // only a page of consent hears it
		if err := b.Open(t.Context(), authorizeURL(tenant, redirect, change...)); err != nil {
			t.Fatal(err)
		}
		back := <-got
		if back.Has("code") {
			return "code"
		}
		return back.Get("error")
	}
	if answer := visit(s, ada); answer != "access_denied" {
		t.Errorf("the first time: %s", answer)
	}
	if err := person(s, ada).Open(t.Context(), authorizeURL(tenant, redirect)); err != nil {
		t.Fatal(err)
	}
	<-got
	for name, row := range map[string]struct {
		who    entra.Person
		change []string
		want   string
	}{
		"again":             {ada, nil, "code"},
		"asked again":       {ada, []string{"prompt", "consent"}, "access_denied"},
		"another resource":  {ada, []string{"scope", "https://vault.azure.net/.default"}, "access_denied"},
		"another person":    {bob, nil, "access_denied"},
		"with a login hint": {ada, []string{"login_hint", ada.User, "domain_hint", "organizations"}, "code"},
	} {
		if answer := visit(s, row.who, row.change...); answer != row.want {
			t.Errorf("%s: %s, want %s", name, answer, row.want)
		}
	}
	trusting := withPeople(t, func(o *entra.Options) { o.Guesses.TrustFirstParty = true })
	if answer := visit(trusting, ada); answer != "code" {
		t.Errorf("Microsoft's own client where it is trusted: %s", answer)
	}
}

// Older clients name a resource where newer ones name scopes.
func TestTheFirstVersionOfTheEndpoints(t *testing.T) {
	s := withPeople(t)
	_, device := ask(s, "/common/oauth2/devicecode", url.Values{"client_id": {cli}, "resource": {audience}})
	if device["verification_url"] == nil || device["expires_in"] != "900" {
		t.Fatalf("%v", device)
	}
	if err := person(s, ada).EnterCode(t.Context(), codePage, device["user_code"].(string)); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {"device_code"}, "client_id": {cli}, "code": {device["device_code"].(string)}, "resource": {audience}}
	if status, got := ask(s, "/common/oauth2/token", form); status != http.StatusOK || claimsOf(t, got["access_token"])["aud"] != audience || got["refresh_token"] == nil {
		t.Errorf("%d %v", status, got)
	}
}

// What a person or a client types is shown as text, whatever it is.
func TestPagesEscapeWhatTheyShow(t *testing.T) {
	s := withPeople(t)
	const evil = `"><script>alert(1)</script>`
	for _, address := range []string{
		authorizeURL(tenant, "http://localhost:1", "login_hint", evil), authorizeURL(tenant, "http://localhost:1", "client_id", evil),
		authorizeURL(tenant, evil), authorizeURL(tenant, "http://localhost:1", "response_mode", "form_post", "scope", evil, "state", evil),
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
		if strings.Contains(w.Body.String(), "<script>") || !strings.Contains(w.Body.String(), "alert(1)") || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s\n%s", address, w.Body)
		}
	}
}

func TestCodesGoToRegisteredAddressesOnly(t *testing.T) {
	s := withPeople(t)
	for address, want := range map[string]bool{
		"http://localhost": true, "http://localhost:8400": true, "http://localhost:8400/": true, "https://login.microsoftonline.com/common/oauth2/nativeclient": true,
		"http://localhost:8400/elsewhere": false, "https://localhost:8400": false, "http://localhost.evil.example": false, "http://127.0.0.1:8400": false,
		"http://localhost:8400#fragment": false, "https://login.microsoftonline.com:444/common/oauth2/nativeclient": false, "": false, "javascript:alert(1)": false,
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, authorizeURL(tenant, address), nil))
		if got := w.Code == http.StatusOK; got != want || !want && !strings.Contains(w.Body.String(), "AADSTS50011") {
			t.Errorf("%q: %d, want allowed %v", address, w.Code, want)
		}
	}
}
