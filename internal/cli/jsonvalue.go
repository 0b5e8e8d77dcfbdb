package cli

import (
	"github.com/cartouche-gis/cartouche/internal/app"
)

// answer writes a command's JSON value and, when it has failed, the failure
// with it; it returns the failure marked as told.
func answer[T any](u *ui, value T, f *app.Failure) error {
	if f == nil {
		return u.value(value)
	}
	err := u.value(app.Failed[T]{Value: value, Error: f, Exit: f.Exit})
	if err != nil {
		return err
	}
	return told(f)
}
