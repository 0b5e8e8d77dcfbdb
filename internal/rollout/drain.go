package rollout

import (
	"context"
	"fmt"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
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
	if err := r.putBack(ctx, phase); err != nil { // nobody else may be out
		return err
	}
	if err := r.neighboursWell(ctx, port); err != nil {
		return err
	}
	if len(port.Away) == 0 {
		return nil
	}
	r.tellWaiting(phase, fmt.Sprintf("taking %s out of %s", port.Machine, rotation.Leaves(port.Away)))
	r.tookOut = true // even if the answer is lost
	if err := r.away(ctx, phase, port.Away); err != nil {
		return err
	}
	wait := r.drain(port)
	r.tellWaiting(phase, rotation.Draining(port.Machine, port.Away, wait))
	return sleep(ctx, wait)
}

// putBack puts whatever is out of its pools back.
func (r *run) putBack(ctx context.Context, phase rotation.Phase) error {
	if !r.tookOut && len(r.state.Gateway.Away()) == 0 {
		return nil
	}
	err := r.away(ctx, phase, nil)
	if err == nil {
		r.tookOut = false
	}
	return err
}

func (r *run) away(ctx context.Context, phase rotation.Phase, wanted []cloud.Member) error {
	done, err := r.Rotation.SetAway(ctx, phase, r.plan.GatewayID, wanted)
	r.wrote(done)
	return err
}

// drain is how long requests under way may go on.
func (r *run) drain(port Port) time.Duration {
	if r.Patience.Drain > 0 {
		return r.Patience.Drain
	}
	return r.before.Whole().DrainTime(port.component())
}
