package cloud

import (
	"context"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// Put writes the whole document and gives back the operation that carries it
// out. It is sent exactly once, whatever the answer: azcore would repeat the
// same body after a 429 or a lost answer, and on a gateway that is a lost
// update (azure-cli#28615). The one exception is a 401 that asks for a fresher
// sign-in, because then nothing was begun.
//
// ifMatch is the ETag that the resource must still have, "" for any. Whether
// gateways honour it is not documented: read back what was written.
//
// [IsConflict] means: read again, make the change anew. [Uncertain] means: read
// again before anything else.
func (rm *ResourceManager) Put(ctx context.Context, id, apiVersion string, document Document, ifMatch string) (*Operation, error) {
	a := attempt{operation: "write", object: describe(id), write: true}
	body, secrets, err := document.wire()
	if err != nil {
		a.write = false // nothing was sent
		return nil, a.failed(err)
	}
	a.secrets = secrets
	once := policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1})
	response, err := rm.send(once, a, http.MethodPut, rm.address(id, apiVersion, nil), body, ifMatch)
	if err != nil {
		return nil, err
	}
	return rm.newOperation(response, a)
}

// Post does an action on a resource ("backendhealth", "start"), waits until it
// has ended and gives back its result; an empty Document when it has none. body
// may be nil. It is repeated only after a 429, because then nothing was begun.
func (rm *ResourceManager) Post(ctx context.Context, id, action, apiVersion string, body Document) (Document, error) {
	a := attempt{operation: action, object: describe(id), write: true}
	patient := policy.WithRetryOptions(ctx, policy.RetryOptions{
		MaxRetryDelay: longestWait,
		ShouldRetry: func(response *http.Response, err error) bool {
			return err == nil && response.StatusCode == http.StatusTooManyRequests
		},
	})
	return rm.post(ctx, patient, a, id, action, apiVersion, body)
}

// post takes two contexts: the second one carries the rules by which the
// request is repeated, which are not those for polling.
func (rm *ResourceManager) post(ctx, sending context.Context, a attempt, id, action, apiVersion string, body Document) (Document, error) {
	var data []byte
	if body != nil {
		var err error
		if data, a.secrets, err = body.wire(); err != nil {
			return nil, a.failed(err)
		}
	}
	response, err := rm.send(sending, a, http.MethodPost, rm.address(id+"/"+action, apiVersion, nil), data, "")
	if err != nil {
		return nil, err
	}
	operation, err := rm.newOperation(response, a)
	if err != nil {
		return nil, err
	}
	result, err := operation.Wait(ctx)
	if err == nil && result == nil {
		result = Document{}
	}
	return result, err
}

// Delete removes a resource and waits until it is gone. What is not there is
// gone. A deletion may be repeated, so azcore does on 408, 429 and 5xx.
func (rm *ResourceManager) Delete(ctx context.Context, id, apiVersion string) error {
	a := attempt{operation: "delete", object: describe(id), write: true}
	response, err := rm.send(ctx, a, http.MethodDelete, rm.address(id, apiVersion, nil), nil, "")
	switch {
	case IsNotFound(err):
		return nil
	case err != nil:
		return err
	case response.StatusCode == http.StatusNoContent:
		return nil
	}
	operation, err := rm.newOperation(response, a)
	if err != nil {
		return err
	}
	if _, err = operation.Wait(ctx); IsNotFound(err) {
		return nil
	}
	return err
}
