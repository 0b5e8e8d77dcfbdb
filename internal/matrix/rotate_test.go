package matrix_test

import (
	"context"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// A rotation of minutes, with the patience for production, in no time.
func TestAWholeRotationInVirtualTime(t *testing.T) {
	t.Parallel()
	began := time.Now()
	inBubble(t, func(t *testing.T) {
		s := newScene(t, sim.Options{World: "single"})
		p := s.process()
		goal := s.fileGoal(p)
		old, from := s.served(), time.Now()
		result, err := p.rotate(t.Context(), p.runner(), goal)
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(from)
		if result.Outcome != rotation.Verified || s.served() == old || s.world.Ground().Ledger.Count(ground.GatewayWrite) != 1 {
			t.Errorf("outcome %s (%s)", result.Outcome, result.Failure)
		}
		if took < time.Minute || took > 10*time.Minute {
			t.Errorf("it took %s of the world's time, want minutes", took)
		}
	})
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %s of ours", took)
	}
}

// A killed process neither speaks nor writes any more, and another one finishes.
func TestAKilledProcessIsSilent(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		s := newScene(t, sim.Options{World: "single"})
		p := s.process()
		goal := s.fileGoal(p)
		runner := p.runner()
		runner.Report = func(event rotation.Event) {
			if event.Phase == rotation.PhaseSwitch && event.Waiting {
				p.kill()
			}
		}
		began := time.Now()
		if result, err := p.rotate(t.Context(), runner, goal); err == nil && result.Outcome == rotation.Verified {
			t.Errorf("a killed process came to a good end: %s", result.Outcome)
		}
		writes := s.world.Ground().Ledger.Count(ground.GatewayWrite)
		s.settled()
		if time.Since(began) < time.Minute || writes > 1 {
			t.Errorf("%d writes in %s", writes, time.Since(began))
		}
		next := s.process()
		runs, err := next.journal.Runs(t.Context(), s.found.ID, 5)
		if err != nil || len(runs) != 1 || !runs[0].FinishedAt.IsZero() {
			t.Fatalf("runs %+v, %v; want one without an end", runs, err)
		}
		result, err := next.rotate(t.Context(), next.runner(), goal)
		if err != nil || result.Outcome != rotation.Verified && result.Outcome != rotation.NothingToDo {
			t.Errorf("the next one: %s (%s), %v", result.Outcome, result.Failure, err)
		}
		if _, err := p.journal.Runs(t.Context(), s.found.ID, 5); err == nil {
			t.Error("the dead process still has its journal")
		}
	})
}

// fileGoal is the renewed certificate from its PFX file.
func (s *scene) fileGoal(p *process) rotation.Goal {
	s.t.Helper()
	_, pfx, password := s.world.NewCertificate()
	bundle, err := pki.ReadPFX(pfx, secret.New(password))
	if err != nil {
		s.t.Fatal(err)
	}
	return rotation.Goal{Bundle: bundle, Roots: pki.MozillaRoots().With(p.network.NamedRoots()...), Now: time.Now(), File: "new.pfx"}
}

// rotate observes, resolves, plans and applies, as the command does.
func (p *process) rotate(ctx context.Context, runner *rotation.Runner, goal rotation.Goal) (rotation.Result, error) {
	state, err := runner.Observe(ctx, p.scene.found, rotation.Asked{Certificate: goal.Vault, Identity: goal.Identity, Claim: p.holder.State != ""})
	if err != nil {
		return rotation.Result{}, err
	}
	goal, err = runner.Resolve(ctx, state, goal, func(bundle *pki.Bundle) *pki.Bundle {
		completed, _ := pki.Complete(ctx, bundle, pki.AIA{Transport: p.network.Transport(), Roots: goal.Roots})
		return completed
	})
	if err != nil {
		return rotation.Result{}, err
	}
	plan, err := rotation.NewPlan(state, goal)
	if err != nil {
		return rotation.Result{}, err
	}
	release, err := p.claim(ctx, runner)
	if err != nil {
		return rotation.Result{}, err
	}
	defer release()
	return runner.Apply(ctx, plan, goal, state)
}
