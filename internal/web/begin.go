package web

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// startPrepared carries out what was prepared by other work.
func (s *Server) startPrepared(title, back, key string, ready *app.Prepared, act func(context.Context, app.Report) error) *work.Work {
	return s.startReady(newRun{Title: title, Back: back, Key: key, State: ready.State}, &ready.Session, ready.Runner, func(ctx context.Context, tell app.Teller) error {
		return act(ctx, func(result rotation.Result, _ string, failure *app.Failure) error {
			return endedRun(tell, result, failure)
		})
	})
}

// startAtMachines does the same with what is about the certificates of machines.
func (s *Server) startAtMachines(title, back, key string, ready *app.Replacement, act func(context.Context, app.MachinesReport) error) *work.Work {
	return s.startReady(newRun{Title: title, Back: back, Key: key, State: ready.State}, &ready.Session, ready.Runner.Rotation, func(ctx context.Context, tell app.Teller) error {
		return act(ctx, func(result rollout.Result, _ string, failure *app.Failure) error {
			return endedRun(tell, result, failure)
		})
	})
}

// startReady begins a run of what is ready with a session. The run is told how it
// goes on, and what was opened for it is closed at its end.
func (s *Server) startReady(n newRun, session **app.Session, runner *rotation.Runner, act func(context.Context, app.Teller) error) *work.Work {
	opened := *session
	n.Gateway, n.Network = n.State.Gateway.ID(), opened.Network
	n.Do = func(ctx context.Context, a *app.App, begun func(string)) error {
		defer opened.Close(context.WithoutCancel(ctx))
		*session = opened.With(a.Tell)
		runner.Report, runner.Begun = a.Tell.Event, begun
		return act(ctx, a.Tell)
	}
	return s.startRun(n)
}

// endedRun keeps what came of a run, which the journal may not be able to take, and
// is the error of one that did not reach its goal.
func endedRun(tell app.Teller, result any, failure *app.Failure) error {
	if wk, ok := tell.(*work.Work); ok {
		wk.Put(endKind, result)
	}
	if failure == nil {
		return nil
	}
	return failure
}
