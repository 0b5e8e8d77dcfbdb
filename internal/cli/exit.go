package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// The exit statuses.
const (
	exitDone        = 0
	exitUnexpected  = 1
	exitUsage       = 2
	exitRefused     = 3
	exitPreflight   = 4
	exitRestored    = 5
	exitNotRestored = 6
	exitFindings    = 7
	exitLocked      = 8
	exitInterrupted = 130
)

// statuses is the table that help shows.
func statuses() []struct {
	code    int
	meaning string
} {
	return []struct {
		code    int
		meaning string
	}{
		{exitDone, "done and verified, or nothing to do"},
		{exitUnexpected, "unexpected error"},
		{exitUsage, "usage: unknown flag, missing or ambiguous argument, unanswered question"},
		{exitRefused, "certificate refused, or the file cannot be used; nothing changed"},
		{exitPreflight, "preflight failed: sign-in, permission, busy gateway, moved world; nothing changed"},
		{exitRestored, "failed; what was served before is back and proved"},
		{exitNotRestored, "failed, and not everything is as it was, or nobody can say so; the message says what"},
		{exitFindings, "findings or drift"},
		{exitLocked, "another run works on the deployment"},
		{exitInterrupted, "interrupted; the message says what is serving"},
	}
}

// kind is one row of the table that turns errors into failures.
type kind struct {
	code string
	exit int
	// read tells whether err is of this kind and fills in what it knows.
	read func(err error, f *failure) bool
}

// kinds is the table, the most telling first: an error of Azure that is due to
// the proxy is the proxy's.
func kinds() []kind {
	return []kind{
		{"certificate-refused", exitRefused, reader(func(e *rotation.RefusedError, f *failure) {
			f.Findings = e.Findings
			f.Message = "certificate refused: " + mostTelling(e.Findings)
			f.Hint = firstMend(e.Findings)
		})},
		{"blocked", exitPreflight, reader(func(e *rotation.BlockedError, f *failure) {
			f.Findings = e.Obstacles
			f.Message = "nothing was changed: " + mostTelling(e.Obstacles)
			f.Hint = firstMend(e.Obstacles)
		})},
		{"moved", exitPreflight, reader(func(_ *rotation.MovedError, f *failure) {
			f.Hint = "look at it and make the plan again: cartouche plan DEPLOYMENT --pfx FILE --save PLAN"
		})},
		{"plan-edited", exitPreflight, reader(func(_ *rotation.EditedPlanError, f *failure) {
			f.Hint = "cartouche plan DEPLOYMENT --pfx FILE --save PLAN"
		})},
		{"file-refused", exitRefused, reader(func(e *pki.DefectError, f *failure) {
			f.Code, f.Hint = e.Code, e.Mend
		})},
		{"deployment-not-found", exitUsage, reader(func(e *deployment.NotFoundError, f *failure) {
			f.Hint = "cartouche deployments"
			if e.Listed == 0 {
				f.Hint = "see where this sign-in may look: cartouche account subscriptions; in another tenant: --tenant TENANT (cartouche account tenants)"
			}
		})},
		{"deployment-ambiguous", exitUsage, reader(func(e *deployment.AmbiguousError, f *failure) {
			f.Hint = "use a name that fits one deployment only; cartouche deployments lists them"
		})},
		{"locked", exitLocked, reader(func(_ *lockedError, f *failure) {
			f.Hint = "wait for its end, or see what it does: cartouche history"
		})},
		{"locked", exitLocked, reader(func(e *lease.HeldError, f *failure) {
			f.Held = &e.Claim
		})},
		{"run-not-found", exitUsage, reader(func(_ *journal.NotFoundError, f *failure) {
			f.Hint = "cartouche history"
		})},
		{"run-ambiguous", exitUsage, reader(func(_ *journal.AmbiguousError, f *failure) {
			f.Hint = "type more of the id: cartouche history"
		})},
		{"journal", exitPreflight, reader(func(e *journal.Error, f *failure) {
			f.Code = "journal-" + e.Code
			f.Hint = "set CARTOUCHE_STATE_DIR to another directory, or mend the file: " + e.Path
		})},
		{"interrupted", exitInterrupted, func(err error, f *failure) bool {
			f.Message = "interrupted"
			return errors.Is(err, context.Canceled)
		}},
		{"reach", exitPreflight, reader(func(e *reach.Error, f *failure) {
			f.Code, f.Hint = "reach-"+string(e.Code), e.Mend
		})},
		{"proxy", exitPreflight, reader(func(e *egress.ProxyError, f *failure) {
			f.Hint = "check HTTPS_PROXY (and NO_PROXY)"
			if azure, ok := errors.AsType[*cloud.Error](f.cause); ok && e.AboutTarget() && azure.Hint != "" {
				f.Hint = azure.Hint // the proxy is right; what was asked for is not
			}
		})},
		{"azure", exitPreflight, reader(func(e *cloud.Error, f *failure) {
			f.Code, f.Hint = azureCode(e), e.Hint
			if viaProxy(e) {
				f.Code = "proxy"
			}
		})},
		{"arcgis", exitPreflight, reader(func(e *arcgis.Error, f *failure) {
			f.Code = "arcgis-" + e.Code
		})},
	}
}

// reader makes the test for one type of error.
func reader[E error](fill func(E, *failure)) func(error, *failure) bool {
	return func(err error, f *failure) bool {
		e, ok := errors.AsType[E](err)
		if ok {
			fill(e, f)
		}
		return ok
	}
}

// explain turns any error into a failure.
func explain(err error) failure {
	if own, ok := errors.AsType[*failure](err); ok {
		f := *own
		addServing(err, &f)
		return f
	}
	f := failure{Code: "unexpected", Message: err.Error(), exit: exitUnexpected, cause: err}
	for _, kind := range kinds() {
		known := failure{Code: kind.code, Message: err.Error(), exit: kind.exit, cause: err}
		if kind.read(err, &known) {
			f = known
			break
		}
	}
	addServing(err, &f)
	return f
}

func addServing(err error, f *failure) {
	known, ok := errors.AsType[*servingError](err)
	if !ok {
		return
	}
	if f.Serving == "" {
		f.Serving = known.serving
	}
	if f.Hint == "" {
		f.Hint = known.hint
	}
}

// mostTelling is one sentence for several findings: the first that can be
// mended, since others often follow from it.
func mostTelling(findings pki.Findings) string {
	chosen := findings[0]
	for _, finding := range findings {
		if finding.Mend != "" {
			chosen = finding
			break
		}
	}
	if len(findings) > 1 {
		return fmt.Sprintf("%s (and %d more)", chosen.Sentence, len(findings)-1)
	}
	return chosen.Sentence
}

func firstMend(findings pki.Findings) string {
	for _, finding := range findings {
		if finding.Mend != "" {
			return finding.Mend
		}
	}
	return ""
}

func azureCode(e *cloud.Error) string {
	switch {
	case cloud.IsUnauthorized(e):
		return "sign-in-failed"
	case cloud.IsForbidden(e):
		return "not-permitted"
	case cloud.IsThrottled(e):
		return "throttled"
	case cloud.IsNotFound(e):
		return "not-found"
	}
	return "azure"
}

// viaProxy finds a proxy behind an error whose own chain was cut, as that of a
// sign-in is.
func viaProxy(e *cloud.Error) bool {
	return e.Status == 0 && strings.Contains(e.Hint, "HTTPS_PROXY names")
}

// statusOf maps how a run ended to an exit status.
func statusOf(result rotation.Result) int {
	status, known := map[rotation.Outcome]int{
		rotation.Verified:       exitDone,
		rotation.NothingToDo:    exitDone,
		rotation.Cleaned:        exitDone,
		rotation.Unchanged:      exitPreflight,
		rotation.Restored:       exitRestored,
		rotation.PartlyRestored: exitNotRestored,
		rotation.NotKnown:       exitNotRestored,
	}[result.Outcome]
	switch {
	case !known:
		return exitUnexpected
	case result.Interrupted && (status == exitPreflight || status == exitRestored):
		return exitInterrupted
	}
	return status
}
