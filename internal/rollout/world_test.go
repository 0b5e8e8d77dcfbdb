package rollout_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// serveTheirNew holds what every port serves against the plan's journal: the
// leaf that the result tells, which is none of before.
func (b *bench) serveTheirNew(result rollout.Result, before map[string]string, plan rollout.Plan) {
	b.t.Helper()
	now := b.leaves(plan)
	for i, port := range plan.Ports {
		at := portAt(port)
		if now[at] == before[at] {
			b.t.Errorf("%s serves what it did", at)
		}
		if result.Machines[i].After != now[at] || result.Machines[i].State != "new" {
			b.t.Errorf("%s serves %s, the result tells %+v", at, now[at], result.Machines[i])
		}
	}
}

func TestAFreshAuthorityIsRolledOutUnderTrafficOneMachineAtATime(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "ha"})
		goal := fresh()
		state, plan, before := b.ready(goal)
		stop := b.traffic()
		result, err := b.runner.Apply(t.Context(), plan, goal, state)
		stop()
		if err != nil || result.Outcome != rotation.Verified {
			t.Fatalf("%v %+v", err, result)
		}
		b.serveTheirNew(result, before, plan)
		if restarts := b.restarts(); len(restarts) != 7 || result.Restarts != 7 {
			t.Errorf("restarts: %v, told %d", restarts, result.Restarts)
		}
		for machine, n := range b.restarts() {
			if n != 1 {
				t.Errorf("%s restarted %d times", machine, n)
			}
		}
		b.oneAtATime(state)
		after := b.observe()
		aliases := map[string]bool{}
		for _, at := range after.Machines {
			if at.Report == nil {
				continue // a file server
			}
			for _, c := range at.Report.Components {
				if c.HasKeystore() {
					aliases[strings.ToLower(c.Alias)] = true
				}
			}
		}
		if diff := cmp.Diff(map[string]bool{plan.Alias: true}, aliases); diff != "" {
			t.Errorf("active aliases: %s", diff)
		}
		if len(after.Gateway.Away()) != 0 {
			t.Errorf("machines are out of their pools: %v", after.Gateway.Away())
		}
	})
}

func TestUndoneTakenUpAgainAndCleaned(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "single"})
		first := b.plan(b.observe(), fresh())
		before := b.leaves(first)
		plan, result := b.roll(t.Context(), fresh())
		if result.Outcome != rotation.Verified {
			t.Fatalf("%+v", result)
		}
		b.serveTheirNew(result, before, plan)
		if len(plan.Downtime) == 0 {
			t.Error("the plan does not say that nobody can use the one machine meanwhile")
		}

		_, undone := b.takeBack(result.RunID)
		if undone.Outcome != rotation.Verified {
			t.Fatalf("%+v", undone)
		}
		if diff := cmp.Diff(before, b.leaves(plan)); diff != "" {
			t.Errorf("after undo: %s", diff)
		}
		if _, again := b.takeBack(result.RunID); again.Outcome != rotation.NothingToDo || again.Restarts != 0 {
			t.Errorf("a second undo: %+v", again)
		}

		// An undo is a run, and taken back like one.
		_, forth := b.takeBack(undone.RunID)
		if forth.Outcome != rotation.Verified || forth.UndoOf != undone.RunID {
			t.Fatalf("undo of the undo: %+v", forth)
		}
		b.serveTheirNew(result, before, plan)
		if _, back := b.takeBack(result.RunID); back.Outcome != rotation.Verified || back.UndoOf != result.RunID {
			t.Fatalf("and back: %+v", back)
		}

		// The keys are still on the machine: nothing is issued again.
		resumed, result := b.roll(t.Context(), fresh())
		if !resumed.Resumed || resumed.Alias != plan.Alias || len(resumed.Roots)+len(resumed.Trusts) != 0 || result.Outcome != rotation.Verified {
			t.Fatalf("resumed %t as %s: %+v", resumed.Resumed, resumed.Alias, result)
		}
		b.serveTheirNew(result, before, resumed)

		cleaning, cleaned := b.clean()
		if cleaned.Outcome != rotation.Cleaned || len(cleaning.Entries) == 0 || len(cleaning.Roots) == 0 {
			t.Fatalf("%+v\n%+v", cleaning, cleaned)
		}
		if rest, _ := b.clean(); !rest.Nothing() {
			t.Errorf("there is more to clean: %+v", rest)
		}
		if now := b.observe(); len(now.Gateway.TrustedRoots()) != 1 {
			t.Errorf("%d trusted roots are left", len(now.Gateway.TrustedRoots()))
		}
	})
}
