package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// run shows everything that the journal has of a run.
func (u *ui) run(run journal.Run, now time.Time) {
	u.say(title("Run "+run.ID), "  ", outcomeSpan(run.Outcome))
	u.fields(
		field{"deployment", words(run.DeploymentName)},
		field{"gateway", words(run.GatewayID)},
		field{"began", words(app.Minute(run.StartedAt))},
		field{"took", words(tookRun(run))},
		field{"by", words(run.By, faint(" with cartouche "+run.Version))},
	)
	u.runAtMachines(run, now)
	u.foundLater(run)
	var result rotation.Result
	if json.Unmarshal(run.Summary, &result) == nil && result.After != nil {
		fmt.Fprintln(u.out)
		u.certificatePair(result.Before, result.After, now)
		u.differences(result.NotRestored, result.Unknown)
		u.fields(
			field{"failure", words(result.Failure)},
			field{"proof", words(app.ProofText(result.Proof))},
			field{"gateway writes", words(fmt.Sprint(result.GatewayWrites))},
			field{"operations", words(strings.Join(result.Operations, ", "))},
			field{"removed", words(strings.Join(result.Removed, ", "))},
		)
	}
	u.heading("Steps")
	for _, step := range run.Steps {
		if journal.WasFound(step.Outcome) {
			u.item(u.stepSign(step.Outcome), step.Title, faint(" "+clock(step.StartedAt)+", "+step.Outcome))
			continue
		}
		u.item(u.stepSign(step.Outcome), step.Title, faint(fmt.Sprintf(" %s, %s", clock(step.StartedAt), took(step.StartedAt, step.FinishedAt))))
		if step.Error != "" {
			u.item(span{text: " "}, bad(step.Error))
		}
	}
	if len(run.Evidence) == 0 {
		return
	}
	u.heading("Evidence")
	for _, evidence := range run.Evidence {
		u.item(u.outStyle.bullet(), evidence.Kind, faint(fmt.Sprintf(" %s, %d bytes", clock(evidence.At), len(evidence.Data))))
	}
	u.say(faint("all of it: "), "cartouche history "+run.ID+" --json")
}

// runAtMachines shows what came of a run that replaced the machines' certificates.
func (u *ui) runAtMachines(run journal.Run, now time.Time) {
	var result rollout.Result
	if !rollout.IsRun(run) || journal.WasFound(run.Outcome) || json.Unmarshal(run.Summary, &result) != nil {
		return
	}
	u.internalResult(result, app.Quote(run.DeploymentName), now)
}

func (u *ui) stepSign(outcome string) span {
	switch outcome {
	case "done", journal.FoundDone:
		return u.outStyle.tick()
	case journal.InDoubt, journal.FoundPartly, journal.FoundUnknown:
		return caution("?")
	}
	return u.outStyle.cross()
}

// outcomeSpan is an outcome in the colour that fits.
func outcomeSpan(outcome string) span {
	if tone, known := toneOf(rotation.Outcome(outcome)); known {
		return span{outcome, tone}
	}
	if outcome == journal.FoundVerified {
		return good(outcome)
	}
	return caution(outcome) // in doubt, or found to be something
}

// tookRun is how long a run lasted. When somebody else found how it ended, that
// is not known.
func tookRun(run journal.Run) string {
	if journal.WasFound(run.Outcome) {
		return "-"
	}
	return took(run.StartedAt, run.FinishedAt)
}

func clock(t time.Time) string { return t.Local().Format(time.TimeOnly) }

// took is how long something lasted, "-" while it has no end.
func took(from, to time.Time) string {
	if to.IsZero() {
		return "-"
	}
	return to.Sub(from).Round(time.Millisecond).String()
}
