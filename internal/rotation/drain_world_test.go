package rotation_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// errKilled stands for a process that dies: nothing after it is done.
var errKilled = errors.New("killed")

// A process that is killed leaves a machine out of its pool. The next run puts it
// back before anything else, whatever it is about.
func TestAMachineThatWasLeftOutOfItsPoolReturnsFirst(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "ha"}).inside()
		public := b.goal
		b.neverSeen()
		state := b.observe()
		plan := b.plan(state)
		func() {
			defer func() {
				if died := recover(); died != errKilled {
					t.Errorf("it did not die as it should: %v", died)
				}
			}()
			b.runner.Report = func(event rotation.Event) {
				if event.Phase == rotation.PhaseTrust && strings.Contains(event.Text, "the gateway took the change") {
					panic(errKilled)
				}
			}
			_, _ = b.runner.Apply(t.Context(), plan, b.goal, state)
		}()
		b.runner.Report = nil
		cut := b.observe()
		for range 200 { // the write that the dead process has sent is carried out all the same
			if len(cut.Gateway.Away()) == 1 && cut.Gateway.ProvisioningState() == "Succeeded" {
				break
			}
			time.Sleep(b.pace)
			cut = b.observe()
		}

		b.goal = public // a renewal that needs no restart
		renewal := b.plan(cut)
		if !renewal.Obstacles.Has("machine-out-of-pool") || len(renewal.Returns) != 1 {
			t.Fatalf("returns %v, obstacles %v", renewal.Returns, renewal.Obstacles)
		}
		result, err := b.runner.Apply(t.Context(), renewal, b.goal, cut)
		if err != nil || result.Outcome != rotation.Verified || result.GatewayWrites != 2 {
			t.Fatalf("outcome = %s with %d writes (%s), %v", result.Outcome, result.GatewayWrites, result.Failure, err)
		}
		b.allInTheirPools(state)
	})
}

// Ctrl-C while the requests under way end at a machine that is out: it returns.
func TestCtrlCWhileAMachineIsOutOfItsPool(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "ha"}).inside().neverSeen()
		b.runner.Patience.Drain = time.Minute
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		before := b.observe()
		b.runner.Report = func(event rotation.Event) {
			if event.Phase == rotation.PhaseTrust && strings.Contains(event.Text, "requests that are under way there have 1m0s to end") {
				cancel()
			}
		}
		result := b.rotate(ctx)
		if result.Outcome != rotation.Restored || !result.Interrupted || result.Restarts != 0 || result.GatewayWrites != 2 {
			t.Errorf("outcome = %s, %d restarts, %d writes (%s; %v)", result.Outcome, result.Restarts, result.GatewayWrites, result.Failure, result.NotRestored)
		}
		b.allInTheirPools(before)
	})
}

// A gateway that cannot be written for a moment does not leave a machine out.
func TestPuttingAMachineBackIsTriedAgain(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "ha"}).inside().neverSeen()
		before := b.observe()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		b.runner.Report = func(event rotation.Event) {
			if event.Phase == rotation.PhaseTrust && strings.Contains(event.Text, "the gateway took the change") {
				b.runner.Report = nil
				b.fault("failed-operation@gateway-put")
				cancel()
			}
		}
		if result := b.rotate(ctx); result.Outcome != rotation.Restored {
			t.Errorf("outcome = %s (%s; %v)", result.Outcome, result.Failure, result.NotRestored)
		}
		b.allInTheirPools(before)
	})
}

func (b *bench) allInTheirPools(before rotation.State) {
	b.t.Helper()
	if now := b.observe().Gateway; len(now.Away()) > 0 || !cmp.Equal(now.Pools(), before.Gateway.Pools()) {
		b.t.Errorf("the pools are %v, and were %v", now.Pools(), before.Gateway.Pools())
	}
}
