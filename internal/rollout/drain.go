package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// A web server that restarts refuses connections first, and then accepts them
// and answers 503 until it is ready. The gateway tries another machine for a
// request that reached none, and passes a 503 on; its probes take 90 s to notice.
// So a machine that has others beside it is taken out of its pools before it
// restarts, and put back when it is well: two writes that no client notices.

// whole is a state whose gateway has everybody in its pools: what a plan is made
// on, since who is out returns first.
func whole(state rotation.State) rotation.State {
	if state.Gateway == nil || len(state.Gateway.Away()) == 0 {
		return state
	}
	document, _, err := state.Gateway.WithAway(nil)
	if err != nil {
		return state
	}
	if gateway, err := cloud.ParseGateway(document); err == nil {
		state.Gateway = gateway
	}
	return state
}

// outOfPools says who is out of a pool.
func outOfPools(state rotation.State) (found pki.Findings) {
	for _, member := range state.Gateway.Away() {
		found = append(found, pki.Finding{
			Code: "machine-out-of-pool", Severity: pki.Warning,
			Sentence: fmt.Sprintf("a run that was cut off has left %s out of pool %s: it returns first", member.Address, member.Pool),
		})
	}
	return found
}

// awayFrom are the pools that a machine leaves: those that have another member.
func awayFrom(state rotation.State, port Port) []cloud.Member {
	var list []cloud.Member
	pools := map[string]cloud.BackendPool{}
	for _, pool := range state.Gateway.Pools() {
		pools[strings.ToLower(pool.Name)] = pool
	}
	for _, way := range waysTo(state, port) {
		pool := pools[strings.ToLower(way.Pool)]
		for place, address := range pool.Addresses {
			member := cloud.Member{Pool: pool.Name, Address: address, Place: place}
			if len(pool.Addresses) > 1 && isMachine(address, port.Host, port.Machine) && !slices.Contains(list, member) {
				list = append(list, member)
			}
		}
	}
	return list
}

func poolNames(port Port) []string {
	var names []string
	for _, member := range port.Away {
		names = append(names, "pool "+member.Pool)
	}
	return names
}

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
	r.tellWaiting(phase, fmt.Sprintf("taking %s out of %s", port.Machine, strings.Join(poolNames(port), ", ")))
	r.tookOut = true // even if the answer is lost
	if err := r.away(ctx, phase, port.Away); err != nil {
		return err
	}
	return sleep(ctx, r.drain(port))
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
	done, err := r.Rotation.EditGateway(ctx, phase, r.plan.GatewayID, func(gateway *cloud.Gateway) (cloud.Document, error) {
		document, changed, err := gateway.WithAway(wanted)
		if err == nil && !changed {
			return nil, rotation.ErrNothingToEdit
		}
		return document, err
	})
	r.wrote(done)
	if err != nil {
		return fmt.Errorf("the gateway's pools: %w", err)
	}
	return nil
}

// drain is how long requests under way may go on.
func (r *run) drain(port Port) time.Duration {
	if r.Patience.Drain > 0 {
		return r.Patience.Drain
	}
	var longest time.Duration
	for _, way := range waysTo(r.before, port) {
		for _, setting := range r.state.Gateway.Settings() {
			if strings.EqualFold(setting.Name, way.Setting) {
				longest = max(longest, setting.Drain)
			}
		}
	}
	return min(longest, 10*time.Minute)
}
