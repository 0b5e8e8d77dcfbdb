package app

import (
	"context"
	"errors"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// carryOut runs a change of a deployment, with its lock taken, the deployment
// claimed and the journal open, and keeps the evidence of it, signed with key when
// that is not nil. One that is idle has nothing to change. report gets what came
// of it before the evidence is written.
func carryOut[R any](ctx context.Context, s *Session, state rotation.State, runner *rotation.Runner, idle bool, key *evidence.Key, change func(context.Context) (R, error), report func(R) error) error {
	a, unchanged := s.app, Serving(state)+"; nothing was changed"
	if err := ctx.Err(); err != nil {
		return WhileServing(err, unchanged, "")
	}
	unlock, err := a.Lock(state.Gateway.ID(), state.Deployment.Name)
	if err != nil {
		return WhileServing(err, unchanged, "")
	}
	defer unlock()
	memory, err := a.OpenJournal(ctx)
	if err != nil {
		return WhileServing(err, unchanged, "")
	}
	defer memory.Close()
	runner.Journal = memory
	release, err := a.takeClaim(ctx, runner, state, idle)
	if _, held := errors.AsType[*lease.HeldError](err); held {
		return whileHeld(err, state)
	} else if err != nil {
		return WhileServing(err, unchanged, "")
	}
	a.changing(CallDeployment(state.Deployment))
	result, err := change(ctx)
	a.changing("")
	release()
	a.teller().Done()
	if err != nil {
		return WhileServing(err, unchanged, "")
	}
	defer a.afterRun(ctx, memory, state, key)
	return report(result)
}

// changing tells whoever must know that a run may leave a deployment half changed.
func (a *App) changing(name string) {
	if a.Changing != nil {
		a.Changing(name)
	}
}

// Alone fails while another run works on the gateway, here or elsewhere: what was
// observed in the middle of it is no ground for a plan, and "busy" would hide who
// it is.
func (s *Session) Alone(ctx context.Context, runner *rotation.Runner, state rotation.State) error {
	unlock, err := s.app.Lock(state.Gateway.ID(), state.Deployment.Name)
	if err != nil {
		return WhileServing(err, Serving(state)+"; nothing was changed", "")
	}
	unlock()
	return whileHeld(s.app.workedOn(ctx, runner, state), state)
}

// whileHeld says what is served while somebody else works on a deployment, and
// how to get it free.
func whileHeld(err error, state rotation.State) error {
	return WhileServing(err, Serving(state)+"; nothing was changed",
		"wait for its end; if that run is not at work any more: cartouche unlock "+CallDeployment(state.Deployment))
}

// signInAgain says that whatever comes next needs a sign-in, when it was lost.
func (s *Session) signInAgain(f *Failure) {
	lost, ok := s.Credential.(interface{ Trouble() *cloud.Error })
	if !ok || f == nil {
		return
	}
	if trouble := lost.Trouble(); trouble != nil && trouble.Hint != "" {
		f.Hint = trouble.Hint + "; then: " + f.Hint
	}
}
