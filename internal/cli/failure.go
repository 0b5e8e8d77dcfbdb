package cli

import (
	"fmt"

	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// failure is an error as people and scripts see it: what happened, what is
// serving now, and what to type next.
type failure struct {
	// Code is stable, for scripts.
	Code    string `json:"code"`
	Message string `json:"message"`
	// Cause is what kind of trouble ended a run at machines, "" otherwise.
	Cause string `json:"cause,omitempty"`
	// Held is who works on the deployment, when that is why.
	Held *lease.Claim `json:"held,omitempty"`
	// Hint is what to do next, with the command where there is one.
	Hint string `json:"hint,omitempty"`
	// Serving says what clients get now, as far as it is known.
	Serving string `json:"serving,omitempty"`
	// Findings are what the certificate or the deployment was refused for. For
	// people they stand in the plan.
	Findings pki.Findings `json:"findings,omitempty"`

	exit  int
	cause error
	// told means that the result on stdout has said it already.
	told bool
}

func (f *failure) Error() string { return f.Message }
func (f *failure) Unwrap() error { return f.cause }

// usage is a command that cannot be understood or lacks something.
func usage(hint, message string, args ...any) *failure {
	return &failure{Code: "usage", Message: fmt.Sprintf(message, args...), Hint: hint, exit: exitUsage}
}

// servingError adds what is known to be served to an error.
type servingError struct {
	err     error
	serving string
	hint    string
}

func (e *servingError) Error() string { return e.err.Error() }
func (e *servingError) Unwrap() error { return e.err }

// whileServing says what clients get while err is what happened; hint is the
// next command when the error itself has none.
func whileServing(err error, serving, hint string) error {
	if err == nil {
		return nil
	}
	return &servingError{err: err, serving: serving, hint: hint}
}

// nothingChanged is what is serving when nothing was sent to any gateway.
const nothingChanged = "as before: nothing was changed"

// show writes a failure for people.
func (u *ui) showFailure(f failure) {
	u.progress.done()
	fmt.Fprintln(u.err, u.fold(u.errors.render(words(bad("error: "), f.Message)), 0, 0))
	if f.Serving != "" {
		fmt.Fprintln(u.err, u.fold(u.errors.render(words(faint("serving now: "), f.Serving)), 0, 0))
	}
	if f.Hint != "" {
		u.advice(u.err, u.errors, 0, "next: ", f.Hint)
	}
}
