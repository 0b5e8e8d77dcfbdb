package web

import (
	"net/http"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// codeStatuses are the statuses of answers for the codes of failures that have one
// of their own; a code here that begins or ends with a hyphen is that end of many.
var codeStatuses = []struct {
	code   string
	status int
}{
	{notSignedInCode, http.StatusUnauthorized},
	{"sign-in-failed", http.StatusUnauthorized},
	{"not-permitted", http.StatusForbidden},
	{"not-found", http.StatusNotFound},
	{"-not-found", http.StatusNotFound},
	{tooLargeCode, http.StatusRequestEntityTooLarge},
	{"throttled", http.StatusTooManyRequests},
	{"azure", http.StatusBadGateway},
	{"proxy", http.StatusBadGateway},
	{"reach-", http.StatusBadGateway},
	{"arcgis-", http.StatusBadGateway},
	{"journal-", http.StatusInternalServerError},
}

// exitStatuses are those of all others, by the status with which a command ends.
var exitStatuses = map[int]int{
	app.ExitUnexpected:  http.StatusInternalServerError,
	app.ExitUsage:       http.StatusBadRequest,
	app.ExitRefused:     http.StatusUnprocessableEntity,
	app.ExitPreflight:   http.StatusConflict,
	app.ExitRestored:    http.StatusInternalServerError,
	app.ExitNotRestored: http.StatusInternalServerError,
	app.ExitFindings:    http.StatusOK, // who asked what is wrong got the answer
	app.ExitLocked:      http.StatusConflict,
	app.ExitInterrupted: http.StatusConflict,
}

// httpStatus is the status of an answer for what ends a command.
func httpStatus(f app.Failure) int {
	for _, known := range codeStatuses {
		begins, ends := strings.HasSuffix(known.code, "-"), strings.HasPrefix(known.code, "-")
		if f.Code == known.code || begins && strings.HasPrefix(f.Code, known.code) || ends && strings.HasSuffix(f.Code, known.code) {
			return known.status
		}
	}
	if status, known := exitStatuses[f.Exit]; known {
		return status
	}
	return http.StatusInternalServerError
}
