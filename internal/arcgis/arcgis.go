// Package arcgis speaks with the administrative REST APIs of ArcGIS
// Enterprise. It knows nothing of Azure: whoever calls it brings an
// *http.Client that reaches the product, whichever way that goes.
//
// How these APIs answer, and what is made of it here:
//
//  1. Errors mostly come with HTTP 200. There are two families of them, flat
//     ({"status":"error","messages":[…],"code":500}, ArcGIS Server) and nested
//     ({"error":{"code":498,"message":"…","details":[…]}}, Portal and others).
//     Both are understood everywhere, because a gateway hides who answers.
//  2. HTML comes where JSON was asked for: while a product starts, from a
//     proxy, and from a few failing operations. It is never taken for success.
//  3. The Content-Type is not to be trusted, so it is not looked at.
//  4. Tokens end. An answer 498 or 499 makes a client sign in once more and
//     repeat the request, once.
//
// Tokens and passwords travel in request bodies only, never in a URL, which
// every proxy and web server on the way writes into its log. Redirects are not
// followed: one would carry the password to wherever it points. What a
// service says is bounded, made fit to be shown, and freed of the password
// and the token, should it echo them, before it becomes part of an error.
package arcgis

import (
	"fmt"
	"strings"
)

// The codes of errors. They are stable: callers and scripts may depend on them.
const (
	// CodeWrongCredentials: the name or the password is wrong. Never repeat
	// such a sign-in by program: Portal locks an account after a few of them.
	CodeWrongCredentials = "wrong-credentials"
	// CodeSignInRefused: signing in was refused for another stated reason, such
	// as a locked account.
	CodeSignInRefused = "sign-in-refused"
	// CodeNotSignedIn: SignIn was not called, or the token is refused even
	// after it was renewed.
	CodeNotSignedIn = "not-signed-in"
	// CodeForbidden: signed in, but not as an administrator.
	CodeForbidden = "forbidden"
	// CodeUnreachable: no answer; it may have been acted upon all the same.
	CodeUnreachable = "unreachable"
	// CodeUnhealthy: a health check answered, and not well.
	CodeUnhealthy = "unhealthy"
	// CodeRedirected: the answer was a redirect.
	CodeRedirected = "redirected"
	// CodeNotJSON: something else than a JSON object came, usually a page.
	CodeNotJSON = "not-json"
	// CodeTooLarge: the answer is longer than any sound one.
	CodeTooLarge = "too-large"
	// CodeUnexpected: JSON, but without what was asked for.
	CodeUnexpected = "unexpected-answer"
	// CodeNotFound: the service says that there is no such resource, for
	// example no entry of this alias.
	CodeNotFound = "not-found"
	// CodeNoSite: the product runs and no site was created on it.
	CodeNoSite = "no-site"
	// CodeRefused: the service answered with an error of its own.
	CodeRefused = "refused"
	// CodeBadURL: the base URL is not an https URL.
	CodeBadURL = "bad-url"
)

// Error is what went wrong with one operation. It holds no secrets.
type Error struct {
	// Code is one of the Code constants.
	Code string
	// Operation says what was done and to whom ("sign in to https://gis.example.com/portal").
	Operation string
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// ServiceCode is the code inside the answer (498, 499, 500 …), 0 without one.
	ServiceCode int
	// Messages are the service's own words, safe to show.
	Messages []string
	// Lost tells that there was a connection when the answer failed to come, so
	// that the request may have been acted upon.
	Lost bool
	// Err is the cause, if it is an error of Go.
	Err error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Operation)
	b.WriteString(": ")
	b.WriteString(phrases[e.Code])
	if e.Status >= 300 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if len(e.Messages) > 0 {
		b.WriteString(": ")
		b.WriteString(strings.Join(e.Messages, " "))
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// phrases are what the codes mean in an error message.
var phrases = map[string]string{
	CodeWrongCredentials: "the user name or the password is wrong",
	CodeSignInRefused:    "signing in was refused",
	CodeNotSignedIn:      "not signed in",
	CodeForbidden:        "this account is not allowed to",
	CodeUnreachable:      "no answer",
	CodeUnhealthy:        "not healthy",
	CodeRedirected:       "answered with a redirect, which is not followed",
	CodeNotJSON:          "answered with something else than JSON",
	CodeTooLarge:         "the answer is too large",
	CodeUnexpected:       "the answer lacks what was asked for",
	CodeNotFound:         "there is no such thing",
	CodeNoSite:           "there is no site yet",
	CodeRefused:          "refused",
	CodeBadURL:           "not an https URL of a host",
}
