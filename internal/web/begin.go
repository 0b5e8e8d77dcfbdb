package web

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// startPrepared carries out what was prepared by other work. The run is told how
// it goes on, and what was opened for it is closed at its end.
func (s *Server) startPrepared(title, back, key string, ready *app.Prepared, act func(context.Context, app.Report) error) *work.Work {
	opened := ready.Session
	return s.startRun(newRun{
		Title: title, Gateway: ready.State.Gateway.ID(), Back: back, Key: key, State: ready.State, Network: opened.Network,
		Do: func(ctx context.Context, a *app.App, begun func(string)) error {
			defer opened.Close(context.WithoutCancel(ctx))
			ready.Session = opened.With(a.Tell)
			ready.Runner.Report, ready.Runner.Begun = a.Tell.Event, begun
			return act(ctx, func(_ rotation.Result, _ string, failure *app.Failure) error { return failedRun(failure) })
		},
	})
}

// startAtMachines does the same with what is about the certificates of machines.
func (s *Server) startAtMachines(title, back, key string, ready *app.Replacement, act func(context.Context, app.MachinesReport) error) *work.Work {
	opened := ready.Session
	return s.startRun(newRun{
		Title: title, Gateway: ready.State.Gateway.ID(), Back: back, Key: key, State: ready.State, Network: opened.Network,
		Do: func(ctx context.Context, a *app.App, begun func(string)) error {
			defer opened.Close(context.WithoutCancel(ctx))
			ready.Session = opened.With(a.Tell)
			ready.Runner.Rotation.Report, ready.Runner.Rotation.Begun = a.Tell.Event, begun
			return act(ctx, func(_ rollout.Result, _ string, failure *app.Failure) error { return failedRun(failure) })
		},
	})
}

// failedRun is the error of a run that did not reach its goal.
func failedRun(failure *app.Failure) error {
	if failure == nil {
		return nil
	}
	return failure
}
