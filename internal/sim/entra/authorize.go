package entra

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// visit is a person on the way through the pages: for a client that waits at
// a redirect address, or for a device.
type visit struct {
	tenantName  string
	application Application
	resource    string
	scopes      []string
	nonce       string
	continuous  bool
	hint        string
	prompt      string

	redirect, mode, state string
	challenge, method     string // PKCE (RFC 7636)
	device                *device

	person *Person // once signed in
	tenant Tenant
}

// grantedCode is what an authorization code stands for.
type grantedCode struct {
	in                          signIn
	redirect, challenge, method string
	used                        bool
}

// authorize is the authorization endpoint (RFC 6749 §3.1). What is wrong with
// client or redirect address is shown to the person; the rest goes to the
// client.
// Source: Microsoft identity platform, "OAuth 2.0 authorization code flow".
func (s *Server) authorize(w http.ResponseWriter, r *http.Request, name string) {
	if err := r.ParseForm(); err != nil {
		s.showProblem(w, problem("invalid_request", 900144, "The request could not be read."))
		return
	}
	form := r.Form
	application, f := s.application(name, form.Get("client_id"))
	if f != nil {
		s.showProblem(w, f)
		return
	}
	redirect := form.Get("redirect_uri")
	if !s.mayRedirect(application, redirect) {
		s.showProblem(w, problem("invalid_request", 50011, "The redirect URI '%s' specified in the request does not match the redirect URIs configured for the application '%s'.", clip(redirect), application.ClientID))
		return
	}
	v := &visit{tenantName: name, application: application, redirect: redirect, mode: form.Get("response_mode"), state: form.Get("state"), nonce: form.Get("nonce"),
		challenge: form.Get("code_challenge"), method: form.Get("code_challenge_method"), hint: form.Get("login_hint"), prompt: form.Get("prompt"), continuous: continuous(form)}
	tenant, _ := s.tenant(name)
	if v.resource, v.scopes, f = s.personScopes(form, tenant); f == nil {
		f = v.check(form.Get("response_type"))
	}
	if f != nil {
		s.sendBack(w, v, url.Values{"error": {f.Code}, "error_description": {f.Description}})
		return
	}
	v.person = s.session(r)
	if v.prompt == "login" || v.prompt == "select_account" {
		v.person = nil
	}
	switch {
	case v.person != nil:
		s.afterSignIn(w, v)
	case v.prompt == "none":
		f := problem("login_required", 50058, "A silent sign-in request was sent but no user is signed in.")
		s.sendBack(w, v, url.Values{"error": {f.Code}, "error_description": {f.Description}})
	default:
		s.showSignIn(w, v, "")
	}
}

// check refuses what the endpoint does not do.
func (v *visit) check(responseType string) *failure {
	switch {
	case responseType == "":
		return problem("invalid_request", 900144, "The request body must contain the following parameter: 'response_type'.")
	case responseType != "code":
		return problem("unsupported_response_type", 700054, "response_type '%s' is not enabled for the application.", clip(responseType))
	case !slices.Contains([]string{"", "query", "fragment", "form_post"}, v.mode):
		f := problem("invalid_request", 900144, "The response_mode '%s' is not supported.", clip(v.mode)) // guess: number and text
		v.mode = "query"
		return f
	case !slices.Contains([]string{"", "plain", "S256"}, v.method):
		return problem("invalid_request", 9002314, "The code_challenge_method '%s' is not supported.", clip(v.method)) // guess: number and text
	}
	return nil
}

// mayRedirect compares with the registered addresses; on a loopback address
// the port does not count (RFC 8252 §7.3).
// Source: Microsoft identity platform, "Redirect URI restrictions", localhost.
func (s *Server) mayRedirect(application Application, asked string) bool {
	want, err := url.Parse(asked)
	if err != nil || want.Scheme == "" || want.Fragment != "" {
		return false
	}
	return slices.ContainsFunc(application.Redirects, func(text string) bool {
		have, err := url.Parse(strings.ReplaceAll(text, "{login}", s.options.Host))
		if err != nil {
			return false
		}
		loopback := have.Scheme == "http" && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, have.Hostname())
		return want.Scheme == have.Scheme && want.Hostname() == have.Hostname() && (loopback || want.Port() == have.Port()) &&
			strings.TrimRight(want.Path, "/") == strings.TrimRight(have.Path, "/")
	})
}

// sendBack answers the client, through the browser, in the way that it asked
// for.
func (s *Server) sendBack(w http.ResponseWriter, v *visit, parameters url.Values) {
	if v.state != "" {
		parameters.Set("state", v.state)
	}
	target, err := url.Parse(v.redirect)
	if err != nil {
		s.showProblem(w, problem("invalid_request", 50011, "The redirect URI cannot be read."))
		return
	}
	switch v.mode {
	case "form_post":
		s.show(w, http.StatusOK, "post", page{Action: v.redirect, Hidden: parameters})
		return
	case "fragment":
		target.Fragment = parameters.Encode()
		w.Header().Set("Location", strings.Split(target.String(), "#")[0]+"#"+parameters.Encode())
	default:
		query := target.Query()
		for name, values := range parameters {
			query[name] = values
		}
		target.RawQuery = query.Encode()
		w.Header().Set("Location", target.String())
	}
	w.WriteHeader(http.StatusFound)
}

// giveCode ends the visit of a client at a redirect address.
func (s *Server) giveCode(w http.ResponseWriter, v *visit) {
	s.mu.Lock()
	code, ok := s.codes.put(&grantedCode{in: v.signIn(), redirect: v.redirect, challenge: v.challenge, method: v.method})
	s.mu.Unlock()
	if !ok {
		s.showProblem(w, problem("temporarily_unavailable", 90055, "Too many sign-ins are waiting."))
		return
	}
	s.sendBack(w, v, url.Values{"code": {"0." + code}, "session_state": {uuid.NewString()}})
}

func (v *visit) signIn() signIn {
	return signIn{person: v.person, tenant: v.tenant, application: v.application, resource: v.resource, scopes: v.scopes, nonce: v.nonce, continuous: v.continuous, at: time.Now()}
}

// tokenForCode is the authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.6).
func (s *Server) tokenForCode(w http.ResponseWriter, r *http.Request, name string) *failure {
	application, f := s.identifyForPerson(r, name)
	if f != nil {
		return f
	}
	form := r.PostForm
	s.mu.Lock()
	var kept *grantedCode
	late, found, used := false, false, false
	if text := form.Get("code"); len(text) > 2 {
		if kept, late, found = s.codes.get(text[2:]); found {
			used, kept.used = kept.used, true
		}
	}
	s.mu.Unlock()
	refuse := func(number int, format string, args ...any) *failure {
		return problem("invalid_grant", number, format, args...)
	}
	switch {
	case !found:
		return refuse(9002313, "Invalid request. Request is malformed or invalid.")
	case used:
		return refuse(54005, "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.")
	case late:
		return refuse(70008, "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.")
	case !same(application, kept.in.application):
		return refuse(70000, "Provided grant is invalid or malformed.") // guess: the number
	case !everyTenant[name] && !kept.in.tenant.is(name):
		return refuse(700005, "Provided Authorization Code is intended to use against other tenant, thus rejected.")
	case form.Get("redirect_uri") != kept.redirect:
		return refuse(500112, "The reply address '%s' does not match the reply address '%s' provided when requesting Authorization code.", clip(form.Get("redirect_uri")), kept.redirect) // guess: the error is invalid_grant
	case !kept.verifies(form.Get("code_verifier")):
		return refuse(501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request.")
	}
	in := kept.in
	in.continuous = in.continuous || continuous(form)
	s.answerPerson(w, in)
	return nil
}

// verifies is the server's half of PKCE (RFC 7636 §4.6).
func (c *grantedCode) verifies(verifier string) bool {
	got := verifier
	if c.method == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		got = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return subtle.ConstantTimeCompare([]byte(got), []byte(c.challenge)) == 1
}
