package cloud

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// people is what Entra ID answers to people, just enough of it.
type people struct {
	mu     sync.Mutex
	grants []string // grant types, in the order in which they came
	number int      // of the token that was given last
	refuse string   // an error description, instead of tokens
	claims string   // of the last request
	asked  url.Values
}

func (p *people) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	grant := r.FormValue("grant_type")
	p.grants = append(p.grants, grant)
	p.claims = r.FormValue("claims")
	p.asked = r.Form
	if p.refuse != "" {
		answer(w, 400, `{"error":"invalid_grant","error_description":"`+p.refuse+`"}`)
		return
	}
	p.number++
	encode := base64.RawURLEncoding.EncodeToString
	id := encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(`{"tid":"`+tenant+`","oid":"oid-1","sub":"s","preferred_username":"ada@example.com","exp":4102444800}`)) + "."
	answer(w, 200, fmt.Sprintf(`{"token_type":"Bearer","expires_in":3600,"scope":%q,"access_token":"access-%d","refresh_token":"refresh-%d","id_token":%q,"client_info":%q}`,
		r.FormValue("scope"), p.number, p.number, id, encode([]byte(`{"uid":"uid-1","utid":"`+tenant+`"}`))))
}

func (p *people) count(grant string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, g := range p.grants {
		if g == grant {
			n++
		}
	}
	return n
}

// shelf is a TokenStore that is a variable.
type shelf struct {
	kept  string
	saved int
	err   error
}

func (s *shelf) Load(context.Context) (secret.Secret, error) { return secret.New(s.kept), s.err }
func (s *shelf) Save(_ context.Context, tokens secret.Secret) error {
	s.kept, s.saved = tokens.Reveal(), s.saved+1
	return s.err
}

func person(t *testing.T, p *people, kind SignInKind, store TokenStore) *Person {
	t.Helper()
	made, err := NewPerson(SignInOptions{Cloud: Public(), Kind: kind, TenantID: tenant, Tokens: store, Client: entra(t, Public(), p.token), Version: "v1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func armToken(t *testing.T, p *Person, claims string) (string, error) {
	t.Helper()
	token, err := p.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{Public().Audience + "/.default"}, Claims: claims})
	return token.Token, err
}

func signedIn(t *testing.T, p *Person) {
	t.Helper()
	who, err := p.SignIn(t.Context(), "", Asked{Code: func(code UserCode) {
		if code.Code != "ABCD" || code.Address != "https://microsoft.com/devicelogin" {
			t.Errorf("got %+v", code)
		}
	}})
	if err != nil || who.Name != "ada@example.com" || who.TenantID != tenant || !who.Person {
		t.Fatalf("got %+v, %v", who, err)
	}
}

func TestSignInOfAPersonIsKeptWithoutAccessTokens(t *testing.T) {
	entraID, store := &people{}, &shelf{}
	first := person(t, entraID, DeviceCode, store)
	signedIn(t, first)
	if !strings.Contains(store.kept, "refresh-1") || strings.Contains(store.kept, "access-1") || strings.Contains(store.kept, "IdToken") {
		t.Errorf("kept: %s", store.kept)
	}
	if got, err := armToken(t, first, ""); got != "access-1" || err != nil {
		t.Errorf("at hand: got %q, %v", got, err)
	}
	// The next run of the program has only what was kept, and asks nobody.
	second := person(t, entraID, DeviceCode, store)
	if got, err := armToken(t, second, ""); got != "access-2" || err != nil {
		t.Errorf("renewed: got %q, %v", got, err)
	}
	if !strings.Contains(store.kept, "refresh-2") {
		t.Errorf("the new refresh token is not kept: %s", store.kept)
	}
	if text := fmt.Sprintf("%v %+v %#v", second, second, second); strings.Contains(text, "refresh") || strings.Contains(text, "access") {
		t.Errorf("shows its tokens: %s", text)
	}
	if entraID.count("device_code") != 1 || entraID.count("refresh_token") != 1 {
		t.Errorf("grants %v", entraID.grants)
	}
}

// A logout while a run goes on: its next token must not bring the sign-in back.
func TestWhatWasSignedOutIsNotKeptAgain(t *testing.T) {
	entraID, store := &people{}, &shelf{}
	signedIn(t, person(t, entraID, DeviceCode, store))
	run := person(t, entraID, DeviceCode, store)
	if _, err := armToken(t, run, ""); err != nil {
		t.Fatal(err)
	}
	store.kept = ""
	run.Renew()
	if got, err := armToken(t, run, ""); got != "access-3" || err != nil {
		t.Errorf("the run stops: got %q, %v", got, err)
	}
	if store.kept != "" {
		t.Errorf("kept again: %s", store.kept)
	}
}

func TestSilentSignInOfNobodySaysHowToSignIn(t *testing.T) {
	_, err := armToken(t, person(t, &people{}, Browser, &shelf{}), "")
	var e *Error
	if !errors.As(err, &e) || err.Error() != "sign in in the browser: nobody is signed in" || e.Hint != "sign in: cartouche login" {
		t.Errorf("got %v", err)
	}
}

func TestRevokedSignInSaysSo(t *testing.T) {
	entraID, store := &people{}, &shelf{}
	signedIn(t, person(t, entraID, DeviceCode, store))
	entraID.refuse = `AADSTS700082: The refresh token has expired due to inactivity.\r\nTrace ID: 1`
	_, err := armToken(t, person(t, entraID, DeviceCode, store), "")
	var e *Error
	if !errors.As(err, &e) || e.Code != "AADSTS700082" || e.Message != "The refresh token has expired due to inactivity." ||
		!strings.HasSuffix(e.Hint, "sign in again with: cartouche login") {
		t.Errorf("got %#v", err)
	}
	if text := fmt.Sprintf("%+v", *e); strings.Contains(text, "refresh-") {
		t.Errorf("a token is in %s", text)
	}
}

func TestClaimsOfAChallengeGoToEntraID(t *testing.T) {
	entraID := &people{}
	p := person(t, entraID, DeviceCode, nil)
	signedIn(t, p)
	const claims = `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`
	if got, err := armToken(t, p, claims); got != "access-2" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if !strings.Contains(entraID.claims, `"nbf"`) || !strings.Contains(entraID.claims, "CP1") {
		t.Errorf("claims %q", entraID.claims)
	}
}

func TestRenewLetsGoOfAToken(t *testing.T) {
	p := person(t, &people{}, DeviceCode, nil)
	signedIn(t, p)
	p.Renew()
	if got, err := armToken(t, p, ""); got != "access-2" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := armToken(t, p, ""); got != "access-2" || err != nil {
		t.Errorf("renewed once more: got %q, %v", got, err)
	}
}

func TestKeychainThatFailsStopsNoSignIn(t *testing.T) {
	store := &shelf{err: errors.New("locked")}
	p := person(t, &people{}, DeviceCode, store)
	signedIn(t, p)
	if got, err := armToken(t, p, ""); got != "access-1" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if p.Unkept() == nil {
		t.Error("nobody is told")
	}
}

// The answer of the browser comes to a port of this computer, by POST.
func TestBrowser(t *testing.T) {
	entraID := &people{}
	p := person(t, entraID, Browser, nil)
	send := func(form func(url.Values) url.Values) Asked {
		return Asked{Open: func(address string) error {
			asked, err := url.Parse(address)
			if err != nil || asked.Host != "login.microsoftonline.com" || asked.Query().Get("code_challenge_method") != "S256" {
				t.Errorf("address %s, %v", address, err)
			}
			go func() {
				response, err := http.PostForm(asked.Query().Get("redirect_uri"), form(asked.Query()))
				if err == nil {
					_, _ = io.Copy(io.Discard, response.Body)
					response.Body.Close()
				}
			}()
			return nil
		}}
	}
	who, err := p.SignIn(t.Context(), "", send(func(asked url.Values) url.Values {
		return url.Values{"code": {"c"}, "state": {asked.Get("state")}}
	}))
	if err != nil || who.Name != "ada@example.com" || entraID.asked.Get("code_verifier") == "" {
		t.Errorf("got %+v, %v", who, err)
	}
	_, err = p.SignIn(t.Context(), "", send(func(asked url.Values) url.Values {
		return url.Values{"error": {"access_denied"}, "state": {asked.Get("state")},
			"error_description": {"AADSTS65004: User declined to consent to access the app 'Azure CLI'."}}
	}))
	var e *Error
	if !errors.As(err, &e) || e.Code != "AADSTS65004" || e.Message != "User declined to consent to access the app 'Azure CLI'." || e.Hint == "" {
		t.Errorf("got %v", err)
	}
	_, err = p.SignIn(t.Context(), "", send(func(url.Values) url.Values { return url.Values{"code": {"c"}, "state": {"another"}} }))
	if err == nil {
		t.Error("accepted an answer to a question that was not asked")
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = p.SignIn(ctx, "", Asked{Open: func(string) error { cancel(); return nil }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Ctrl-C: got %v", err)
	}
}

func TestATenantIsNoPath(t *testing.T) {
	for _, tenant := range []string{"../x", "..", "a/b", "a b", "a?b", "x@evil.example.com", "\x1b[31m", "-"} {
		_, err := NewPerson(SignInOptions{Cloud: Public(), Kind: Browser, TenantID: tenant, Client: http.DefaultClient})
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), "neither the id nor the domain") || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: got %v", tenant, err)
		}
	}
	for _, tenant := range []string{"", tenant, "contoso.onmicrosoft.com", "x"} {
		if _, err := NewPerson(SignInOptions{Cloud: Public(), Kind: Browser, TenantID: tenant, Client: http.DefaultClient}); err != nil {
			t.Errorf("%q: got %v", tenant, err)
		}
	}
}

// Half a request to the port that waits for the browser holds nobody up.
func TestCtrlCInTheBrowserDoesNotWaitForStrangers(t *testing.T) {
	p := person(t, &people{}, Browser, nil)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := p.SignIn(ctx, "", Asked{Open: func(address string) error {
		asked, err := url.Parse(address)
		if err != nil {
			return err
		}
		port, err := url.Parse(asked.Query().Get("redirect_uri"))
		if err != nil {
			return err
		}
		stranger, err := net.Dial("tcp", port.Host)
		if err != nil {
			return err
		}
		t.Cleanup(func() { stranger.Close() })
		_, err = io.WriteString(stranger, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n")
		if err == nil { // it is being waited for once it was told to go on
			_, err = stranger.Read(make([]byte, 20))
		}
		cancel()
		return err
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Resource Manager refuses a token that was withdrawn before its end: the
// request is made once more with another one.
func TestRefusedTokenIsRenewedOnce(t *testing.T) {
	p := person(t, &people{}, DeviceCode, nil)
	signedIn(t, p)
	good, seen := "access-2", []string{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, r.Method+" "+r.Header.Get("Authorization")+" "+string(body))
		if r.Header.Get("Authorization") != "Bearer "+good {
			w.Header().Set("WWW-Authenticate", `Bearer authorization_uri="https://login.microsoftonline.com/x", error="invalid_token"`)
			answer(w, 401, `{"error":{"code":"ExpiredAuthenticationToken","message":"The access token expiry UTC time is earlier than the current one."}}`)
			return
		}
		answer(w, 200, `{"name":"agw-prod","properties":{"provisioningState":"Succeeded"}}`)
	}))
	defer server.Close()
	azure := Public()
	azure.ResourceManager = server.URL
	rm, err := NewResourceManager(azure, p, Options{Client: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = rm.Put(t.Context(), gatewayID, GatewayAPI, Document{"name": "agw-prod"}, ""); err != nil {
		t.Errorf("got %v", err)
	}
	want := []string{`PUT Bearer access-1 {"name":"agw-prod"}`, `PUT Bearer access-2 {"name":"agw-prod"}`}
	if len(seen) < 2 || seen[0] != want[0] || seen[1] != want[1] {
		t.Errorf("got %q", seen)
	}
	good, seen = "none", nil
	_, err = rm.Get(t.Context(), gatewayID, GatewayAPI)
	if !HasCode(err, "ExpiredAuthenticationToken") || len(seen) != 2 {
		t.Errorf("got %v after %q", err, seen)
	}
}
