package entra_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/entra"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/visitor"
)

const (
	cli      = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
	deviceOf = "urn:ietf:params:oauth:grant-type:device_code"
	people   = audience + "/.default openid profile offline_access"
)

var (
	ada = entra.Person{Name: "Ada", User: "ada@contoso.onmicrosoft.com", Password: "right", ObjectID: "ada-at-home", Home: tenant, Guest: map[string]string{other: "ada-as-guest"}}
	bob = entra.Person{Name: "Bob", User: "bob@contoso.onmicrosoft.com", Password: "right", ObjectID: "bob-at-home", Home: tenant}
)

// sharedKey spares every test the making of an RSA key.
var sharedKey = sync.OnceValues(newKey)

func newKey() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }

func withPeople(t *testing.T, change ...func(*entra.Options)) *entra.Server {
	t.Helper()
	key, err := sharedKey()
	if err != nil {
		t.Fatal(err)
	}
	o := entra.Options{Key: key, Ground: ground.New(1, nil), Host: "login.microsoftonline.com", Resources: []string{audience, "https://vault.azure.net"}, Directory: audience,
		People: []entra.Person{ada, bob}, DeviceInterval: 20 * time.Millisecond,
		Tenants: []entra.Tenant{
			{ID: tenant, Domain: "contoso.onmicrosoft.com", Name: "Contoso", Applications: []entra.Application{{ClientID: app, ObjectID: "app", Name: "Atlas", Secret: "secret", Redirects: []string{"https://atlas.example.com/back"}}}},
			{ID: other, Name: "Fabrikam"}}}
	for _, one := range change {
		one(&o)
	}
	s, err := entra.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// into leads every request to the server, whatever its host.
type into struct{ s http.Handler }

func (i into) RoundTrip(r *http.Request) (*http.Response, error) {
	inner := r.Clone(r.Context())
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	i.s.ServeHTTP(w, inner)
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

func person(s http.Handler, p entra.Person) visitor.Browser {
	return visitor.Browser{Client: &http.Client{Transport: into{s}}, User: p.User, Password: p.Password}
}

// waiting is a program that waits for its code on a loopback port.
func waiting(t *testing.T) (redirect string, got chan url.Values) {
	t.Helper()
	got = make(chan url.Values, 2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		posted, _ := url.ParseQuery(string(body))
		for name, values := range r.URL.Query() {
			posted[name] = values
		}
		posted.Set("method", r.Method)
		got <- posted
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1), got
}

const verifier = "a-verifier-of-forty-three-letters-or-more-000"

func authorizeURL(in, redirect string, change ...string) string {
	sum := sha256.Sum256([]byte(verifier))
	query := url.Values{"client_id": {cli}, "response_type": {"code"}, "redirect_uri": {redirect}, "scope": {people}, "state": {"s1"}, "nonce": {"n1"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
	for i := 0; i+1 < len(change); i += 2 {
		query.Set(change[i], change[i+1])
	}
	return "https://login.microsoftonline.com/" + in + "/oauth2/v2.0/authorize?" + query.Encode()
}

// claimsOf reads a token without checking it; that is done elsewhere.
func claimsOf(t *testing.T, token any) map[string]any {
	t.Helper()
	text, _ := token.(string)
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		t.Fatalf("not a token: %v", token)
	}
	raw, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func number(got map[string]any) float64 {
	numbers, _ := got["error_codes"].([]any)
	if len(numbers) != 1 {
		return 0
	}
	n, _ := numbers[0].(float64)
	return n
}

func TestTheCodeFlowInItsThreeResponseModes(t *testing.T) {
	s := withPeople(t)
	for mode, method := range map[string]string{"": "GET", "query": "GET", "form_post": "POST"} {
		redirect, got := waiting(t)
		if err := person(s, ada).Open(t.Context(), authorizeURL("organizations", redirect, "response_mode", mode)); err != nil {
			t.Fatalf("%q: %v", mode, err)
		}
		back := <-got
		if back.Get("method") != method || back.Get("state") != "s1" || back.Get("code") == "" {
			t.Fatalf("%q: %v", mode, back)
		}
		form := url.Values{"grant_type": {"authorization_code"}, "client_id": {cli}, "code": {back.Get("code")}, "redirect_uri": {redirect}, "code_verifier": {verifier}, "scope": {people}}
		status, answer := ask(s, "/organizations/oauth2/v2.0/token", form)
		if status != 200 || answer["refresh_token"] == nil || answer["foci"] != "1" || !strings.Contains(answer["scope"].(string), audience+"/.default") {
			t.Fatalf("%q: %d %v", mode, status, answer)
		}
		id := claimsOf(t, answer["id_token"])
		if id["nonce"] != "n1" || id["aud"] != cli || id["tid"] != tenant || id["preferred_username"] != ada.User {
			t.Errorf("id token %v", id)
		}
		caller, err := s.Verify(answer["access_token"].(string), []string{audience})
		if err != nil || caller.ObjectID != ada.ObjectID || caller.User != ada.User {
			t.Errorf("%+v %v", caller, err)
		}
		if _, again := ask(s, "/organizations/oauth2/v2.0/token", form); number(again) != 54005 {
			t.Errorf("the code a second time: %v", again)
		}
	}
	redirect, got := waiting(t)
	if err := person(s, ada).Open(t.Context(), authorizeURL(tenant, redirect, "response_mode", "fragment")); err != nil {
		t.Fatal(err)
	}
	if back := <-got; len(back) != 1 {
		t.Errorf("a fragment does not reach the server, but: %v", back)
	}
}

func TestACodeIsGoodForWhoAskedOnly(t *testing.T) {
	s := withPeople(t)
	for want, change := range map[float64][2]string{
		501481: {"code_verifier", "another"}, 500112: {"redirect_uri", "http://localhost:1"}, 70000: {"client_id", "1950a258-227b-4e31-a9cf-717495945fc2"},
		9002313: {"code", "0.invented"}, 700016: {"client_id", "nobody"}, 7000218: {"client_id", app},
	} {
		redirect, got := waiting(t)
		if err := person(s, ada).Open(t.Context(), authorizeURL(tenant, redirect)); err != nil {
			t.Fatal(err)
		}
		form := url.Values{"grant_type": {"authorization_code"}, "client_id": {cli}, "code": {(<-got).Get("code")}, "redirect_uri": {redirect}, "code_verifier": {verifier}}
		form.Set(change[0], change[1])
		if _, answer := ask(s, "/"+tenant+"/oauth2/v2.0/token", form); number(answer) != want {
			t.Errorf("%v: %v, want %.0f", change, answer, want)
		}
	}
	late := withPeople(t, func(o *entra.Options) { o.CodeLife = time.Nanosecond })
	redirect, got := waiting(t)
	if err := person(late, ada).Open(t.Context(), authorizeURL(tenant, redirect)); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {"authorization_code"}, "client_id": {cli}, "code": {(<-got).Get("code")}, "redirect_uri": {redirect}, "code_verifier": {verifier}}
	if _, answer := ask(late, "/"+tenant+"/oauth2/v2.0/token", form); number(answer) != 70008 {
		t.Errorf("an old code: %v", answer)
	}
}

func TestThePagesSayWhatIsWrong(t *testing.T) {
	s := withPeople(t)
	redirect, got := waiting(t)
	wrong, unknown := ada, ada
	wrong.Password, unknown.User = "wrong", "nobody@contoso.onmicrosoft.com"
	for name, row := range map[string]struct {
		who           entra.Person
		address, want string
	}{
		"wrong password":     {wrong, authorizeURL(tenant, redirect), "AADSTS50126"},
		"unknown person":     {unknown, authorizeURL(tenant, redirect), "AADSTS50034"},
		"not of that tenant": {bob, authorizeURL(other, redirect), "AADSTS50020"},
		"unknown client":     {ada, authorizeURL(tenant, redirect, "client_id", "nobody"), "AADSTS700016"},
		"unknown tenant":     {ada, authorizeURL("nowhere.example", redirect), "AADSTS90002"},
		"other way back":     {ada, authorizeURL(tenant, "https://evil.example/"), "AADSTS50011"},
	} {
		if err := person(s, row.who).Open(t.Context(), row.address); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", name, err, row.want)
		}
	}
	if len(got) != 0 {
		t.Errorf("the client heard of it: %v", <-got)
	}
}

func TestTheClientHearsTheRest(t *testing.T) {
	s := withPeople(t)
	for name, row := range map[string]struct {
		change      []string
		decline     bool
		code, error string
	}{
		"declined":          {nil, true, "access_denied", "AADSTS65004"},
		"no session":        {[]string{"prompt", "none"}, false, "login_required", "AADSTS50058"},
		"other response":    {[]string{"response_type", "id_token"}, false, "unsupported_response_type", "AADSTS700054"},
		"two resources":     {[]string{"scope", audience + "/.default https://vault.azure.net/.default"}, false, "invalid_request", "AADSTS28000"},
		"unknown resource":  {[]string{"scope", "https://what.example/.default"}, false, "invalid_resource", "AADSTS500011"},
		"unknown challenge": {[]string{"code_challenge_method", "S1"}, false, "invalid_request", "AADSTS9002314"},
	} {
		redirect, got := waiting(t)
		b := person(s, ada)
		b.Decline = row.decline
		if err := b.Open(t.Context(), authorizeURL(tenant, redirect, row.change...)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		back := <-got
		if back.Get("error") != row.code || !strings.Contains(back.Get("error_description"), row.error) || back.Get("state") != "s1" || back.Has("code") {
			t.Errorf("%s: %v", name, back)
		}
	}
}

func TestAClientWithASecretHasItsOwnWayBack(t *testing.T) {
	s := withPeople(t)
	var location string
	b := person(s, ada)
	b.Client.Transport = stops{into{s}, &location}
	if err := b.Open(t.Context(), authorizeURL(tenant, "https://atlas.example.com/back", "client_id", app)); err != nil {
		t.Fatal(err)
	}
	back, _ := url.Parse(location)
	form := url.Values{"grant_type": {"authorization_code"}, "client_id": {app}, "client_secret": {"secret"}, "code": {back.Query().Get("code")}, "redirect_uri": {"https://atlas.example.com/back"}, "code_verifier": {verifier}}
	if status, answer := ask(s, "/"+tenant+"/oauth2/v2.0/token", form); status != 200 {
		t.Errorf("%d %v", status, answer)
	}
}

// stops notes where the browser is sent outside of the login endpoint.
type stops struct {
	inner    http.RoundTripper
	location *string
}

func (s stops) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "login.microsoftonline.com" {
		*s.location = r.URL.String()
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
	}
	return s.inner.RoundTrip(r)
}

func TestASessionSparesThePassword(t *testing.T) {
	s := withPeople(t)
	redirect, got := waiting(t)
	if err := person(s, ada).Open(t.Context(), authorizeURL(tenant, redirect)); err != nil {
		t.Fatal(err)
	}
	<-got
	// The session is a cookie; consent was given before.
	w := httptest.NewRecorder()
	form := url.Values{"login": {ada.User}, "passwd": {ada.Password}}
	page := httptest.NewRecorder()
	s.ServeHTTP(page, httptest.NewRequest("GET", authorizeURL(tenant, redirect), nil))
	form.Set("ctx", regexp.MustCompile(`name="ctx" value="([^"]+)"`).FindStringSubmatch(page.Body.String())[1])
	request := httptest.NewRequest("POST", "https://login.microsoftonline.com/"+tenant+"/login", strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	s.ServeHTTP(w, request)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusFound || len(cookies) != 1 || !cookies[0].HttpOnly || !cookies[0].Secure {
		t.Fatalf("%d %v", w.Code, cookies)
	}
	silent := func() string {
		w, request := httptest.NewRecorder(), httptest.NewRequest("GET", authorizeURL(tenant, redirect, "prompt", "none"), nil)
		request.AddCookie(cookies[0])
		s.ServeHTTP(w, request)
		back, _ := url.Parse(w.Header().Get("Location"))
		return back.Query().Get("error") + back.Query().Get("code")[:min(2, len(back.Query().Get("code")))]
	}
	if got := silent(); got != "0." {
		t.Errorf("with a session: %q", got)
	}
	out := httptest.NewRequest("GET", "https://login.microsoftonline.com/common/oauth2/v2.0/logout", nil)
	out.AddCookie(cookies[0])
	s.ServeHTTP(httptest.NewRecorder(), out)
	if got := silent(); got != "login_required" {
		t.Errorf("after signing out: %q", got)
	}
}
