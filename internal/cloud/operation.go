package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/cartouche-gis/cartouche/internal/pause"
)

const (
	// lostPolls is how many looks in a row may fail (each of them already
	// repeated by the pipeline) before Wait gives up. An operation takes up to
	// an hour, and a network that is gone for a minute must not end it.
	lostPolls = 10
	// maximumToken bounds a resume token; true ones have some 600 bytes.
	maximumToken = 16 << 10
)

// Operation is something that Azure is doing. It is not safe for use by
// several goroutines at once.
type Operation struct {
	rm      *ResourceManager
	poller  *runtime.Poller[Document]
	attempt attempt
	id      string
	// first is when the server wants the first look.
	first time.Duration
}

func (rm *ResourceManager) newOperation(response *http.Response, a attempt) (*Operation, error) {
	for _, header := range []string{"Azure-AsyncOperation", "Operation-Location", "Location"} {
		if err := rm.checkAddress(response.Header.Get(header)); err != nil {
			e := a.newError()
			e.Status, e.RequestID = response.StatusCode, requestID(response.Header)
			e.Message = "the operation was accepted but cannot be followed: " + err.Error()
			e.MayHaveTakenEffect = a.write
			return nil, e
		}
	}
	id := operationID(response.Header.Get("Azure-AsyncOperation"))
	if id == "" {
		id = requestID(response.Header)
	}
	poller, err := runtime.NewPoller(response, rm.pipeline, &runtime.NewPollerOptions[Document]{
		FinalStateVia: finalState(response),
	})
	if err != nil {
		return nil, a.failed(err)
	}
	return &Operation{rm: rm, poller: poller, attempt: a, id: id, first: min(retryAfter(response.Header, time.Now()), longestWait)}, nil
}

// finalState: a POST with a Location gives its result there; of a PUT azcore
// always reads the resource again.
func finalState(response *http.Response) runtime.FinalStateVia {
	if response.Request.Method == http.MethodPost && response.Header.Get("Location") != "" {
		return runtime.FinalStateViaLocation
	}
	return runtime.FinalStateViaAzureAsyncOp
}

// ID is Azure's id of the operation, for evidence: the last part of its
// polling address, else the id of the request that began it.
func (o *Operation) ID() string { return o.id }

// ResumeToken is what another process needs to go on waiting; it holds
// addresses and no secret. It is an error to ask for it when nothing is left to
// wait for.
func (o *Operation) ResumeToken() (string, error) {
	token, err := o.poller.ResumeToken()
	if err != nil {
		return "", fmt.Errorf("resume token of %s %s: %w", o.attempt.operation, o.attempt.object, err)
	}
	return token, nil
}

// Resume goes on with an operation that was begun earlier. A token that would
// lead to another host than Resource Manager's is refused.
func (rm *ResourceManager) Resume(token string) (*Operation, error) {
	a := attempt{operation: "resume", object: "operation", write: true}
	unusable := func(why error) error { return fmt.Errorf("resume operation: unusable token: %w", why) }
	if len(token) > maximumToken {
		return nil, unusable(errors.New("it is too long"))
	}
	var held struct {
		Token map[string]any `json:"token"`
	}
	if err := json.Unmarshal([]byte(token), &held); err != nil {
		return nil, unusable(errors.New("it is not JSON"))
	}
	for _, value := range held.Token {
		address, _ := value.(string)
		if !strings.Contains(address, ":") {
			continue
		}
		if err := rm.checkAddress(address); err != nil {
			return nil, unusable(err)
		}
	}
	poller, err := runtime.NewPollerFromResumeToken[Document](token, rm.pipeline, nil)
	if err != nil {
		return nil, unusable(errors.New(clean(err.Error(), 200)))
	}
	if poller.Done() {
		return nil, unusable(errors.New("it is of an operation that has ended")) // azcore would have no answer to look at
	}
	if original, _ := held.Token["origURL"].(string); original != "" {
		if address, err := url.Parse(original); err == nil {
			a.operation, a.object = "write", describe(address.Path)
		}
	}
	polling, _ := held.Token["asyncURL"].(string)
	return &Operation{rm: rm, poller: poller, attempt: a, id: operationID(polling)}, nil
}

// Wait returns when the operation has ended: with the resource as it is then
// (or the result of an action), or with an [*Error] that has Azure's telling
// code among its details. It waits as long as ctx allows. When ctx ends first,
// the operation goes on in Azure and the error is [Uncertain].
//
// An operation that ended in failure is not [Uncertain], yet a failed gateway
// may have kept part of the change: read it.
func (o *Operation) Wait(ctx context.Context) (Document, error) {
	if !o.poller.Done() {
		if err := pause.For(ctx, o.first); err != nil {
			return nil, o.lost(err)
		}
		o.first = 0
	}
	lost := 0
	for {
		wait, err := o.look(ctx)
		if err == nil && o.poller.Done() {
			result, ended := o.result(ctx)
			if ended == nil || !passing(ended) {
				return result, ended
			}
			err = ended
		}
		switch {
		case err == nil:
			lost = 0
		case ctx.Err() != nil:
			return nil, o.lost(ctx.Err())
		case !passing(err) || lost == lostPolls:
			return nil, err
		default:
			lost++
		}
		if err := pause.For(ctx, wait); err != nil {
			return nil, o.lost(err)
		}
	}
}

// look asks once how the operation is, and says how long to wait before the
// next time.
func (o *Operation) look(ctx context.Context) (time.Duration, error) {
	response, err := o.poller.Poll(ctx)
	if err != nil {
		return o.rm.interval, o.lost(err)
	}
	if asked := retryAfter(response.Header, time.Now()); asked > 0 {
		return min(asked, longestWait), nil // it may well be done sooner
	}
	return o.rm.interval, nil
}

func (o *Operation) result(ctx context.Context) (Document, error) {
	document, err := o.poller.Result(ctx)
	if err == nil {
		return document, nil
	}
	var ended *azcore.ResponseError
	if errors.As(err, &ended) && ended.StatusCode < 300 {
		return nil, o.attempt.failed(err) // Azure says that it failed
	}
	return nil, o.lost(err)
}

// lost is an error about the operation whose end nobody knows.
func (o *Operation) lost(err error) error {
	failed := o.attempt.failed(err)
	var e *Error
	if errors.As(failed, &e) {
		e.MayHaveTakenEffect = o.attempt.write
		if e.Status != 0 {
			e.Message = "how the operation ended cannot be learned: " + e.Message
		}
	}
	return failed
}

// passing tells that asking once more may help.
func passing(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.Operation == signInOperation {
		return false
	}
	switch e.Status {
	case 0:
		var send *sendError
		return errors.As(err, &send)
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return e.Status >= 500
}

func (rm *ResourceManager) checkAddress(text string) error {
	if text == "" {
		return nil
	}
	address, err := url.Parse(text)
	if err != nil {
		return errors.New("its address cannot be read")
	}
	return guard{endpoint: rm.endpoint}.check(address)
}

// operationID is the last part of the path of an operation's address.
func operationID(address string) string {
	parsed, err := url.Parse(address)
	if err != nil || address == "" {
		return ""
	}
	return clean(lastName(parsed.Path), 100)
}
