package rotation

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// UndoPlan is the plan to take a kept run back: its listeners return to the
// entries that they had, which are still on the gateway. An old certificate
// that has expired is refused, since going back to it would be an outage.
func UndoPlan(state State, run journal.Run, goal Goal) (Plan, error) {
	var kept remembered
	if err := json.Unmarshal(run.Before, &kept); err != nil {
		return Plan{}, fmt.Errorf("run %s: its memory cannot be read: %w", run.ID, err)
	}
	plan := Plan{
		Format:       planFormat,
		MadeAt:       goal.Now.UTC(),
		Cloud:        state.Cloud,
		Deployment:   state.Deployment.Name,
		DeploymentID: state.Deployment.ID,
		GatewayID:    state.Gateway.ID(),
		Names:        coveredNames(state),
		Serving:      describeLeaf(servingNow(state)),
		Source:       "run " + run.ID,
		Obstacles:    slices.Concat(state.Obstacles, shapeObstacles(state)),
		Proofs:       proofs(state),
		Basis:        basis(state),
	}
	for _, move := range reversed(kept.Moves) {
		entry, exists := state.Gateway.Certificate(move.To)
		if !exists {
			plan.Obstacles = append(plan.Obstacles, pki.Finding{
				Code: "old-entry-gone", Severity: pki.Refusal,
				Sentence: fmt.Sprintf("the gateway no longer has the certificate entry %s from before run %s", move.To, run.ID),
				Mend:     "roll the old .pfx out with cartouche apply",
			})
			continue
		}
		if len(entry.Chain) > 0 {
			old := entry.Chain[0]
			plan.Certificate = pki.Describe(old)
			move.ToLeaf = pki.Fingerprint(old)
			if !goal.Now.Before(old.NotAfter) {
				plan.Findings = append(plan.Findings, pki.Finding{
					Code: "old-expired", Severity: pki.Refusal,
					Sentence: fmt.Sprintf("the certificate from before run %s expired on %s", run.ID, old.NotAfter.Format("2 January 2006")),
				})
			}
		}
		if listener, ok := state.Gateway.Listener(move.Listener); ok && strings.EqualFold(listener.CertificateName, move.To) {
			continue // already back
		}
		plan.Entry = move.To
		plan.Moves = append(plan.Moves, move)
	}
	plan.Steps = undoSteps(plan, run)
	plan.Hash = plan.computeHash()
	return plan, nil
}

func undoSteps(plan Plan, run journal.Run) []Step {
	prove := Step{Kind: StepProve, Title: "prove that every endpoint serves the certificate from before", Restarts: []string{}}
	if plan.NothingToDo() {
		return []Step{prove}
	}
	var changes []string
	for _, move := range plan.Moves {
		changes = append(changes, fmt.Sprintf("listener %s: %s -> %s", move.Listener, move.From, move.To))
	}
	return []Step{{
		Kind: StepSwitch, Title: "take run " + run.ID + " back in one conditional write",
		Touches: plan.GatewayID, Changes: changes, Restarts: []string{},
		Undo: "apply the plan of the run again",
	}, prove}
}

// Undo carries an UndoPlan out. It is proved, and taken back itself when the
// proof fails, like any other run.
func (r *Runner) Undo(ctx context.Context, plan Plan, before State) (Result, error) {
	if err := plan.Ready(); err != nil {
		return Result{}, err
	}
	return r.carryOut(ctx, plan, nil, before, unjudged)
}
