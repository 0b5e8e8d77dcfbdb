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

// Portal is a Portal for ArcGIS as a program sees it: the sharing API, for
// tokens, and portaladmin. It may be used by several goroutines.
type Portal struct {
	base   string
	client *http.Client

	mu       sync.Mutex
	user     string
	password secret.Secret
	token    secret.Secret
	expires  time.Time
}

// NewPortal is the portal at baseURL, which ends with its context:
// https://gis.example.com/portal through a gateway, or
// https://machine.internal:7443/arcgis at a machine. The client decides what
// is trusted and which proxy is used.
func NewPortal(baseURL string, client *http.Client) *Portal {
	return &Portal{base: strings.TrimRight(strings.TrimSpace(baseURL), "/"), client: client}
}

// SignIn gets a token for a portal administrator and remembers the login, to
// renew the token when it ends. A wrong name or password is an *Error with
// CodeWrongCredentials; the user name is case-sensitive.
func (p *Portal) SignIn(ctx context.Context, user string, password secret.Secret) error {
	err := p.acquire(ctx, user, password)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.user, p.password = user, password
	return nil
}

// Expires is when the token ends, zero when there is none or the portal did
// not say. Tokens survive restarts of the portal, and are renewed when refused.
func (p *Portal) Expires() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.expires
}

// Version is the version of the product, as "11.4.0".
func (p *Portal) Version(ctx context.Context) (string, error) {
	operation := "read the version of " + p.base
	var info struct {
		Version text `json:"version"`
	}
	err := p.read(ctx, operation, "/portaladmin", &info)
	if err != nil {
		return "", err
	}
	version := plain(string(info.Version))
	if version == "" {
		return "", &Error{Code: CodeUnexpected, Operation: operation}
	}
	return version, nil
}

// read POSTs to a resource of the portal and decodes its answer. A refused
// token is renewed once, and the request repeated: only use it for requests
// that change nothing.
func (p *Portal) read(ctx context.Context, operation, path string, into any) error {
	token := p.currentToken()
	if token.Empty() {
		return &Error{Code: CodeNotSignedIn, Operation: operation}
	}
	a, err := p.post(ctx, operation, path, token)
	if tokenRefused(err) {
		token, err = p.renew(ctx, token)
		if err != nil {
			return err
		}
		a, err = p.post(ctx, operation, path, token)
	}
	var refused *Error
	if tokenRefused(err) && errors.As(err, &refused) {
		refused.Code = CodeNotSignedIn
	}
	if err != nil {
		return err
	}
	err = json.Unmarshal(a.body, into)
	if err != nil {
		return &Error{Code: CodeUnexpected, Operation: operation, Status: a.status}
	}
	return nil
}

func (p *Portal) post(ctx context.Context, operation, path string, token secret.Secret) (answer, error) {
	return exchange(ctx, p.client, request{
		operation: operation,
		method:    http.MethodPost,
		url:       p.base + path,
		referer:   p.referer(),
		form:      url.Values{"f": {"json"}, "token": {token.Reveal()}},
		timeout:   readTimeout,
		secrets:   []string{token.Reveal()},
	})
}

func (p *Portal) currentToken() secret.Secret {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.token
}

// renew signs in again, unless another goroutine has done so since the token
// was refused.
func (p *Portal) renew(ctx context.Context, refused secret.Secret) (secret.Secret, error) {
	p.mu.Lock()
	user, password, token := p.user, p.password, p.token
	p.mu.Unlock()
	if token.Reveal() != refused.Reveal() {
		return token, nil
	}
	err := p.acquire(ctx, user, password)
	if err != nil {
		return secret.Secret{}, err
	}
	return p.currentToken(), nil
}

// tokenRefused tells whether an answer says that the token is missing, wrong
// or at its end: 498 and 499, in either family of errors.
func tokenRefused(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.ServiceCode == 498 || e.ServiceCode == 499)
}
