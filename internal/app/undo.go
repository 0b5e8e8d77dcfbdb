package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// RunToUndo is the run that is named by its id, or else the latest one that may
// have left its certificate behind: a verified one, one that did not come back all
// the way, or one that was killed.
func (a *App) RunToUndo(ctx context.Context, id, gateway string) (journal.Run, error) {
	if id != "" {
		run, err := a.WholeRun(ctx, id)
		return run, WhileServing(err, NothingChanged, "")
	}
	runs, err := a.Runs(ctx)
	if err != nil {
		return journal.Run{}, err
	}
	for _, run := range runs { // newest first
		if gateway != "" && !strings.EqualFold(run.GatewayID, gateway) {
			continue
		}
		if !mayBeTakenBack(run.Outcome) {
			continue
		}
		run, err := a.WholeRun(ctx, run.ID) // a list is without plans
		if err != nil {
			return run, err
		}
		if !MayUndo(run) {
			continue
		}
		return a.takenBack(ctx, run)
	}
	return journal.Run{}, WhileServing(Usage("cartouche history", "there is no run to take back in the journal of this computer"), NothingChanged, "")
}

// takenBack is the run that is meant when none was named: this one or, when it
// took another one back itself, that one. So the same command again, after it
// was cut off or after it came to its end, finishes what it began; it does not
// take the taking back back.
func (a *App) takenBack(ctx context.Context, run journal.Run) (journal.Run, error) {
	var plan struct {
		UndoOf string `json:"undoOf"`
	}
	if json.Unmarshal(run.Plan, &plan) != nil || plan.UndoOf == "" {
		return run, nil
	}
	return a.WholeRun(ctx, plan.UndoOf)
}

// Kept is what the plan of a run says of how it was made.
type Kept struct {
	GivenNames []string `json:"givenNames"`
	Way        string   `json:"way"`
}

// KeptOf reads it.
func KeptOf(run journal.Run) (kept Kept, err error) {
	if err = json.Unmarshal(run.Plan, &kept); err != nil {
		err = fmt.Errorf("plan of run %s: %w", run.ID, err)
	}
	return kept, err
}

// When tells whether machines have a part in taking a run back: they have when
// they had one in it.
func (k Kept) When() When {
	if k.Way == "" {
		return Never
	}
	return WithLogin
}

// planUndo plans to take a run back, by what was observed.
func (p *Prepared) planUndo(ctx context.Context, run journal.Run) error {
	if err := p.Alone(ctx); err != nil {
		return err
	}
	a := p.Session.app
	others, err := a.RunsOf(ctx, run.GatewayID)
	if err != nil {
		return err
	}
	p.Plan, err = rotation.UndoPlan(p.State, run, rotation.Goal{Now: a.Now(), Roots: p.Session.Roots}, others...)
	return WhileServing(err, Serving(p.State)+"; nothing was changed", "cartouche history "+run.ID)
}
