package rotation_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// An answer was lost, the gateway was asked and had nothing of it, everything
// was proved to be as before, and only then the write takes effect.
func TestAWriteThatTakesEffectLateIsTakenBackToo(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		old := b.served()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var late cloud.Document
		b.runner.Report = func(event rotation.Event) {
			switch {
			case event.Phase == rotation.PhaseProve && late == nil:
				late = b.get()
				cancel()
			case event.Phase == rotation.PhaseUndo && strings.Contains(event.Text, "backends up") && late != nil:
				b.put(late)
				late = nil
			}
		}

		result := b.rotate(ctx)

		if result.Outcome != rotation.Restored || result.Proof == nil || !result.Proof.OK {
			t.Errorf("outcome = %s (%v), want restored and proved", result.Outcome, result.NotRestored)
		}
		if gateway, err := cloud.ParseGateway(b.get()); err != nil || gateway.HTTPSListeners()[0].CertificateName != "frontendCert" {
			t.Errorf("the listener does not point to the old entry: %v", err)
		}
		if got := b.served(); got != old {
			t.Errorf("served = %s, want the old leaf", got)
		}
	})
}

// The same, and the run may not go back any more when it finds out: then it is not
// said that what was before is back.
func TestAWriteThatTakesEffectLateIsNotCalledRestored(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var late cloud.Document
		b.runner.Report = func(event rotation.Event) {
			switch {
			case event.Phase == rotation.PhaseProve && late == nil:
				late = b.get()
				gateway, err := cloud.ParseGateway(late)
				if err != nil {
					t.Fatal(err)
				}
				own := gateway.HTTPSListeners()[0].Name
				notYet, err := gateway.PointListeners("frontendCert", []string{own})
				if err != nil {
					t.Fatal(err)
				}
				b.put(notYet)
				b.runner.May = func(context.Context) error { return errors.New("the claim is broken") }
				cancel()
			case event.Phase == rotation.PhaseUndo && strings.Contains(event.Text, "backends up"):
				b.put(late)
			}
		}
		if result := b.rotate(ctx); result.Outcome != rotation.PartlyRestored {
			t.Errorf("outcome = %s (%s; %v), want partly restored", result.Outcome, result.Failure, result.NotRestored)
		}
	})
}

// Somebody was faster while the question was on the screen. Nothing was
// written, so nothing is to be restored, and their change is theirs.
func TestAChangeOfSomebodyElseIsNeitherUndoneNorCalledOurFailure(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		state := b.observe()
		plan := b.plan(state)
		issued := b.goal
		b.renewGoal()
		if result := b.rotate(t.Context()); result.Outcome != rotation.Verified {
			t.Fatalf("the other rotation: %s (%s)", result.Outcome, result.Failure)
		}
		theirs := b.served()

		result, err := b.runner.Apply(t.Context(), plan, issued, state)
		if err != nil {
			t.Fatal(err)
		}
		if result.Outcome != rotation.Unchanged || result.GatewayWrites != 0 || !strings.Contains(result.Failure, "neither") {
			t.Errorf("outcome = %s with %d writes (%s; %v), want unchanged", result.Outcome, result.GatewayWrites, result.Failure, result.NotRestored)
		}
		if result.After == nil || result.After.SHA256 != theirs || b.served() != theirs {
			t.Errorf("the result says that %+v is served, want their leaf %s", result.After, theirs)
		}
	})
}
