package arm

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/cartouche-gis/cartouche/internal/sim/entra"
)

// maxBody bounds a request body; ARM itself takes 4 MB.
// Source: Azure Resource Manager limits, request size.
const maxBody = 4 << 20

// call is one authenticated request.
type call struct {
	request *http.Request
	caller  entra.Caller
	version string // api-version
	step    string
}

// ServeHTTP checks what is common to all requests (identity, api-version,
// faults) and hands over to what the path names.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	correlation := r.Header.Get("X-Ms-Correlation-Request-Id")
	if correlation == "" {
		correlation = uuid.NewString()
	}
	h := w.Header()
	h.Set("X-Ms-Request-Id", uuid.NewString())
	h.Set("X-Ms-Correlation-Request-Id", correlation)
	h.Set("Cache-Control", "no-cache")
	h.Set("Date", s.ground.Clock.Now().UTC().Format(http.TimeFormat)) // of this world
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	to := s.route(r)
	s.ground.Serve(w, r, to.step, s.refuse(w, r), func(w http.ResponseWriter) { s.serve(w, r, to) })
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, to route) {
	f := func() *failure {
		if to.open {
			return to.handle(w, call{request: r, step: to.step, version: r.URL.Query().Get("api-version")})
		}
		caller, f := s.authenticate(r, to.step)
		if f != nil {
			return f
		}
		// Parsed, not matched as text: the JavaScript SDK sends api%2Dversion=.
		version := r.URL.Query().Get("api-version")
		if version == "" {
			return fail(http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
		}
		if r.Method == http.MethodGet || r.Method == http.MethodPost {
			w.Header().Set("X-Ms-Ratelimit-Remaining-Subscription-Reads", "249")
		} else {
			w.Header().Set("X-Ms-Ratelimit-Remaining-Subscription-Writes", "199")
		}
		return to.handle(w, call{request: r, caller: caller, version: version, step: to.step})
	}()
	if f != nil {
		s.ground.Log.Debug("arm refuses", "step", to.step, "status", f.status, "code", f.Code, "message", f.Message)
		f.write(w)
	}
}

// authenticate checks the bearer token of a request.
// Source: Azure Resource Manager error codes; RFC 6750 §3; Microsoft identity
// platform, "Claims challenges" for continuous access evaluation.
func (s *Server) authenticate(r *http.Request, step string) (entra.Caller, *failure) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	challenge := `Bearer authorization_uri="https://` + s.o.Cloud.Login + `/` + s.tenantOf(r) + `", error="invalid_token", error_description="%s"`
	refuse := func(code, message string) (entra.Caller, *failure) {
		f := fail(http.StatusUnauthorized, code, "%s", message)
		f.header = http.Header{"Www-Authenticate": {fmt.Sprintf(challenge, message)}}
		return entra.Caller{}, f
	}
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return refuse("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
	}
	caller, err := s.o.Verify(token, s.o.Cloud.Audiences)
	if err == nil && s.ground.TakeFault("unauthorized", step) {
		s.o.Revoke(caller)
		err = entra.ErrRevoked
	}
	switch {
	case err == nil:
		return caller, nil
	case errors.Is(err, entra.ErrExpired):
		return refuse("ExpiredAuthenticationToken", "The access token expiry is earlier than the current time.")
	case errors.Is(err, entra.ErrAudience):
		return refuse("InvalidAuthenticationTokenAudience", "The access token has been obtained for wrong audience or resource. It should exactly match with one of the allowed audiences '"+strings.Join(s.o.Cloud.Audiences, "','")+"'.")
	case errors.Is(err, entra.ErrRevoked) && caller.Continuous:
		f := fail(http.StatusUnauthorized, "InvalidAuthenticationToken", "The access token has been revoked.")
		claims := base64.StdEncoding.EncodeToString([]byte(`{"access_token":{"nbf":{"essential":true,"value":"` + fmt.Sprint(s.ground.Clock.Now().Unix()) + `"}}}`))
		f.header = http.Header{"Www-Authenticate": {`Bearer realm="", authorization_uri="https://` + s.o.Cloud.Login + `/common/oauth2/authorize", error="insufficient_claims", claims="` + claims + `"`}}
		return entra.Caller{}, f
	}
	return refuse("InvalidAuthenticationToken", "The access token is invalid.")
}

// tenantOf is the tenant that a challenge names: that of the subscription asked for.
func (s *Server) tenantOf(r *http.Request) string {
	for _, subscription := range s.o.Subscriptions {
		if within(r.URL.Path, "/subscriptions/"+subscription.ID) {
			return subscription.Tenant
		}
	}
	return "common"
}

// body reads a JSON object, "RequestContent" errors as ARM words them.
func (c call) body() (map[string]any, *failure) {
	raw, err := io.ReadAll(c.request.Body)
	if err != nil {
		return nil, fail(http.StatusRequestEntityTooLarge, "RequestContentTooLarge", "The request content size exceeds the maximum size of %d bytes.", maxBody)
	}
	document, err := decode(raw)
	if err != nil || document == nil {
		return nil, fail(http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid and could not be deserialized: '%v'.", err)
	}
	return document, nil
}

// guidOf is the same UUID for the same text, every time.
func guidOf(text string) string {
	return uuid.NewSHA1(uuid.Nil, []byte(strings.ToLower(text))).String()
}
