package cli

import (
	"fmt"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// showFailure writes a failure for people.
func (u *ui) showFailure(f app.Failure) {
	u.progress.Done()
	fmt.Fprintln(u.err, u.fold(u.errors.render(words(bad("error: "), f.Message)), 0, 0))
	if f.Serving != "" {
		fmt.Fprintln(u.err, u.fold(u.errors.render(words(faint("serving now: "), f.Serving)), 0, 0))
	}
	if f.Hint != "" {
		u.advice(u.err, u.errors, 0, "next: ", f.Hint)
	}
}

// toldError is a failure that the result on stdout has said already.
type toldError struct{ *app.Failure }

func (e *toldError) Unwrap() error { return e.Failure }

// told marks a failure as said by what is on stdout already.
func told(f *app.Failure) error {
	if f == nil {
		return nil
	}
	return &toldError{f}
}
