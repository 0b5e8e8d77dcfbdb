package app

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
	ExitDone        = 0
	ExitUnexpected  = 1
	ExitUsage       = 2
	ExitRefused     = 3
	ExitPreflight   = 4
	ExitRestored    = 5
	ExitNotRestored = 6
	ExitFindings    = 7
	ExitLocked      = 8
	ExitInterrupted = 130
)

// Status is an exit status with what it means.
type Status struct {
	Code    int
	Meaning string
}

// Statuses is the table of them.
func Statuses() []Status {
	return []Status{
		{ExitDone, "done and verified, or nothing to do"},
		{ExitUnexpected, "unexpected error"},
		{ExitUsage, "usage: unknown flag, missing or ambiguous argument, unanswered question"},
		{ExitRefused, "certificate refused, or the file cannot be used; nothing changed"},
		{ExitPreflight, "preflight failed: sign-in, permission, busy gateway, moved world; nothing changed"},
		{ExitRestored, "failed; what was served before is back and proved"},
		{ExitNotRestored, "failed, and not everything is as it was, or nobody can say so; the message says what"},
		{ExitFindings, "findings or drift"},
		{ExitLocked, "another run works on the deployment"},
		{ExitInterrupted, "interrupted; the message says what is serving"},
	}
}

// Codes are the codes of the table of errors with their exit statuses.
func Codes() map[string]int {
	codes := map[string]int{}
	for _, kind := range kinds() {
		codes[kind.code] = kind.exit
	}
	return codes
}

// kind is one row of the table that turns errors into failures.
type kind struct {
	code string
	exit int
	// read tells whether err is of this kind and fills in what it knows.
	read func(err error, f *Failure) bool
}

// kinds is the table, the most telling first: an error of Azure that is due to
// the proxy is the proxy's.
func kinds() []kind {
	return []kind{
		{"certificate-refused", ExitRefused, reader(func(e *rotation.RefusedError, f *Failure) {
			f.Findings = e.Findings
			f.Message = "certificate refused: " + mostTelling(e.Findings)
			f.Hint = firstMend(e.Findings)
		})},
		{"blocked", ExitPreflight, reader(func(e *rotation.BlockedError, f *Failure) {
			f.Findings = e.Obstacles
			f.Message = "nothing was changed: " + mostTelling(e.Obstacles)
			f.Hint = firstMend(e.Obstacles)
		})},
		{"moved", ExitPreflight, reader(func(_ *rotation.MovedError, f *Failure) {
			f.Hint = "look at it and make the plan again: cartouche plan DEPLOYMENT --pfx FILE --save PLAN"
		})},
		{"plan-edited", ExitPreflight, reader(func(_ *rotation.EditedPlanError, f *Failure) {
			f.Hint = "cartouche plan DEPLOYMENT --pfx FILE --save PLAN"
		})},
		{"file-refused", ExitRefused, reader(func(e *pki.DefectError, f *Failure) {
			f.Code, f.Hint = e.Code, e.Mend
		})},
		{"deployment-not-found", ExitUsage, reader(func(e *deployment.NotFoundError, f *Failure) {
			f.Hint = "cartouche deployments"
			if e.Listed == 0 {
				f.Hint = "see where this sign-in may look: cartouche account subscriptions; in another tenant: --tenant TENANT (cartouche account tenants)"
			}
		})},
		{"deployment-ambiguous", ExitUsage, reader(func(e *deployment.AmbiguousError, f *Failure) {
			f.Hint = "use a name that fits one deployment only; cartouche deployments lists them"
		})},
		{"locked", ExitLocked, reader(func(_ *LockedError, f *Failure) {
			f.Hint = "wait for its end, or see what it does: cartouche history"
		})},
		{"locked", ExitLocked, reader(func(e *lease.HeldError, f *Failure) {
			f.Held = &e.Claim
		})},
		{"run-not-found", ExitUsage, reader(func(_ *journal.NotFoundError, f *Failure) {
			f.Hint = "cartouche history"
		})},
		{"run-ambiguous", ExitUsage, reader(func(_ *journal.AmbiguousError, f *Failure) {
			f.Hint = "type more of the id: cartouche history"
		})},
		{"journal", ExitPreflight, reader(func(e *journal.Error, f *Failure) {
			f.Code = "journal-" + e.Code
			f.Hint = journalHint(e)
		})},
		{"interrupted", ExitInterrupted, func(err error, f *Failure) bool {
			f.Message = "interrupted"
			return errors.Is(err, context.Canceled)
		}},
		{"reach", ExitPreflight, reader(func(e *reach.Error, f *Failure) {
			f.Code, f.Hint = "reach-"+string(e.Code), e.Mend
		})},
		{"proxy", ExitPreflight, reader(func(e *egress.ProxyError, f *Failure) {
			f.Hint = "check HTTPS_PROXY (and NO_PROXY)"
			if azure, ok := errors.AsType[*cloud.Error](f.Err); ok && e.AboutTarget() && azure.Hint != "" {
				f.Hint = azure.Hint // the proxy is right; what was asked for is not
			}
		})},
		{"azure", ExitPreflight, reader(func(e *cloud.Error, f *Failure) {
			f.Code, f.Hint = azureCode(e), e.Hint
			if viaProxy(e) {
				f.Code = "proxy"
			}
		})},
		{"arcgis", ExitPreflight, reader(func(e *arcgis.Error, f *Failure) {
			f.Code = "arcgis-" + e.Code
		})},
	}
}

// reader makes the test for one type of error.
func reader[E error](fill func(E, *Failure)) func(error, *Failure) bool {
	return func(err error, f *Failure) bool {
		e, ok := errors.AsType[E](err)
		if ok {
			fill(e, f)
		}
		return ok
	}
}

// Explain turns any error into a failure.
func Explain(err error) Failure {
	if own, ok := errors.AsType[*Failure](err); ok {
		f := *own
		addServing(err, &f)
		return f
	}
	f := Failure{Code: "unexpected", Message: err.Error(), Exit: ExitUnexpected, Err: err}
	for _, kind := range kinds() {
		known := Failure{Code: kind.code, Message: err.Error(), Exit: kind.exit, Err: err}
		if kind.read(err, &known) {
			f = known
			break
		}
	}
	addServing(err, &f)
	return f
}

func addServing(err error, f *Failure) {
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

// firstMend is what mends the first of the findings that can be mended.
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
		rotation.Verified:       ExitDone,
		rotation.NothingToDo:    ExitDone,
		rotation.Cleaned:        ExitDone,
		rotation.Unchanged:      ExitPreflight,
		rotation.Restored:       ExitRestored,
		rotation.PartlyRestored: ExitNotRestored,
		rotation.NotKnown:       ExitNotRestored,
	}[result.Outcome]
	switch {
	case !known:
		return ExitUnexpected
	case result.Interrupted && (status == ExitPreflight || status == ExitRestored):
		return ExitInterrupted
	}
	return status
}
