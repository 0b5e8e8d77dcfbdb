package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// RunAtWork is the run of this user that works on a gateway at this moment. Of
// those without an end only the last can.
func (a *App) RunAtWork(ctx context.Context, gatewayID string) (run journal.Run, there bool) {
	open, err := Remember(ctx, a, func(memory *journal.Journal) ([]journal.Run, error) {
		return memory.Unfinished(ctx, gatewayID)
	})
	if err != nil || len(open) == 0 {
		return run, false
	}
	unlock, err := a.Lock(gatewayID, open[0].DeploymentName)
	if err == nil {
		unlock()
	}
	_, held := errors.AsType[*LockedError](err)
	return open[0], held
}

// IsGoingOn tells whether a run goes on at this moment, in whatever process. One
// without an end that does not was cut off.
func (a *App) IsGoingOn(ctx context.Context, run journal.Run) bool {
	if run.Outcome != journal.InDoubt {
		return false
	}
	going, there := a.RunAtWork(ctx, run.GatewayID)
	return there && going.ID == run.ID
}

// Purpose is what a run was for. Without any of these it was a renewal.
type Purpose struct {
	// UndoOf is the run that it took back.
	UndoOf string
	// Cleans tells that it removed what nobody used any more.
	Cleans bool
	// AtMachines tells that it was about the certificates of machines.
	AtMachines bool
}

// PurposeOfHead tells what a run of a list was for. Of one whose head does not say
// it, as that of a run without an end does not, the whole is read.
func (a *App) PurposeOfHead(ctx context.Context, run journal.Run) Purpose {
	if run.Plan == nil && (run.Outcome == journal.InDoubt || journal.WasFound(run.Outcome)) {
		if whole, err := a.WholeRun(ctx, run.ID); err == nil {
			run.Plan = whole.Plan
		}
	}
	return PurposeOf(run)
}

// PurposeOf tells what a run was for, by its plan or else by what came of it.
func PurposeOf(run journal.Run) Purpose {
	var plan struct {
		UndoOf string `json:"undoOf"`
		Steps  []struct {
			Kind rotation.StepKind `json:"kind"`
		} `json:"steps"`
	}
	_ = json.Unmarshal(run.Plan, &plan) // a head has none
	var result struct {
		UndoOf  string            `json:"undoOf"`
		Removed []string          `json:"removed"`
		Soaking []json.RawMessage `json:"soaking"`
	}
	_ = json.Unmarshal(run.Summary, &result) // a run without an end has none
	p := Purpose{UndoOf: cmp.Or(plan.UndoOf, result.UndoOf), AtMachines: rollout.Made(run)}
	switch {
	case len(plan.Steps) > 0:
		p.Cleans = plan.Steps[0].Kind == rotation.StepClean
	case p.AtMachines:
		p.Cleans = !rollout.IsRun(run)
	default:
		p.Cleans = run.Outcome == string(rotation.Cleaned) || run.Outcome == journal.FoundCleaned || len(result.Removed)+len(result.Soaking) > 0
	}
	return p
}

// MayUndo tells whether there is something to take back of a run: it may have left
// its certificate behind, and it did not remove what cannot be had again.
func MayUndo(run journal.Run) bool {
	return mayBeTakenBack(run.Outcome) && !PurposeOf(run).Cleans
}

// mayBeTakenBack tells whether a run with this outcome may have left its
// certificate behind: it was verified, did not come back all the way, or was cut
// off and nobody found otherwise.
func mayBeTakenBack(outcome string) bool {
	switch outcome {
	case string(rotation.Verified), string(rotation.PartlyRestored), string(rotation.NotKnown),
		journal.InDoubt, journal.FoundVerified, journal.FoundPartly, journal.FoundUnknown:
		return true
	}
	return false
}
