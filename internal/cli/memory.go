package cli

import (
	"context"
	"runtime"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/journal"
)

// openJournal opens the journal in the user's state directory.
func (a *program) openJournal(ctx context.Context) (*journal.Journal, error) {
	path, err := journal.DefaultPath(a.env.Lookup, runtime.GOOS)
	if err != nil {
		return nil, usage("set CARTOUCHE_STATE_DIR to a directory of yours", "%s", err)
	}
	return journal.Open(ctx, path)
}

// remember asks the journal something and closes it.
func remember[T any](ctx context.Context, a *program, question func(*journal.Journal) (T, error)) (T, error) {
	memory, err := a.openJournal(ctx)
	if err != nil {
		var none T
		return none, err
	}
	defer memory.Close()
	return question(memory)
}

// runs lists the runs, newest first, without their details.
func (a *program) runs(ctx context.Context) ([]journal.Run, error) {
	return remember(ctx, a, func(memory *journal.Journal) ([]journal.Run, error) { return memory.Runs(ctx, "", 0) })
}

// wholeRun is one run with everything that was written down of it.
func (a *program) wholeRun(ctx context.Context, id string) (journal.Run, error) {
	return remember(ctx, a, func(memory *journal.Journal) (journal.Run, error) { return memory.Run(ctx, id) })
}

// runsOf are the whole runs on a gateway.
func (a *program) runsOf(ctx context.Context, gatewayID string) ([]journal.Run, error) {
	return remember(ctx, a, func(memory *journal.Journal) ([]journal.Run, error) {
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
