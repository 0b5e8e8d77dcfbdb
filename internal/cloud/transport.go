package cloud

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// maximumReply bounds what is read of one reply, after decompression. The
// largest gateways are below 2 MiB; a full page of Resource Graph is 16 MiB.
const maximumReply = 64 << 20

// Call is one exchange with Resource Manager, told to Options.Observe when it
// has ended. It holds nothing that was sent but the path.
type Call struct {
	Method string
	// Path is the path of the URL without its query, in which the addresses of
	// operations carry signatures.
	Path string
	// Status is 0 when there was no answer.
	Status   int
	Started  time.Time
	Duration time.Duration
	// RequestID is the server's x-ms-request-id.
	RequestID string
	// OperationID is the id of the operation that this call began, else "".
	OperationID string
	// RetryAfter is how long the server asked to wait. On a 429 it says that
	// Cartouche is now waiting (not for a Put, which is never repeated).
	RetryAfter time.Duration
	// Failure says why there was no answer.
	Failure string
}

// transport is the last thing before the caller's client. It bounds replies,
// does not follow redirects (a token must not travel, and Resource Manager
// never redirects), and knows whether a failed request left this computer.
type transport struct {
	client http.Client
}

func newTransport(client *http.Client) *transport {
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &transport{client: own}
}

func (t *transport) Do(request *http.Request) (*http.Response, error) {
	// Once there is a connection (behind a proxy: a tunnel with finished TLS)
	// something may have been sent.
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	response, err := t.client.Do(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
	if err != nil {
		return nil, &sendError{sent: connected.Load(), err: err}
	}
	response.Body = &boundedBody{body: response.Body, left: maximumReply}
	return response, nil
}

// sendError is a request without an answer.
type sendError struct {
	sent bool
	err  error
}

func (e *sendError) Error() string { return e.err.Error() }
func (e *sendError) Unwrap() error { return e.err }

// tooLargeError is not worth a retry: the next reply would be as large.
type tooLargeError struct{}

func (tooLargeError) Error() string {
	return fmt.Sprintf("the reply is larger than %d MiB", maximumReply>>20)
}
func (tooLargeError) NonRetriable() {}

type boundedBody struct {
	body io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		// At the limit, only the end of the reply is acceptable.
		var one [1]byte
		n, err := b.body.Read(one[:])
		if n > 0 {
			return 0, tooLargeError{}
		}
		return 0, err
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.body.Read(p)
	b.left -= int64(n)
	if err != nil && err != io.EOF {
		err = &sendError{sent: true, err: err}
	}
	return n, err
}

func (b *boundedBody) Close() error { return b.body.Close() }

// guard refuses to send anything, and above all a token, to another host than
// the endpoint: next links and the addresses of operations come from replies.
type guard struct {
	endpoint *url.URL
}

func (g guard) Do(request *policy.Request) (*http.Response, error) {
	if err := g.check(request.Raw().URL); err != nil {
		return nil, err
	}
	return request.Next()
}

func (g guard) check(address *url.URL) error {
	if address.Scheme != "https" || !strings.EqualFold(hostPort(address), hostPort(g.endpoint)) {
		return &foreignHostError{host: clean(address.Scheme+"://"+address.Host, 200), endpoint: g.endpoint.Host}
	}
	return nil
}

func hostPort(address *url.URL) string {
	if address.Port() == "" {
		return address.Hostname() + ":443"
	}
	return address.Host
}

type foreignHostError struct{ host, endpoint string }

func (e *foreignHostError) Error() string {
	return fmt.Sprintf("refused to send the sign-in to %s: it was made for %s", e.host, e.endpoint)
}

func (e *foreignHostError) NonRetriable() {}

// observer tells Options.Observe of every exchange, also of each repetition.
type observer struct {
	tell func(Call)
}

func (o observer) Do(request *policy.Request) (*http.Response, error) {
	call := Call{Method: request.Raw().Method, Path: request.Raw().URL.Path, Started: time.Now()}
	response, err := request.Next()
	call.Duration = time.Since(call.Started)
	if response != nil {
		call.Status = response.StatusCode
		call.RequestID = requestID(response.Header)
		call.OperationID = operationID(response.Header.Get("Azure-AsyncOperation"))
		call.RetryAfter = retryAfter(response.Header, time.Now())
	}
	if err != nil {
		call.Failure = plainCause(err)
	}
	o.tell(call)
	return response, err
}

func requestID(header http.Header) string {
	for _, name := range []string{"x-ms-request-id", "x-ms-correlation-request-id"} {
		if id := header.Get(name); id != "" {
			return clean(id, 100)
		}
	}
	return ""
}
