package rollout_test

import (
	"testing"

	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

func TestAFreshAuthorityIsRolledOutUnderTrafficOneMachineAtATime(t *testing.T) {
	b := newBench(t, sim.Options{World: "ha"})
	state := b.observe()
	goal := fresh()
	plan := b.plan(state, goal)
	before := b.leaves(plan)
	stop := b.traffic()
	result, err := b.runner.Apply(t.Context(), plan, goal, state)
	stop()
	if err != nil {
		t.Fatal(err)
	}
	if result.Outcome != rotation.Verified {
		t.Fatalf("%+v", result)
	}
	for at, leaf := range b.leaves(plan) {
		if leaf == before[at] {
			t.Errorf("%s serves what it did", at)
		}
	}
	for machine, n := range b.restarts() {
		if n != 1 {
			t.Errorf("%s restarted %d times", machine, n)
		}
	}
	b.oneAtATime(state)
}
