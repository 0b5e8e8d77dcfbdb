package rollout_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// While the question was on the screen a run from elsewhere has come and gone. Its
// certificate is not replaced, and going back could not have meant it.
func TestAPlanThatAnotherRunHasOvertaken(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "single"})
		goal := fresh()
		state, plan, _ := b.ready(goal)
		_, other := b.roll(t.Context(), fresh())
		if other.Outcome != rotation.Verified {
			t.Fatalf("the other run: %+v", other)
		}
		theirs := b.leaves(plan)

		result, err := b.runner.Apply(t.Context(), plan, goal, state)
		if err != nil {
			t.Fatal(err)
		}
		if result.Outcome == rotation.Verified || result.Restarts != 0 || !strings.Contains(result.Failure, "has been given another certificate since it was looked at") {
			t.Errorf("outcome %s, %d restarts: %s", result.Outcome, result.Restarts, result.Failure)
		}
		if diff := cmp.Diff(theirs, b.leaves(plan)); diff != "" {
			t.Errorf("the other run's certificates: %s", diff)
		}
	})
}

// The same for taking a run back, which installs nothing.
func TestAnUndoThatAnotherRunHasOvertaken(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "single"})
		first, result := b.roll(t.Context(), fresh())
		run, err := b.journal.Run(t.Context(), result.RunID)
		if err != nil {
			t.Fatal(err)
		}
		state := b.observe()
		plan, err := rollout.UndoPlan(state, run, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		anew := fresh()
		anew.Anew = true
		if _, other := b.roll(t.Context(), anew); other.Outcome != rotation.Verified {
			t.Fatalf("the other run: %+v", other)
		}
		theirs := b.leaves(first)
		undone, err := b.runner.Undo(t.Context(), plan, state)
		if err != nil || undone.Outcome == rotation.Verified || undone.Restarts != 0 {
			t.Errorf("%v, outcome %s, %d restarts: %s", err, undone.Outcome, undone.Restarts, undone.Failure)
		}
		if diff := cmp.Diff(theirs, b.leaves(first)); diff != "" {
			t.Errorf("the other run's certificates: %s", diff)
		}
	})
}

// A root that nobody presented when it was looked at, and somebody does by now,
// stays trusted.
func TestARootThatSomebodyPresentsMeanwhileStays(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "single"})
		_, result := b.roll(t.Context(), fresh())
		b.takeBack(result.RunID)
		runs, err := b.journal.Runs(t.Context(), "", 0)
		if err != nil {
			t.Fatal(err)
		}
		state := b.observe()
		cleaning := rollout.CleanPlan(state, runs)
		if len(cleaning.Roots) == 0 {
			t.Fatalf("there is no root to remove: %+v", cleaning)
		}
		if _, again := b.roll(t.Context(), fresh()); again.Outcome != rotation.Verified {
			t.Fatalf("the other run: %+v", again)
		}
		before := len(b.observe().Gateway.TrustedRoots())
		cleaning.Entries = nil // those that are in use are refused by their machines
		cleaned, err := b.runner.Clean(t.Context(), cleaning, state)
		if err != nil || cleaned.Outcome != rotation.Unchanged || cleaned.GatewayWrites != 0 {
			t.Errorf("%v: %+v", err, cleaned)
		}
		if now := len(b.observe().Gateway.TrustedRoots()); now != before {
			t.Errorf("%d trusted roots, %d before", now, before)
		}
	})
}
