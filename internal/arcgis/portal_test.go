package arcgis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// canary is a password that must never be seen outside the body of
// generateToken. Its characters change their form in URLs, JSON and HTML.
const canary = `c4n4ry <&"\ö pa$$`

// reply is one canned answer of a fake portal.
type reply struct {
	status int
	body   string
	header http.Header
}

func ok(body string) reply { return reply{status: http.StatusOK, body: body} }

// fake is a portal that gives canned answers, path by path, in order; the last
// one of a path is repeated. It records each request as text.
type fake struct {
	*httptest.Server
	mu       sync.Mutex
	replies  map[string][]reply
	requests []string
}

func newFake(t *testing.T, replies map[string][]reply) *fake {
	t.Helper()
	f := &fake{replies: replies}
	f.Server = httptest.NewTLSServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	text := r.Method + " " + r.RequestURI
	if r.Header.Get("Referer") != "" {
		text += " Referer: " + strings.ReplaceAll(r.Header.Get("Referer"), f.URL, "BASE")
	}
	f.requests = append(f.requests, text+"\n"+strings.ReplaceAll(string(body), strings.ReplaceAll(strings.ReplaceAll(f.URL, ":", "%3A"), "/", "%2F"), "BASE"))
	queue := f.replies[r.URL.Path]
	if len(queue) == 0 {
		http.NotFound(w, r)
		return
	}
	a := queue[0]
	if len(queue) > 1 {
		f.replies[r.URL.Path] = queue[1:]
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

func (f *fake) portal() *Portal { return NewPortal(f.URL+"/portal/", f.Client()) }

// signedIn is a portal with a token.
func (f *fake) signedIn(t *testing.T) *Portal {
	t.Helper()
	p := f.portal()
	err := p.SignIn(context.Background(), "siteadmin", secret.New(canary))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	tokenPath   = "/portal/sharing/rest/generateToken"
	adminPath   = "/portal/portaladmin"
	serversPath = "/portal/portaladmin/federation/servers"
	healthPath  = "/portal/portaladmin/healthCheck"
	granted     = `{"token":"t0ken-1","expires":1767225600000,"ssl":true}`
)

// The exchange as a portal sees it, word for word: everything in bodies,
// nothing in URLs, the same referer in the form and in the header.
func TestSignInAndReadVersion(t *testing.T) {
	f := newFake(t, map[string][]reply{
		tokenPath: {ok(granted)},
		adminPath: {ok(`{"isPostUpgrade":false,"version":"11.1.0","currentbuild":"11.1.0.42854"}`)},
	})
	p := f.portal()
	err := p.SignIn(t.Context(), "siteadmin", secret.New("s3cret+&"))
	if err != nil {
		t.Fatal(err)
	}
	version, err := p.Version(t.Context())
	if err != nil || version != "11.1.0" {
		t.Fatalf("Version = %q, %v; want 11.1.0", version, err)
	}
	want := []string{
		"POST /portal/sharing/rest/generateToken Referer: BASE/portal\n" +
			"client=referer&expiration=60&f=json&password=s3cret%2B%26&referer=BASE%2Fportal&username=siteadmin",
		"POST /portal/portaladmin Referer: BASE/portal\n" +
			"f=json&token=t0ken-1",
	}
	if diff := cmp.Diff(want, f.requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestExpiresIsANumberOrAString(t *testing.T) {
	want := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for expires, want := range map[string]time.Time{
		`1767225600000`:   want,
		`"1767225600000"`: want,
		`1.7672256e12`:    want,
		`null`:            {},
		`"soon"`:          {},
		`-5`:              {},
		`{"a":1}`:         {},
	} {
		f := newFake(t, map[string][]reply{tokenPath: {ok(`{"token":"t","expires":` + expires + `}`)}})
		if got := f.signedIn(t).Expires(); !got.Equal(want) {
			t.Errorf("expires %s: Expires = %v, want %v", expires, got, want)
		}
	}
}

func TestSignInErrors(t *testing.T) {
	page := `<html><head><title>Oops &amp; sorry</title><style>b{}</style></head><body><b>Error</b> 500</body></html>`
	rows := []struct {
		name  string
		reply reply
		code  string
		said  string
	}{
		{"wrong password", ok(`{"error":{"code":400,"message":"Unable to generate token.","details":["Invalid username or password."]}}`), CodeWrongCredentials, "Invalid username or password."},
		{"wrong password, in French", ok(`{"error":{"code":400,"message":"Impossible de générer le jeton.","details":["Nom ou mot de passe non valide."]}}`), CodeWrongCredentials, "Nom ou mot de passe"},
		{"wrong password, HTTP 401", reply{status: 401, body: `{"error":{"code":401,"message":"Unauthorized"}}`}, CodeWrongCredentials, "Unauthorized"},
		{"wrong password, flat family", ok(`{"status":"error","messages":["Invalid user."],"code":"400"}`), CodeWrongCredentials, "Invalid user."},
		{"missing fields", ok(`{"error":{"code":400,"message":"Unable to generate token.","details":["'username' must be specified."]}}`), CodeSignInRefused, "must be specified"},
		{"locked", ok(`{"error":{"code":400,"message":"Unable to generate token.","details":["Too many login attempts."]}}`), CodeSignInRefused, "Too many"},
		{"server error", ok(`{"error":{"code":500,"message":"Database is down","details":null}}`), CodeRefused, "Database is down"},
		{"error is a string", ok(`{"error":"no way"}`), CodeRefused, "no way"},
		{"page", ok(page), CodeNotJSON, "Error 500"},
		{"page from a gateway", reply{status: 502, body: page}, CodeNotJSON, "HTTP 502"},
		{"firewall", reply{status: 403, body: page}, CodeNotJSON, "HTTP 403"},
		{"empty", ok(""), CodeNotJSON, ""},
		{"list", ok("[]"), CodeNotJSON, ""},
		{"no token", ok(`{}`), CodeUnexpected, ""},
		{"token is an object", ok(`{"token":{}}`), CodeUnexpected, ""},
		{"too large", ok(`{"token":"` + strings.Repeat("x", maxBody) + `"}`), CodeTooLarge, ""},
		{"redirect", reply{status: 307, header: http.Header{"Location": {"https://elsewhere.example/?token=x"}}}, CodeRedirected, "to elsewhere.example"},
		{"JSON with HTTP 500", reply{status: 500, body: `{"hint":"none"}`}, CodeRefused, "HTTP 500"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			f := newFake(t, map[string][]reply{tokenPath: {row.reply}})
			err := f.portal().SignIn(t.Context(), "siteadmin", secret.New(canary))
			if code(err) != row.code || !strings.Contains(fmt.Sprint(err), row.said) {
				t.Errorf("SignIn = %v (code %q), want code %q saying %q", err, code(err), row.code, row.said)
			}
			if len(f.requests) != 1 {
				t.Errorf("%d requests, want 1: a refused sign-in is not repeated", len(f.requests))
			}
			assertNoCanary(t, err)
		})
	}
}

// A service that sends back what it was given must not make us show it.
func TestEchoedPasswordIsNotShown(t *testing.T) {
	echo := func(wrap func(string) string) *httptest.Server {
		return httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			raw, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, wrap(string(raw)))
		}))
	}
	wraps := map[string]func(string) string{
		"error":  func(body string) string { return fmt.Sprintf(`{"error":{"code":500,"message":%q}}`, "got "+body) },
		"string": func(body string) string { return fmt.Sprintf(`{"error":%q}`, canary) },
		"decoded": func(string) string {
			return `{"error":{"code":400,"message":"no: ` + strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(canary) + `"}}`
		},
		"page": func(body string) string { return "<p>" + body + "<p>" + canary },
		"long": func(string) string {
			return fmt.Sprintf(`{"error":{"code":500,"message":%q}}`, strings.Repeat("x ", maxMessage/2-3)+canary)
		},
	}
	for name, wrap := range wraps {
		t.Run(name, func(t *testing.T) {
			s := echo(wrap)
			defer s.Close()
			err := NewPortal(s.URL, s.Client()).SignIn(t.Context(), "siteadmin", secret.New(canary))
			if err == nil {
				t.Fatal("no error")
			}
			assertNoCanary(t, err)
		})
	}
}

func TestSignInNeedsHTTPS(t *testing.T) {
	for _, base := range []string{"http://gis.example.com/portal", "gis.example.com", "https://user:pw@gis.example.com", "https://gis.example.com/portal?x=1", "", "https://"} {
		err := NewPortal(base, http.DefaultClient).SignIn(t.Context(), "siteadmin", secret.New(canary))
		if code(err) != CodeBadURL {
			t.Errorf("SignIn at %q = %v, want code %s", base, err, CodeBadURL)
		}
	}
}

func TestRefusedTokenIsRenewedOnce(t *testing.T) {
	for name, refusal := range map[string]string{
		"nested, ended":   `{"error":{"code":498,"message":"Invalid Token","details":[]}}`,
		"nested, missing": `{"error":{"code":499,"message":"Token Required","details":[]}}`,
		"flat":            `{"status":"error","messages":["Invalid token, ClientID does not match."],"code":498}`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, map[string][]reply{
				tokenPath: {ok(granted), ok(`{"token":"t0ken-2","expires":"1767225600000"}`)},
				adminPath: {ok(refusal), ok(`{"version":"11.4.0"}`)},
			})
			version, err := f.signedIn(t).Version(t.Context())
			if err != nil || version != "11.4.0" {
				t.Fatalf("Version = %q, %v; want 11.4.0", version, err)
			}
			last := f.requests[len(f.requests)-1]
			if len(f.requests) != 4 || !strings.Contains(last, "token=t0ken-2") {
				t.Errorf("%d requests, the last %q; want 4, the last with the new token", len(f.requests), last)
			}
		})
	}
}

func TestTokenRefusedTwice(t *testing.T) {
	f := newFake(t, map[string][]reply{
		tokenPath: {ok(granted), ok(`{"token":"t0ken-2"}`)},
		adminPath: {ok(`{"error":{"code":498,"message":"Invalid Token: t0ken-2","details":[]}}`)},
	})
	_, err := f.signedIn(t).Version(t.Context())
	if code(err) != CodeNotSignedIn || len(f.requests) != 4 {
		t.Errorf("Version = %v after %d requests, want %s after 4", err, len(f.requests), CodeNotSignedIn)
	}
	if strings.Contains(err.Error(), "t0ken") {
		t.Errorf("the error shows a token: %v", err)
	}
}

func TestReadsNeedSignIn(t *testing.T) {
	f := newFake(t, nil)
	_, err := f.portal().FederatedServers(t.Context())
	if code(err) != CodeNotSignedIn || len(f.requests) != 0 {
		t.Errorf("FederatedServers = %v after %d requests, want %s after none", err, len(f.requests), CodeNotSignedIn)
	}
}

func TestNotAnAdministrator(t *testing.T) {
	f := newFake(t, map[string][]reply{
		tokenPath: {ok(granted)},
		adminPath: {ok(`{"error":{"code":403,"message":"You do not have permissions to access this resource or perform this operation.","details":[]}}`)},
	})
	_, err := f.signedIn(t).Version(t.Context())
	if code(err) != CodeForbidden {
		t.Errorf("Version = %v, want code %s", err, CodeForbidden)
	}
}

// Many goroutines with one ended token sign in far fewer times than they read.
func TestConcurrentReads(t *testing.T) {
	f := newFake(t, map[string][]reply{
		tokenPath: {ok(granted), ok(`{"token":"t0ken-2"}`)},
		adminPath: {ok(`{"error":{"code":498,"message":"Invalid Token"}}`), ok(`{"version":"11.4.0"}`)},
	})
	p := f.signedIn(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			_, err := p.Version(context.Background())
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestUnreachableAndCancelled(t *testing.T) {
	f := newFake(t, nil)
	p := f.portal()
	f.Close()
	err := p.SignIn(t.Context(), "siteadmin", secret.New(canary))
	if code(err) != CodeUnreachable {
		t.Errorf("SignIn at a closed port = %v, want %s", err, CodeUnreachable)
	}
	assertNoCanary(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = p.Health(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Health with a cancelled context = %v, want context.Canceled inside", err)
	}
}

func code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// assertNoCanary looks for the password in every way in which an error can be
// written down, in full and in recognisable parts.
func assertNoCanary(t *testing.T, err error) {
	t.Helper()
	var e *Error
	errors.As(err, &e)
	for _, text := range []string{fmt.Sprint(err), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", e)} {
		if strings.Contains(text, "c4n4ry") || strings.Contains(text, "pa$$") {
			t.Errorf("the password is in %s", text)
		}
	}
}
