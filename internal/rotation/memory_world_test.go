package rotation_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// Without its memory a run could not be taken back, so it does not begin.
func TestNothingIsChangedThatIsNotWrittenDown(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		state := b.observe()
		plan := b.plan(state)
		place := filepath.Join(t.TempDir(), "state")
		memory, err := journal.Open(t.Context(), filepath.Join(place, "journal.db"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(place, nil, 0o600); err != nil { // where the directory was to be
			t.Fatal(err)
		}
		b.runner.Journal = memory
		_, err = b.runner.Apply(t.Context(), plan, b.goal, state)
		if err == nil || !strings.Contains(err.Error(), "nothing was changed, because the run could not be written down") {
			t.Errorf("Apply = %v, want that it could not be written down", err)
		}
		if writes := b.world.Ground().Ledger.Count(ground.GatewayWrite); writes != 0 {
			t.Errorf("%d writes of the gateway", writes)
		}
	})
}

// While Azure carries a write out, the journal knows already that it was meant:
// a kill at this moment leaves a step in doubt and not none.
func TestTheIntentOfAStepIsWrittenBeforeTheAct(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		looked, begun := false, ""
		b.runner.Begun = func(id string) {
			if run, err := b.journal.Run(context.WithoutCancel(t.Context()), id); err != nil || run.ID != id || len(run.Steps) != 0 {
				t.Errorf("told of run %s, the journal has %+v (%v)", id, run.Steps, err)
			}
			begun = id
		}
		b.runner.Report = func(event rotation.Event) {
			if looked || !strings.Contains(event.Text, "took the change") {
				return
			}
			looked = true
			runs, err := b.journal.Runs(context.WithoutCancel(t.Context()), "", 1)
			if err != nil || len(runs) != 1 {
				t.Errorf("runs: %v, %v", runs, err)
				return
			}
			run, err := b.journal.Run(context.WithoutCancel(t.Context()), runs[0].ID)
			if err != nil || len(run.Steps) != 1 || run.Steps[0].Outcome != journal.InDoubt || run.Outcome != journal.InDoubt || !strings.Contains(string(run.Steps[0].Intent), "cartouche-") {
				t.Errorf("the journal has %+v (%v), want one step in doubt with its moves", run.Steps, err)
			}
		}
		if result := b.rotate(t.Context()); result.Outcome != rotation.Verified || !looked || begun != result.RunID {
			t.Errorf("outcome %s (%s), looked %t; told of run %q, it is %q", result.Outcome, result.Failure, looked, begun, result.RunID)
		}
	})
}
