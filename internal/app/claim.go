package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// phaseClaim is where a run claims the deployment and gives it free.
const phaseClaim rotation.Phase = "claim"

// leaveTaking bounds giving a deployment free.
const leaveTaking = 30 * time.Second

// maxStateID bounds the id of a state directory; ours has twelve letters.
const maxStateID = 64

// errIdle is why a run that planned no change makes none.
var errIdle = errors.New("this run has planned no change, so it makes none")

// ClaimsOf is where the claims on a gateway are kept.
func (a *App) ClaimsOf(runner *rotation.Runner, gatewayID string) lease.Site {
	return lease.Site{Azure: runner.Azure, GatewayID: gatewayID, Now: a.Now, Pause: a.Patience.Interval}
}

// Holder is who works here.
func (a *App) Holder() (lease.Holder, error) {
	me := lease.Holder{Who: "?", Host: "?"}
	if current, err := user.Current(); err == nil {
		me.Who = current.Username
	}
	if host, err := os.Hostname(); err == nil {
		me.Host = host
	}
	var err error
	me.State, err = a.stateID()
	return me, err
}

// stateID is the id of the user's state directory, made on first use: by it a run
// knows the claim of an earlier one that was killed here.
func (a *App) stateID() (string, error) {
	memory, err := journal.DefaultPath(a.Lookup, runtime.GOOS)
	if err != nil {
		return "", Usage("set CARTOUCHE_STATE_DIR to a directory of yours", "%s", err)
	}
	path := filepath.Join(filepath.Dir(memory), "state-id")
	for {
		data, err := ReadBounded(path, maxStateID)
		if id := strings.TrimSpace(string(data)); err == nil && id != "" && len(id) <= maxStateID {
			return id, nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", &journal.Error{Code: journal.CodeFailed, Path: path, Err: err}
		}
		if err == nil { // cut off while it was written
			_ = os.Remove(path)
		}
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err == nil {
			_, err = file.WriteString(lease.NewID() + "\n")
			err = errors.Join(err, file.Close())
		}
		if err != nil {
			return "", unwritable(path, err)
		}
	}
}

// takeClaim takes the lease for a run that changes something. The runner asks it
// before every change; released gives it back.
func (a *App) takeClaim(ctx context.Context, runner *rotation.Runner, state rotation.State, idle bool) (released func(), err error) {
	nothing := func() {}
	switch {
	case idle:
		runner.May = func(context.Context) error { return errIdle }
		return nothing, nil
	case !state.Claims:
		runner.Claimed = "none: --no-lease"
		a.warn("nothing keeps a run on another computer from changing " + state.Deployment.Name + " at the same time (--no-lease)")
		return nothing, nil
	}
	me, err := a.Holder()
	if err != nil {
		return nothing, err
	}
	runner.RunID = journal.NewRunID(a.Now(), rand.Reader)
	me.Run = runner.RunID
	a.teller().Doing(phaseClaim, "claiming "+state.Deployment.Name+", so that no other run works on it meanwhile")
	held, err := a.ClaimsOf(runner, state.Gateway.ID()).Acquire(ctx, me)
	a.teller().Done()
	switch {
	case cloud.IsForbidden(err), isRefused(err):
		return nothing, fmt.Errorf("this run cannot claim the deployment, so that no other one works on it meanwhile (--no-lease goes on without): %w", err)
	case err != nil:
		return nothing, err
	}
	for _, left := range held.TookOver {
		a.warn(fmt.Sprintf("took over the claim of a run of this computer that ended without giving it back (claim %s, since %s)", left.Run, left.Since.Local().Format("2 January 15:04")))
	}
	claim := held.Claim()
	runner.May, runner.Claimed = held.May, fmt.Sprintf("tag %s on the gateway's resource group, since %s", claim.Tag(), claim.Since.Format(time.RFC3339))
	return func() {
		runner.May = nil
		giving, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTaking)
		defer cancel()
		if err := held.Release(giving); err != nil {
			a.warn(fmt.Sprintf("the claim on %s could not be given back, and ends by itself at %s: %s",
				state.Deployment.Name, held.Claim().Until.Local().Format("15:04"), err))
		}
	}, nil
}

// isRefused tells of a tag that Azure does not take, as when the group has as many
// as it may: 50.
func isRefused(err error) bool {
	e, ok := errors.AsType[*cloud.Error](err)
	return ok && (e.Status == http.StatusBadRequest || e.Status == http.StatusConflict)
}

// workedOn fails while a run elsewhere works on the gateway. Whoever may not read
// tags is not kept away by this; claiming the deployment asks again.
func (a *App) workedOn(ctx context.Context, runner *rotation.Runner, state rotation.State) error {
	me, err := a.Holder()
	if err != nil {
		return err
	}
	err = a.ClaimsOf(runner, state.Gateway.ID()).Free(ctx, me)
	if _, held := errors.AsType[*lease.HeldError](err); held {
		return err
	}
	return nil
}

// Claims are the claims on a deployment, with whatever kept them from being read.
func (a *App) Claims(ctx context.Context, runner *rotation.Runner, state rotation.State) ([]lease.Claim, error) {
	if state.Gateway == nil {
		return nil, nil
	}
	return a.ClaimsOf(runner, state.Gateway.ID()).Claims(ctx)
}
