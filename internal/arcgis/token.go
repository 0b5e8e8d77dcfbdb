package arcgis

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// tokenMinutes is how long a token is asked for; a portal may grant less. An
// hour outlasts a rotation at the gateway, and a lost token ends soon; a longer
// run renews it.
const tokenMinutes = "60"

// referer is what a token is bound to: the same value goes into generateToken
// and, as a header, into every request, or the answer is 498.
func (s *session) referer() string { return s.base }

// acquire gets a token and keeps it.
func (s *session) acquire(ctx context.Context, user string, password secret.Secret) error {
	operation := "sign in to " + s.base
	if !secureURL(s.base) {
		return &Error{Code: CodeBadURL, Operation: operation}
	}
	a, err := exchange(ctx, s.client, request{
		operation: operation,
		method:    http.MethodPost,
		url:       s.base + s.tokenPath,
		referer:   s.referer(),
		form: url.Values{
			"username":   {user},
			"password":   {password.Reveal()},
			"client":     {"referer"},
			"referer":    {s.referer()},
			"expiration": {tokenMinutes},
			"f":          {"json"},
		},
		timeout: tokenTimeout,
		secrets: []string{password.Reveal()},
	})
	if err != nil {
		return judgeSignIn(err)
	}
	var granted struct {
		Token   text   `json:"token"`
		Expires number `json:"expires"`
	}
	err = json.Unmarshal(a.body, &granted)
	if err != nil || granted.Token == "" {
		return &Error{Code: CodeUnexpected, Operation: operation, Status: a.status}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.expires = secret.New(string(granted.Token)), moment(granted.Expires)
	return nil
}

// otherReasons are parts of messages with which a sign-in is refused although
// the password may be right.
var otherReasons = []string{"must be specified", "query string", "too many", "locked", "disabled", "referer", "license"}

// judgeSignIn gives an error of generateToken its code. Portal answers a wrong
// name or password with code 400, "Unable to generate token.", and a sentence
// in the language of the portal; so what is not known to be something else is
// taken for wrong credentials, which nobody repeats by program.
func judgeSignIn(err error) error {
	var e *Error
	if !errors.As(err, &e) || (e.Code != CodeRefused && e.Code != CodeForbidden) {
		return err
	}
	said := strings.ToLower(strings.Join(e.Messages, " "))
	for _, reason := range otherReasons {
		if strings.Contains(said, reason) {
			e.Code = CodeSignInRefused
			return e
		}
	}
	switch e.ServiceCode {
	case 400, 401, 403:
		e.Code = CodeWrongCredentials
	}
	return e
}

// secureURL tells whether a password may be sent to a URL.
func secureURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && strings.EqualFold(u.Scheme, "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}
