package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pause"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// component is the component whose certificate changes, on its machine.
func (p Port) component() (reach.Machine, machine.Component) {
	return reach.Machine{Name: p.Machine, Host: p.Host}, machine.Component{Product: p.Product, Port: p.Port}
}

// waysTo are the gateway's ways to a port and to its companions.
func waysTo(state rotation.State, port Port) []cloud.Route { return state.WaysTo(port.component()) }

// takeOut waits until others are well, and takes a machine out of its pools.
func (r *run) takeOut(ctx context.Context, phase rotation.Phase, port Port) error {
	if !port.Restarts {
		return nil
	}
	if err := r.putBack(ctx, phase); err != nil { // none but this one may be out
		return err
	}
	if err := r.neighboursWell(ctx, port); err != nil {
		return err
	}
	if phase == PhaseMachines { // on the way back nothing waits for what is not ours
		if err := r.allWell(ctx, port); err != nil {
			return err
		}
	}
	if len(port.Away) == 0 {
		return nil
	}
	r.tellWaiting(phase, fmt.Sprintf("taking %s out of %s", port.Machine, rotation.Leaves(port.Away)))
	waited, err := r.leave(ctx, phase, port)
	if err == nil && waited {
		err = r.neighboursWell(ctx, port) // as the other run has left them
	}
	if err != nil {
		return err
	}
	wait := r.drain(port)
	r.tellWaiting(phase, rotation.Draining(port.Machine, port.Away, wait))
	return pause.For(ctx, wait)
}

// leave takes a machine out of its pools, as soon as no other run has one out.
func (r *run) leave(ctx context.Context, phase rotation.Phase, port Port) (waited bool, err error) {
	var failed error
	others := (*rotation.OthersAwayError)(nil)
	err = r.until(ctx, "no other run has a machine out of its pools", func() error {
		r.out = port.Away // even if the answer is lost
		done, err := r.Rotation.SetAway(ctx, phase, r.plan.GatewayID, r.by, nil, port.Away)
		r.wrote(done)
		if errors.As(err, &others) {
			r.out, waited = nil, true
			return err
		}
		failed = err
		return nil
	})
	return waited, cmp.Or(err, failed)
}

// putBack puts back whom this run has taken out.
func (r *run) putBack(ctx context.Context, phase rotation.Phase) error {
	if len(r.out) == 0 {
		return nil
	}
	done, err := r.Rotation.SetAway(ctx, phase, r.plan.GatewayID, r.by, r.out, nil)
	r.wrote(done)
	if err == nil {
		r.out = nil
	}
	return err
}

// drain is how long requests under way may go on.
func (r *run) drain(port Port) time.Duration {
	if r.Patience.Drain > 0 {
		return r.Patience.Drain
	}
	return r.before.Whole().DrainTime(port.component())
}
