package rotation_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// TestFaultsInRealTime breaks a rotation in one place at a time, over real
// sockets and with impatience to match. Whatever breaks, the run ends verified, or
// restored and proved, or with nothing changed, and tells the truth about it; the
// external name never serves anything but the old or the new leaf; and running
// again finishes the job. These are a handful; internal/matrix breaks every
// request in every way, in virtual time.
func TestFaultsInRealTime(t *testing.T) {
	t.Parallel()
	faults := []string{
		"reset@gateway-get", "lost-response@gateway-put", "throttle@gateway-put*3", "failed-operation@gateway-put", "superseded@gateway-put", "changed-meanwhile@gateway-put",
		"slow@operation-poll", "unauthorized@operation-poll", "wrong-leaf@edge", "broken-chain@edge", "stale-instance@edge", "edge-reset@edge*3",
		"unavailable@portal-health", "reset@portal-token", "unavailable@federation-validate", "unavailable@federation-list", "reset@server-health", "forbidden@deny-assignments",
	}
	// A world for each of a few lanes, used again and again: making its keys is
	// what costs.
	const lanes = 3
	counts := map[rotation.Outcome]int{}
	var mu sync.Mutex
	t.Run("lanes", func(t *testing.T) {
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				world := []string{"single", "ha"}[lane/(lanes-1)] // the last lane is in the larger world
				b := newBench(t, sim.Options{World: world, Scale: 1200})
				pristine := b.get()
				for i, fault := range faults {
					if i%lanes != lane || testing.Short() && i > 5 {
						continue
					}
					t.Run(fault, func(t *testing.T) {
						b := b.within(t)
						outcome := breakOnce(t, b, fault)
						b.put(pristine)
						b.waitUntilServed(pristine)
						mu.Lock()
						defer mu.Unlock()
						counts[outcome]++
					})
				}
			})
		}
	})
	t.Logf("outcomes with one fault each: %v", counts)
}

// breakOnce rotates with the fault, holds the result against the world, and
// rotates again without it.
func breakOnce(t *testing.T, b *bench, fault string) rotation.Outcome {
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
	return result.Outcome
}
