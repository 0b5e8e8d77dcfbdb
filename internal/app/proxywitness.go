package app

import (
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/cartouche-gis/cartouche/internal/egress"
)

// proxyWitness remembers whether connections fail at the proxy. Sign-in
// libraries lose that on the way up ("unable to resolve an endpoint"), and
// repeat for a quarter of a minute what a wrong proxy will not make better.
type proxyWitness struct {
	*http.Transport
	trouble atomic.Pointer[egress.ProxyError]
}

func (w *proxyWitness) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := w.Transport.RoundTrip(request)
	if err == nil {
		w.trouble.Store(nil)
		return response, nil
	}
	trouble, ok := errors.AsType[*egress.ProxyError](err)
	if !ok || trouble.AboutTarget() {
		return nil, err // another attempt may find the target
	}
	w.trouble.Store(trouble)
	return nil, &hopelessError{err}
}

// instead gives the proxy's trouble when that is what stopped everything.
func (w *proxyWitness) instead(err error) error {
	if trouble := w.trouble.Load(); err != nil && trouble != nil {
		return trouble
	}
	return err
}

// hopelessError is not worth a repetition; azcore looks for the method.
type hopelessError struct{ error }

func (e *hopelessError) Unwrap() error { return e.error }

// NonRetriable is the mark that azcore's retry policy looks for.
func (*hopelessError) NonRetriable() {}
