package cloud

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// attempt is what is being done, for the error if it fails.
type attempt struct {
	operation string
	object    string
	write     bool
	// secrets were sent; a server that quotes them does not get them into an error.
	secrets []secret.Secret
}

// refused makes an Error of an answer that is no success.
func (a attempt) refused(response *http.Response) *Error {
	body, _ := runtime.Payload(response) // what could be read is all there is to say
	return a.refusedWith(response, body)
}

func (a attempt) refusedWith(response *http.Response, data []byte) *Error {
	body := parseErrorBody([]byte(a.conceal(string(data)))) // before texts are cut
	e := a.newError()
	e.Status = response.StatusCode
	e.Code, e.Message, e.Details = body.code, body.message, body.details
	if e.Code == "" {
		e.Code = clean(response.Header.Get("x-ms-error-code"), maximumText)
	}
	e.RequestID = requestID(response.Header)
	e.RetryAfter = retryAfter(response.Header, time.Now())
	e.MayHaveTakenEffect = a.write && (e.Status >= 500 || e.Status == http.StatusRequestTimeout)
	e.Hint = hintFor(e.Code, e.Details)
	if IsForbidden(e) {
		if hint := grantHint(a.conceal(string(data))); hint != "" { // before texts are cut
			e.Hint = hint
		}
	}
	a.scrub(e)
	return e
}

// failed makes an Error of whatever stopped a request or an operation.
func (a attempt) failed(err error) error {
	if err == nil {
		return nil
	}
	// An operation that ended in failure, or an answer that a poller refused.
	var refused *azcore.ResponseError
	if errors.As(err, &refused) && refused.RawResponse != nil {
		return a.refused(refused.RawResponse)
	}
	// No sign-in, no request: the credential's own error says it best.
	var own *Error
	if errors.As(err, &own) && own.Operation == signInOperation {
		e := *own
		e.Object = strings.TrimSpace(own.Object + " to " + a.operation + " " + a.object)
		return &e
	}
	e := a.newError()
	e.err = cause(err)
	e.Message = plainCause(err)
	e.Hint = connectionHint(e.err)
	var foreign *foreignHostError
	var challenge *challengeError
	if errors.As(err, &foreign) || errors.As(err, &challenge) {
		return e
	}
	var send *sendError
	e.MayHaveTakenEffect = a.write && (!errors.As(err, &send) || send.sent)
	a.scrub(e)
	return e
}

func (a attempt) newError() *Error {
	return &Error{Operation: a.operation, Object: a.object, Write: a.write}
}

func (a attempt) scrub(e *Error) {
	e.Code, e.Message = a.conceal(e.Code), a.conceal(e.Message)
	for i, detail := range e.Details {
		e.Details[i] = ErrorDetail{Code: a.conceal(detail.Code), Message: a.conceal(detail.Message)}
	}
}

// conceal replaces what was sent in secret.
func (a attempt) conceal(text string) string {
	for _, hidden := range a.secrets {
		if value := hidden.Reveal(); len(value) >= 4 { // less would only make holes
			text = strings.ReplaceAll(text, value, hidden.String())
		}
	}
	return text
}

// cause takes away the layers that print a whole URL, whose query may hold a
// signature.
func cause(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return cause(failed.Err)
	}
	return err
}

func plainCause(err error) string {
	err = cause(err)
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	return clean(err.Error(), maximumText)
}

func connectionHint(err error) string {
	text := strings.ToLower(err.Error())
	switch {
	case strings.Contains(text, "proxy"):
		return "check the proxy that HTTPS_PROXY names"
	case strings.Contains(text, "x509:"), strings.Contains(text, "certificate"):
		return "if a proxy opens TLS on the way, name its authority's file in SSL_CERT_FILE"
	case strings.Contains(text, "no such host"):
		return "check the name resolution, or name a proxy in HTTPS_PROXY"
	}
	return ""
}

// retryAfter reads how long the server asks to wait: retry-after-ms and
// x-ms-retry-after-ms in milliseconds, Retry-After in seconds or as a date, in
// the order in which azcore obeys them.
//
// A number that would not fit a Duration is cut; nobody waits so long anyway.
func retryAfter(header http.Header, now time.Time) time.Duration {
	for _, name := range []string{"retry-after-ms", "x-ms-retry-after-ms"} {
		if ms, err := strconv.Atoi(header.Get(name)); err == nil && ms > 0 {
			return time.Duration(min(ms, longestAsked)) * time.Millisecond
		}
	}
	value := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return time.Duration(min(seconds, longestAsked)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
