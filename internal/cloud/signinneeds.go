package cloud

import (
	"errors"
	"net/http"
)

// NeedsPerson tells whether a sign-in failed in a way that a person can mend by
// signing in again: nobody was signed in, or Entra ID refused what was kept.
// Without an answer signing in again would not help.
func NeedsPerson(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.Operation != signInOperation {
		return false
	}
	return errors.Is(e, errNobody) || e.Status == http.StatusBadRequest || e.Status == http.StatusUnauthorized
}
