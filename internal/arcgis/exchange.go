package arcgis

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// How long one exchange may take, whatever the caller's context allows: what
// Esri's own clients grant (45 s for a token, 150 s for a change that restarts),
// and two minutes for validations, which make the portal call other machines.
const (
	tokenTimeout  = 45 * time.Second
	healthTimeout = 30 * time.Second
	readTimeout   = 2 * time.Minute
	importTimeout = 2 * time.Minute
	assignTimeout = 150 * time.Second
)

// request is one exchange to be made.
type request struct {
	operation string
	method    string
	// url is the whole of it; path, of a request that session.call makes, what
	// follows the base.
	url, path string
	referer   string
	// form is the body of a POST. It may hold secrets.
	form url.Values
	// file, if given, makes the body a multipart form.
	file *upload
	// token, if given, goes into the header X-Esri-Authorization.
	token   secret.Secret
	timeout time.Duration
	// tolerates tells which bodies that are no JSON object are an answer all
	// the same; nil for none.
	tolerates func(body []byte) bool
	// secrets must not appear in an error, even if the service echoes them.
	secrets []string
}

// answer is what came back, when it is a JSON object that is no error.
type answer struct {
	status int
	body   []byte
	// raw is the body as it came, for what is no text.
	raw []byte
}

// exchange makes the request and reads the answer. Its error is an *Error.
func exchange(ctx context.Context, client *http.Client, r request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	status, location, raw, err := r.send(ctx, client)
	fail := func(code string, service int, messages ...string) error {
		return &Error{Code: code, Operation: r.operation, Status: status, ServiceCode: service, Messages: show(r.redact(messages))}
	}
	if err != nil {
		return answer{}, &Error{Code: CodeUnreachable, Operation: r.operation, Status: status, Err: err, Lost: sent.Load()}
	}
	if len(raw) > maxBody {
		return answer{}, fail(CodeTooLarge, 0)
	}
	// Some proxies put a byte order mark before what they pass on.
	body := bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("\xEF\xBB\xBF")))
	if status >= 300 && status < 400 {
		return answer{}, fail(CodeRedirected, 0, host(location))
	}
	if !isObject(body) && r.tolerates != nil && status < 300 && r.tolerates(body) {
		return answer{status: status, body: body, raw: raw}, nil
	}
	if !isObject(body) {
		return answer{}, fail(CodeNotJSON, 0, excerpt(r.redact([]string{string(body)})[0]))
	}
	if f := readFailure(body); f != nil {
		return answer{}, fail(f.errorCode(status), f.code, f.messages...)
	}
	if status >= 400 {
		return answer{}, fail(CodeRefused, 0, string(body))
	}
	return answer{status: status, body: body}, nil
}

// send makes the request and reads the whole body, or one byte more than allowed.
func (r request) send(ctx context.Context, client *http.Client) (status int, location string, body []byte, err error) {
	kind, content, err := r.body()
	if err != nil {
		return 0, "", nil, err
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, content)
	if err != nil {
		return 0, "", nil, cause(err)
	}
	req.Header.Set("Accept", "application/json, text/plain")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if !r.token.Empty() {
		req.Header.Set("X-Esri-Authorization", "Bearer "+r.token.Reveal())
	}
	if r.referer != "" {
		req.Header.Set("Referer", r.referer)
	}
	resp, err := unredirected(client).Do(req)
	if err != nil {
		return 0, "", nil, cause(err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return resp.StatusCode, "", nil, cause(err)
	}
	return resp.StatusCode, resp.Header.Get("Location"), body, nil
}

// unredirected is the client, following no redirect. The original is not
// changed, since others use it.
func unredirected(client *http.Client) *http.Client {
	c := *client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// cause takes the error out of its *url.Error: the operation names the URL
// already.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// host is the host that a redirect points to, without the query, in which
// portals put what should not be shown.
func host(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return ""
	}
	return plain("to " + u.Host)
}

// redact removes the request's secrets from what a service said, should it
// have echoed them, also in the forms that a page or a JSON text gives them.
// It goes before anything that shortens or tidies text, which could leave a
// part that is no longer recognised.
func (r request) redact(messages []string) []string {
	list := make([]string, 0, len(messages))
	for _, m := range messages {
		for _, s := range r.secrets {
			for _, form := range []string{s, url.QueryEscape(s), html.EscapeString(s), strings.Trim(quoted(s), `"`)} {
				if form != "" {
					m = strings.ReplaceAll(m, form, "[secret]")
				}
			}
		}
		list = append(list, m)
	}
	return list
}

// quoted is s as most JSON writers write it (Go's own writes < in another way).
func quoted(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string cannot fail to be encoded
	return strings.TrimSpace(b.String())
}
