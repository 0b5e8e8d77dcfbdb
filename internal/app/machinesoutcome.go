package app

import (
	"fmt"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// MachinesOutcomeText says for people how a run at machines ended.
func MachinesOutcomeText(outcome rotation.Outcome) string {
	return outcomeText(outcome, map[rotation.Outcome]string{
		rotation.Verified:       "verified: every machine serves its new certificate, and that was proved",
		rotation.NothingToDo:    "nothing to do: every machine serves its certificate already",
		rotation.Cleaned:        "cleaned: what nobody presents any more is gone, and everything serves as before",
		rotation.Unchanged:      "unchanged: the run ended before anything was changed",
		rotation.Restored:       "restored: every machine serves what it served before, and that was proved",
		rotation.PartlyRestored: "partly restored: not every machine is as it was",
		rotation.NotKnown:       "unknown: nobody can say whether every machine is as it was",
		NotRestored:             "not restored: not every machine is as it was, or nobody could say so",
	})
}

// MachinesResultFailure is the failure of a run at machines that did not reach
// its goal, nil when it did.
func MachinesResultFailure(result rollout.Result, name string) *Failure {
	f := ResultFailure(rotation.Result{
		Outcome: result.Outcome, RunID: result.RunID, Failure: result.Failure, Hint: result.Hint,
		NotRestored: result.NotRestored, Unknown: result.Unknown, Interrupted: result.Interrupted,
	}, name)
	if f == nil {
		return nil
	}
	if result.Failure == "" && !result.Interrupted {
		f.Message = MachinesOutcomeText(result.Outcome)
	}
	f.Cause = result.Code
	if states := statesOf(result); states != "" {
		f.Serving = states
	}
	return f
}

// statesOf says what the machines serve after a run that did not reach its goal.
func statesOf(result rollout.Result) string {
	n := map[string]int{}
	for _, m := range result.Machines {
		n[m.State]++
	}
	var parts []string
	for _, state := range []struct{ name, text string }{{"new", "the new certificate"}, {"old", "the certificate from before"}, {"unknown", "what could not be seen"}} {
		if n[state.name] > 0 {
			parts = append(parts, fmt.Sprintf("%s: %s", Count(n[state.name], "port"), state.text))
		}
	}
	return strings.Join(parts, "; ")
}
