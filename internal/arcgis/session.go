package arcgis

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// session is a login at one product: where it is, who signs in and with what
// token. It may be used by several goroutines.
type session struct {
	base   string
	client *http.Client
	// tokenPath is where tokens are made: "/sharing/rest/generateToken" at a
	// portal, "/admin/generateToken" at the others.
	tokenPath string

	renewing sync.Mutex // one at a time, so that a refusal is one refusal
	mu       sync.Mutex
	user     string
	password secret.Secret
	token    secret.Secret
	expires  time.Time
}

func newSession(baseURL, tokenPath string, client *http.Client) *session {
	return &session{base: strings.TrimRight(strings.TrimSpace(baseURL), "/"), client: client, tokenPath: tokenPath}
}

// SignIn gets a token for an administrator and remembers the login, to renew
// the token when it ends. A wrong name or password is an *Error with
// CodeWrongCredentials; a portal's user names are case-sensitive.
func (s *session) SignIn(ctx context.Context, user string, password secret.Secret) error {
	err := s.acquire(ctx, user, password)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user, s.password = user, password
	return nil
}

// Expires is when the token ends, zero when there is none or the product did
// not say. Tokens survive restarts, and are renewed when refused.
func (s *session) Expires() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.expires
}

// read POSTs to a resource and decodes its answer: by POST, so that the token
// is in no URL.
func (s *session) read(ctx context.Context, operation, path string, into any) error {
	return s.readWith(ctx, request{operation: operation, path: path, timeout: readTimeout}, into)
}

func (s *session) readWith(ctx context.Context, r request, into any) error {
	a, err := s.call(ctx, r)
	if err != nil {
		return err
	}
	err = json.Unmarshal(a.body, into)
	if err != nil {
		return &Error{Code: CodeUnexpected, Operation: r.operation, Status: a.status}
	}
	return nil
}

// call makes a request as who is signed in. When the token is refused it is
// renewed and the request repeated, once: a refused token means that nothing
// was done, so this is safe for changes too.
func (s *session) call(ctx context.Context, r request) (answer, error) {
	token := s.currentToken()
	if token.Empty() {
		return answer{}, &Error{Code: CodeNotSignedIn, Operation: r.operation}
	}
	a, err := exchange(ctx, s.client, s.signed(r, token))
	if tokenRefused(err) {
		token, err = s.renew(ctx, token)
		if err != nil {
			return answer{}, err
		}
		a, err = exchange(ctx, s.client, s.signed(r, token))
	}
	var refused *Error
	if tokenRefused(err) && errors.As(err, &refused) {
		refused.Code = CodeNotSignedIn
	}
	return a, err
}

// signed is the request with everything that a token needs.
func (s *session) signed(r request, token secret.Secret) request {
	r.method, r.url, r.referer = http.MethodPost, s.base+r.path, s.referer()
	r.form = cloned(r.form)
	r.form.Set("f", "json")
	r.form.Set("token", token.Reveal())
	if r.file != nil && r.file.headerToken {
		r.token = token
	}
	// The password went there with another request, and may come back with any.
	r.secrets = append([]string{token.Reveal(), s.knownPassword().Reveal()}, r.secrets...)
	return r
}

func cloned(form url.Values) url.Values {
	copied := url.Values{}
	for name, values := range form {
		copied[name] = values
	}
	return copied
}

func (s *session) currentToken() secret.Secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

func (s *session) knownPassword() secret.Secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.password
}

// renew signs in again, unless another goroutine has done so since the token
// was refused. A login that is wrong by now is forgotten: nobody tries it again.
func (s *session) renew(ctx context.Context, refused secret.Secret) (secret.Secret, error) {
	s.renewing.Lock()
	defer s.renewing.Unlock()
	s.mu.Lock()
	user, password, token := s.user, s.password, s.token
	s.mu.Unlock()
	if token.Reveal() != refused.Reveal() {
		if token.Empty() {
			return token, &Error{Code: CodeNotSignedIn, Operation: "sign in to " + s.base}
		}
		return token, nil
	}
	err := s.acquire(ctx, user, password)
	if err != nil {
		if codeOf(err) == CodeWrongCredentials {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.token = secret.Secret{}
		}
		return secret.Secret{}, err
	}
	return s.currentToken(), nil
}

// tokenRefused tells whether an answer says that the token is missing, wrong
// or at its end: 498 and 499, in either family of errors.
func tokenRefused(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.ServiceCode == 498 || e.ServiceCode == 499)
}
