package app

import (
	"context"
	"path/filepath"
	"runtime"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/journal"
)

// stateDirectory is where the journal is.
func (a *App) stateDirectory() (string, error) {
	path, err := journal.DefaultPath(a.Lookup, runtime.GOOS)
	if err != nil {
		return "", Usage("set CARTOUCHE_STATE_DIR to a directory of yours", "%s", err)
	}
	return filepath.Dir(path), nil
}

// OpenJournal opens the journal in the user's state directory.
func (a *App) OpenJournal(ctx context.Context) (*journal.Journal, error) {
	path, err := journal.DefaultPath(a.Lookup, runtime.GOOS)
	if err != nil {
		return nil, Usage("set CARTOUCHE_STATE_DIR to a directory of yours", "%s", err)
	}
	return journal.Open(ctx, path)
}

// Remember asks the journal something and closes it.
func Remember[T any](ctx context.Context, a *App, question func(*journal.Journal) (T, error)) (T, error) {
	memory, err := a.OpenJournal(ctx)
	if err != nil {
		var none T
		return none, err
	}
	defer memory.Close()
	return question(memory)
}

// Runs lists the runs, newest first, without their details.
func (a *App) Runs(ctx context.Context) ([]journal.Run, error) {
	return Remember(ctx, a, func(memory *journal.Journal) ([]journal.Run, error) { return memory.Runs(ctx, "", 0) })
}

// WholeRun is one run with everything that was written down of it.
func (a *App) WholeRun(ctx context.Context, id string) (journal.Run, error) {
	return Remember(ctx, a, func(memory *journal.Journal) (journal.Run, error) { return memory.Run(ctx, id) })
}

// RunsOf are the whole runs on a gateway.
func (a *App) RunsOf(ctx context.Context, gatewayID string) ([]journal.Run, error) {
	return Remember(ctx, a, func(memory *journal.Journal) ([]journal.Run, error) {
		all, err := memory.Runs(ctx, "", 0)
		if err != nil {
			return nil, err
		}
		var own []journal.Run
		for _, run := range all {
			if !cloud.SameID(run.GatewayID, gatewayID) {
				continue
			}
			whole, err := memory.Run(ctx, run.ID)
			if err != nil {
				return nil, err
			}
			own = append(own, whole)
		}
		return own, nil
	})
}
