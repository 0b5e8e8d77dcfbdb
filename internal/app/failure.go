package app

import (
	"fmt"

	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// Failure is an error as people and scripts see it: what happened, what is
// serving now, and what to type next.
type Failure struct {
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

	// Exit is the status with which a command ends because of it.
	Exit int `json:"-"`
	// Err is the error behind it, nil when there is none.
	Err error `json:"-"`
}

func (f *Failure) Error() string { return f.Message }
func (f *Failure) Unwrap() error { return f.Err }

// Usage is a command that cannot be understood or lacks something.
func Usage(hint, message string, args ...any) *Failure {
	return &Failure{Code: "usage", Message: fmt.Sprintf(message, args...), Hint: hint, Exit: ExitUsage}
}

// servingError adds what is known to be served to an error.
type servingError struct {
	err     error
	serving string
	hint    string
}

func (e *servingError) Error() string { return e.err.Error() }
func (e *servingError) Unwrap() error { return e.err }

// WhileServing says what clients get while err is what happened; hint is the
// next command when the error itself has none.
func WhileServing(err error, serving, hint string) error {
	if err == nil {
		return nil
	}
	return &servingError{err: err, serving: serving, hint: hint}
}

// NothingChanged is what is serving when nothing was sent to any gateway.
const NothingChanged = "as before: this changed nothing"
