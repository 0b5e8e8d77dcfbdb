package entra

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

// deviceGrant is the name of RFC 8628 §3.4.
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// token is the token endpoint (RFC 6749 §3.2).
func (s *Server) token(w http.ResponseWriter, r *http.Request, name string) {
	if refused := s.strike(w, r); refused {
		return
	}
	if f := readForm(r); f != nil {
		f.write(w)
		return
	}
	if _, ok := s.tenant(name); !ok && !everyTenant[name] {
		answer(w, http.StatusBadRequest, unknownTenant(name))
		return
	}
	grants := map[string]func(http.ResponseWriter, *http.Request, string) *failure{
		"client_credentials": s.tokenForProgram, "authorization_code": s.tokenForCode, "refresh_token": s.tokenForRefresh,
		deviceGrant: s.tokenForDevice, "device_code": s.tokenForDevice, // v1 has the short name
	}
	grant, ok := grants[r.PostForm.Get("grant_type")]
	if !ok {
		answer(w, http.StatusBadRequest, problem("unsupported_grant_type", 70003, "The app requested an unsupported grant type '%s'.", clip(r.PostForm.Get("grant_type"))))
		return
	}
	if f := grant(w, r, name); f != nil {
		f.write(w)
	}
}

// readForm reads the body of a POST.
func readForm(r *http.Request) *failure {
	if r.Method != http.MethodPost {
		return problem("invalid_request", 900561, "The endpoint only accepts POST requests. Received a %s request.", clip(r.Method))
	}
	if err := r.ParseForm(); err != nil {
		return problem("invalid_request", 900144, "The request body could not be read.")
	}
	return nil
}

// tokenForProgram is the client credentials grant (RFC 6749 §4.4).
func (s *Server) tokenForProgram(w http.ResponseWriter, r *http.Request, name string) *failure {
	tenant, ok := s.tenant(name)
	if !ok {
		return problem("invalid_request", 50059, "No tenant-identifying information found in either the request or implied by any provided credentials.")
	}
	application, proof, f := s.identify(r, name)
	if f != nil {
		return f
	}
	if proof == "" {
		return problem("invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	}
	resource, f := s.programResource(r.PostForm, tenant)
	if f != nil {
		return f
	}
	signed, err := s.programToken(tenant, application, resource, proof, continuous(r.PostForm))
	if err != nil {
		return problem("server_error", 90033, "The token could not be signed.")
	}
	seconds := int(s.options.Lifetime.Seconds())
	answer(w, http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": signed})
	return nil
}

// identify checks who the client is. proof is "" when a public client, which
// has nothing to prove itself by, only gave its id.
func (s *Server) identify(r *http.Request, tenantName string) (application Application, proof string, f *failure) {
	form := r.PostForm
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok && id == "" {
		id, secret = user, password
	}
	if id == "" {
		return application, "", problem("invalid_request", 900144, "The request body must contain the following parameter: 'client_id'.")
	}
	if application, f = s.application(tenantName, id); f != nil {
		return application, "", f
	}
	if assertion := form.Get("client_assertion"); assertion != "" {
		return application, "2", s.checkAssertion(assertion, application)
	}
	if secret == "" {
		return application, "", nil
	}
	if application.Secret == "" || subtle.ConstantTimeCompare([]byte(secret), []byte(application.Secret)) != 1 {
		return application, "", wrongSecret(application.ClientID)
	}
	return application, "1", nil
}

// identifyForPerson is identify for the grants of people: a client that is
// not public must prove itself there, too.
func (s *Server) identifyForPerson(r *http.Request, tenantName string) (Application, *failure) {
	application, proof, f := s.identify(r, tenantName)
	if f == nil && proof == "" && !application.Public {
		f = problem("invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	}
	return application, f
}

func same(a, b Application) bool { return strings.EqualFold(a.ClientID, b.ClientID) }
