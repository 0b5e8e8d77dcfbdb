package matrix_test

import "net/http"

// breaker breaks requests of a process.
type breaker struct{}

// roundTrip sends a request, or breaks it.
func (b *breaker) roundTrip(_ *process, r *http.Request, inner http.RoundTripper) (*http.Response, error) {
	return inner.RoundTrip(r)
}
