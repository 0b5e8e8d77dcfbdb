package rotation_test

import (
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// TestFaults breaks a rotation in one place at a time. Whatever breaks, the run
// ends verified, or restored and proved, or with nothing changed, and tells the
// truth about it; the external name never serves anything but the old or the new
// leaf; and running again finishes the job. These are a handful;
// internal/matrix breaks every request in every way.
func TestFaults(t *testing.T) {
	t.Parallel()
	for fault, world := range map[string]string{
		"reset@gateway-get": "single", "lost-response@gateway-put": "single", "throttle@gateway-put*3": "ha",
		"failed-operation@gateway-put": "single", "superseded@gateway-put": "single", "changed-meanwhile@gateway-put": "ha",
		"slow@operation-poll": "single", "unauthorized@operation-poll": "single", "wrong-leaf@edge": "ha",
		"broken-chain@edge": "single", "stale-instance@edge": "single", "edge-reset@edge*3": "ha",
		"unavailable@portal-health": "single", "reset@portal-token": "single", "unavailable@federation-validate": "ha",
		"unavailable@federation-list": "single", "reset@server-health": "single", "forbidden@deny-assignments": "ha",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			worldtest.InBubble(t, func(t *testing.T) { breakOnce(t, newBench(t, sim.Options{World: world}), fault) })
		})
	}
}

// The same over real sockets, in real time and with impatience to match: what a
// world in memory might have missed of them. They run alone: bubbles beside them
// take all the time that there is.
func TestFaultsInRealTime(t *testing.T) {
	for _, fault := range []string{"lost-response@gateway-put", "wrong-leaf@edge", "reset@server-health"} {
		t.Run(fault, func(t *testing.T) {
			breakOnce(t, newBench(t, sim.Options{World: "single", Scale: 600}), fault)
		})
	}
}

// breakOnce rotates with the fault, holds the result against the world, and
// rotates again without it.
func breakOnce(t *testing.T, b *bench, fault string) {
	t.Helper()
	old, renewed := b.served(), pki.Fingerprint(b.goal.Bundle.Leaf)
	observer := b.watch()
	state := b.observe()
	plan := b.plan(state)
	b.fault(fault)
	result, err := b.runner.Apply(t.Context(), plan, b.goal, state)
	if err != nil {
		t.Fatal(err)
	}
	b.world.Ground().Faults.Clear()
	allowed := []string{old, renewed}
	if strings.HasPrefix(fault, "wrong-leaf@") {
		observer.stop() // the fault itself is that something else is served
	} else if strings.HasPrefix(fault, "edge-reset@") {
		observer.stop() // the fault strikes the observer too
	} else {
		observer.onlyServed(t, allowed...)
	}

	want := map[rotation.Outcome]string{rotation.Verified: renewed, rotation.Restored: old, rotation.Unchanged: old}[result.Outcome]
	if want == "" {
		t.Fatalf("outcome = %s (%s; %v)", result.Outcome, result.Failure, result.NotRestored)
	}
	if got := b.served(); got != want {
		t.Errorf("outcome = %s, but %s is served, want %s", result.Outcome, got, want)
	}
	if result.Outcome != rotation.Unchanged && (result.Proof == nil || !result.Proof.OK) {
		t.Errorf("outcome = %s without proof", result.Outcome)
	}
	if result.Outcome != rotation.Verified && result.Failure == "" {
		t.Errorf("outcome = %s without a reason", result.Outcome)
	}

	again := b.rotate(t.Context())
	if again.Outcome != rotation.Verified && again.Outcome != rotation.NothingToDo {
		t.Errorf("running again: %s (%s; %v)", again.Outcome, again.Failure, again.NotRestored)
	}
	if got := b.served(); got != renewed {
		t.Errorf("after running again %s is served, want the new leaf", got)
	}
}
