package app

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Cleaning is what would be removed of what runs have left on a gateway.
type Cleaning struct {
	*Prepared
	// Entries go, Soaking stay for now.
	Entries []string
	Soaking []rotation.Soaking
}

// PrepareClean observes a deployment and finds what runs have left on its gateway.
func (s *Session) PrepareClean(ctx context.Context, chosen deployment.Deployment, credentials rotation.Credentials, at Looking, soak rotation.Soak) (*Cleaning, error) {
	at.When, at.Changes = Never, true
	seen, err := s.Look(ctx, chosen, credentials, at)
	if err != nil {
		return nil, err
	}
	return seen.PlanClean(ctx, soak)
}

// PlanClean finds what runs have left, by what was observed.
func (p *Prepared) PlanClean(ctx context.Context, soak rotation.Soak) (*Cleaning, error) {
	if err := p.Alone(ctx); err != nil {
		return nil, err
	}
	runs, err := p.Session.app.RunsOf(ctx, p.State.Gateway.ID())
	if err != nil {
		return nil, err
	}
	entries, soaking := soak.Part(p.State, runs, rotation.CleanPlan(p.State, runs))
	return &Cleaning{Prepared: p, Entries: entries, Soaking: soaking}, nil
}

// NothingToClean is the result when no run is needed: nothing was written and
// nothing is new.
func NothingToClean(state rotation.State, soaking []rotation.Soaking) rotation.Result {
	return rotation.Result{Outcome: rotation.NothingToDo, Deployment: state.Deployment.Name, Removed: []string{}, Soaking: soaking}
}

// Clean removes the entries.
func (c *Cleaning) Clean(ctx context.Context, key *evidence.Key, report Report) error {
	return c.carryOut(ctx, false, key, report, func(ctx context.Context) (rotation.Result, error) {
		result, err := c.Runner.Clean(ctx, c.State, c.Entries)
		result.Soaking = c.Soaking
		return result, err
	})
}
