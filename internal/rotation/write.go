package rotation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pause"
)

// answerTimeout bounds waiting for the answer to a PUT; Resource Manager itself
// gives up after a minute and answers 5xx.
const answerTimeout = 2 * time.Minute

// finalError is an error of an edit: making it anew would not help.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// written is what became of a write.
type written struct {
	// Gateway is the gateway as it was read last, nil when it never was.
	Gateway *cloud.Gateway
	// Writes counts the PUTs that may have taken effect.
	Writes int
	// Operations are the ids of Azure's asynchronous operations, for evidence.
	Operations []string
	carriedOut int
}

// maxCarriedOut is how often a write may succeed without being there
// afterwards: somebody else writes, again and again, or the answer is not true.
const maxCarriedOut = 3

// write brings an edit about: it reads the gateway, waits until no other
// change is under way, edits, sends one conditional PUT, waits for its end, and
// reads back. Whatever Azure answers, the question whether the change is there
// is settled by reading, never by the answer. After a refusal that asks for it
// (409, 412, 429) and after an uncertain end, the edit is made anew on a fresh
// document; a stale body is never sent twice.
//
// Other failures end it, unless there are second chances: going back is worth
// trying again where going forward is not.
func (r *Runner) write(ctx context.Context, phase Phase, gatewayID string, edit edit, chances int) (written, error) {
	patience := r.Patience.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, patience.Write)
	defer cancel()

	var done written
	backoff := patience.Backoff
	for attempt := 1; ; attempt++ {
		gateway, err := r.settled(ctx, phase, gatewayID)
		if err == nil {
			done.Gateway = gateway
			err = r.attempt(ctx, phase, gateway, edit, &done)
		}
		if errors.Is(err, ErrNothingToEdit) {
			return done, nil
		}
		if err == nil {
			done.carriedOut++
			continue // read back: the edit says whether it is there
		}
		if final := (finalError{}); ctx.Err() != nil || errors.As(err, &final) {
			return done, err
		}
		if !again(err) && (chances == 0 || !passing(err)) {
			if chances == 0 {
				return done, err
			}
			chances--
		}
		wait := max(backoff, askedToWait(err))
		backoff = min(2*backoff, time.Minute)
		r.tellWaiting(phase, fmt.Sprintf("attempt %d: %v; reading the gateway again in %s", attempt, err, wait.Round(time.Millisecond)))
		if err := pause.For(ctx, wait); err != nil {
			return done, err
		}
	}
}

// attempt edits the gateway as it is and sends that once. ErrNothingToEdit
// means that the gateway is as wanted and well.
func (r *Runner) attempt(ctx context.Context, phase Phase, gateway *cloud.Gateway, edit edit, done *written) error {
	document, err := edit(gateway, done.carriedOut)
	if !errors.Is(err, ErrNothingToEdit) {
		if err != nil {
			return finalError{err}
		}
		return r.put(ctx, phase, gateway, document, done)
	}
	if gateway.ProvisioningState() == "Succeeded" {
		return ErrNothingToEdit
	}
	// The document is as wanted, but it was not carried out. Any good write
	// makes a failed or cancelled gateway try again; the same document is one.
	// Source: Azure documentation, Application Gateway in a failed state.
	return r.put(ctx, phase, gateway, gateway.Document(), done)
}

// put sends the document once and waits for the end of the operation.
func (r *Runner) put(ctx context.Context, phase Phase, gateway *cloud.Gateway, document cloud.Document, done *written) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if done.carriedOut == maxCarriedOut {
		return finalError{fmt.Errorf("gateway %s: it carried the change out %d times, and still does not have it", gateway.Name(), maxCarriedOut)}
	}
	if err := r.Permitted(ctx); err != nil {
		return finalError{err}
	}
	// Once the request is under way its answer is waited for, Ctrl-C or not:
	// an abandoned PUT could still take effect after we have looked.
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	operation, err := r.Azure.Put(sending, gateway.ID(), cloud.GatewayAPI, document, gateway.ETag())
	if err != nil {
		if cloud.Uncertain(err) {
			done.Writes++
		}
		return err
	}
	done.Writes++
	if id := operation.ID(); id != "" {
		done.Operations = append(done.Operations, id)
	}
	r.tellWaiting(phase, "the gateway took the change; waiting until it is carried out")
	_, err = operation.Wait(ctx)
	return err
}

// askedToWait is the Retry-After of an answer, 0 when it had none.
func askedToWait(err error) time.Duration {
	var answer *cloud.Error
	if errors.As(err, &answer) {
		return answer.RetryAfter
	}
	return 0
}

// again tells whether a failed write may be made anew after reading again.
func again(err error) bool {
	return cloud.IsConflict(err) || cloud.Uncertain(err)
}

// passing tells whether nobody, or nobody in his right mind, has answered: when
// going back, a network that is away is waited for.
func passing(err error) bool {
	var answer *cloud.Error
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.Status {
	case 0, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return answer.Status >= 500
}

// settled reads the gateway until no change of it is under way.
func (r *Runner) settled(ctx context.Context, phase Phase, gatewayID string) (*cloud.Gateway, error) {
	interval := r.Patience.withDefaults().Interval
	for {
		document, err := r.Azure.Get(ctx, gatewayID, cloud.GatewayAPI)
		if err != nil {
			return nil, err
		}
		gateway, err := cloud.ParseGateway(document)
		if err != nil {
			return nil, fmt.Errorf("read gateway %s: %w", gatewayID, err)
		}
		switch gateway.ProvisioningState() {
		case "Succeeded", "Failed", "Canceled": // nothing goes on any more
			return gateway, nil
		}
		r.tellWaiting(phase, "a change of the gateway is under way; waiting for its end")
		if err := pause.For(ctx, interval); err != nil {
			return nil, err
		}
	}
}
