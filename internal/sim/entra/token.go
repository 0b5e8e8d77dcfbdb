package entra

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// token is the token endpoint. A world's clients are programs, so it gives
// tokens for client credentials only (RFC 6749 §4.4).
func (s *Server) token(w http.ResponseWriter, r *http.Request, name string) {
	if refused := s.strike(w, r); refused {
		return
	}
	if r.Method != http.MethodPost {
		answer(w, http.StatusBadRequest, problem("invalid_request", 900561, "The endpoint only accepts POST requests. Received a %s request.", clip(r.Method)))
		return
	}
	tenant, ok := s.tenant(name)
	if !ok {
		answer(w, http.StatusBadRequest, unknownTenant(name))
		return
	}
	if err := r.ParseForm(); err != nil {
		answer(w, http.StatusBadRequest, problem("invalid_request", 900144, "The request body could not be read."))
		return
	}
	application, refused := s.identify(r, tenant)
	if refused != nil {
		answer(w, refused.status(), refused)
		return
	}
	resource, refused := s.resource(r, tenant)
	if refused != nil {
		answer(w, refused.status(), refused)
		return
	}
	signed, err := s.sign(tenant, application, resource, strings.Contains(strings.ToUpper(r.PostForm.Get("claims")), "CP1"))
	if err != nil {
		answer(w, http.StatusInternalServerError, problem("server_error", 90033, "The token could not be signed."))
		return
	}
	seconds := int(s.options.Lifetime.Seconds())
	answer(w, http.StatusOK, map[string]any{
		"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": signed,
	})
}

// identify checks the client's secret or assertion.
func (s *Server) identify(r *http.Request, tenant Tenant) (Application, *failure) {
	form := r.PostForm
	if grant := form.Get("grant_type"); grant != "client_credentials" {
		f := problem("unsupported_grant_type", 70003, "The app requested an unsupported grant type '%s'.", clip(grant))
		return Application{}, &f
	}
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok && id == "" {
		id, secret = user, password
	}
	at := slices.IndexFunc(tenant.Applications, func(a Application) bool { return strings.EqualFold(a.ClientID, id) })
	if at < 0 {
		f := unknownApplication(id, tenant)
		return Application{}, &f
	}
	application := tenant.Applications[at]
	if assertion := form.Get("client_assertion"); assertion != "" {
		if err := s.checkAssertion(assertion, application); err != nil {
			f := problem("invalid_client", 700027, "The certificate with identifier used to sign the client assertion is not registered on application, "+
				"or the assertion failed signature validation.")
			return application, &f
		}
		return application, nil
	}
	if secret == "" {
		f := problem("invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
		return application, &f
	}
	if application.Secret == "" || subtle.ConstantTimeCompare([]byte(secret), []byte(application.Secret)) != 1 {
		f := wrongSecret(application.ClientID)
		return application, &f
	}
	return application, nil
}

// checkAssertion verifies a private_key_jwt (RFC 7523) against the
// certificates registered for the application.
func (s *Server) checkAssertion(assertion string, application Application) error {
	err := error(jwt.ErrTokenUnverifiable)
	for _, certificate := range application.Certificates {
		_, err = jwt.Parse(assertion, func(*jwt.Token) (any, error) { return certificate.PublicKey, nil },
			jwt.WithValidMethods([]string{"RS256", "PS256"}),
			jwt.WithIssuer(application.ClientID), jwt.WithSubject(application.ClientID),
			jwt.WithExpirationRequired(), jwt.WithTimeFunc(s.options.Ground.Clock.Now))
		if err == nil {
			return nil
		}
	}
	return err
}

// resource finds out what the token is asked for: v2.0 names a scope, v1 a resource.
func (s *Server) resource(r *http.Request, tenant Tenant) (string, *failure) {
	asked := r.PostForm.Get("resource")
	if scope := r.PostForm.Get("scope"); scope != "" {
		found := false
		for word := range strings.FieldsSeq(scope) {
			if before, is := strings.CutSuffix(word, "/.default"); is {
				asked, found = before, true
			}
		}
		if !found {
			f := problem("invalid_scope", 1002012, "The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", clip(scope))
			return "", &f
		}
	}
	// The Azure CLI asks for "https://management.core.windows.net//.default";
	// the audience is the same with and without the slash.
	for _, resource := range s.options.Resources {
		if strings.TrimRight(resource, "/") == strings.TrimRight(asked, "/") {
			return asked, nil
		}
	}
	f := unknownResource(asked, tenant)
	return "", &f
}

func (s *Server) sign(tenant Tenant, application Application, resource string, continuous bool) (string, error) {
	now := s.options.Ground.Clock.Now()
	claims := jwt.MapClaims{
		"aud": resource, "iss": s.options.Issuer + tenant.ID + "/",
		"iat": now.Unix(), "nbf": now.Add(-5 * time.Second).Unix(), "exp": now.Add(s.options.Lifetime).Unix(),
		"appid": application.ClientID, "appidacr": "1", "idtyp": "app", "oid": application.ObjectID, "sub": application.ObjectID,
		"tid": tenant.ID, "uti": newGUID(), "ver": "1.0", "app_displayname": application.Name,
	}
	if continuous {
		claims["xms_cc"] = []string{"CP1"}
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["kid"], token.Header["x5t"] = s.keyID, s.keyID
	return token.SignedString(s.key)
}
