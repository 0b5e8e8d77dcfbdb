package cloud

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Error is what went wrong in Azure or on the way there. It holds no request,
// no token and nothing of what was sent; its texts are bounded and are fit to
// be shown on a terminal.
type Error struct {
	// Operation and Object say what was attempted on what:
	// "write", "applicationGateways agw-prod".
	Operation string
	Object    string
	// Status is the HTTP status; 0 when there was no answer; 200 when an
	// operation was accepted and failed later.
	Status int
	// Code is Azure's code ("AuthorizationFailed", "AADSTS7000215"), "" when
	// the answer had none. The telling code is often among Details.
	Code    string
	Message string
	Details []ErrorDetail
	// RequestID is what Microsoft's support asks for.
	RequestID string
	// RetryAfter is how long the server asked to wait, 0 when it did not.
	RetryAfter time.Duration
	// Hint is what it means and what to do next, "" when there is nothing to add.
	Hint string
	// Write tells that something was to be changed.
	Write bool
	// MayHaveTakenEffect tells that a write was sent and its end is not known:
	// what it was to change must be read before anything else is decided.
	MayHaveTakenEffect bool

	err error
}

// ErrorDetail is one more code and message inside an error.
type ErrorDetail struct {
	Code    string
	Message string
}

// Error is one line: operation and object, the code, the message, and the
// innermost detail where there is one.
func (e *Error) Error() string {
	text := strings.TrimSpace(e.Operation + " " + e.Object)
	for _, part := range []string{e.Code, e.Message} {
		if part != "" {
			text += ": " + part
		}
	}
	if len(e.Details) > 0 {
		innermost := e.Details[len(e.Details)-1]
		if innermost.Code != e.Code || innermost.Message != e.Message {
			text += fmt.Sprintf(" (%s)", strings.Trim(innermost.Code+": "+innermost.Message, ": "))
		}
	}
	if e.Code == "" && e.Message == "" && e.Status != 0 {
		text += fmt.Sprintf(": HTTP status %d %s", e.Status, http.StatusText(e.Status))
	}
	return text
}

// Unwrap leads to what lies beneath when there was no answer: a cancelled
// context, a refused connection.
func (e *Error) Unwrap() error { return e.err }

// NonRetriable tells azcore's retry policy that whoever made this Error has
// already done all the waiting that makes sense.
func (e *Error) NonRetriable() {}

// HasCode tells whether Azure gave one of these codes, outside or in a detail.
func HasCode(err error, codes ...string) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	has := func(code string) bool {
		return slices.ContainsFunc(codes, func(wanted string) bool { return strings.EqualFold(code, wanted) })
	}
	return has(e.Code) || slices.ContainsFunc(e.Details, func(d ErrorDetail) bool { return has(d.Code) })
}

// IsNotFound tells that the thing asked for is not there.
func IsNotFound(err error) bool {
	return status(err) == http.StatusNotFound || HasCode(err, "ResourceNotFound", "ResourceGroupNotFound", "SubscriptionNotFound")
}

// IsForbidden tells that the caller is known and may not do this.
func IsForbidden(err error) bool {
	return status(err) == http.StatusForbidden || HasCode(err, "AuthorizationFailed", "LinkedAuthorizationFailed")
}

// IsUnauthorized tells that the caller is not signed in, or not any more.
func IsUnauthorized(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Status == http.StatusUnauthorized || e.Operation == signInOperation)
}

// IsThrottled tells that there were too many requests. Waiting as long as the
// server asked has been tried, except for a write of a gateway.
func IsThrottled(err error) bool {
	return status(err) == http.StatusTooManyRequests
}

// IsConflict tells that a write was refused or undone because somebody else
// was faster: read again and make the change anew; never repeat the same body.
//
// 409 AnotherOperationInProgress, 412 PreconditionFailed and 429 RetryableError
// are how gateways say it at once, CanceledAndSupersededDueToAnotherOperation
// is how an operation that was already running ends (azure-cli#21156, #28615).
func IsConflict(err error) bool {
	var e *Error
	if !errors.As(err, &e) || !e.Write || e.MayHaveTakenEffect {
		return false
	}
	if HasCode(err, "ScopeLocked", "MissingSubscriptionRegistration") {
		return false // also 409, but reading again changes nothing
	}
	return e.Status == http.StatusConflict || e.Status == http.StatusPreconditionFailed || e.Status == http.StatusTooManyRequests ||
		HasCode(err, "AnotherOperationInProgress", "RetryableError", "PreconditionFailed", "PreconditionFailedEtagMismatch",
			"CanceledAndSupersededDueToAnotherOperation")
}

// Uncertain tells that a write may have taken effect although it ended in an
// error: the connection was lost after it was sent, the server timed out or
// broke, or nobody could say how the operation ended. Read before doing anything.
func Uncertain(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.MayHaveTakenEffect
}

func status(err error) int {
	var e *Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Status
}
