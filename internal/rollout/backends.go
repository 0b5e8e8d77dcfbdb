package rollout

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pause"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// interval is between two looks at what the gateway says.
func (r *Runner) interval() time.Duration {
	if r.Patience.Interval > 0 {
		return r.Patience.Interval
	}
	return 10 * time.Second
}

// neighboursWell waits until another machine is well on every way on which there
// is another: the last one that is well never goes down, unless it is the only
// one that there is.
func (r *run) neighboursWell(ctx context.Context, port Port) error {
	ways := waysTo(r.state.Whole(), port)
	switch {
	case !port.Restarts, port.Alone && len(ways) == 0:
		return nil
	case len(ways) == 0:
		return r.until(ctx, "another machine of "+port.Site+" is well", func() error { return r.anotherWell(ctx, port) })
	}
	return r.until(ctx, "the gateway sees another machine well beside "+port.Machine, func() error {
		servers, err := r.Rotation.BackendHealth(ctx, r.before)
		if err != nil {
			return err
		}
		for _, way := range ways {
			others, up := 0, 0
			for _, server := range on(servers, way) {
				if isMachine(server.Address, port.Host, port.Machine) {
					continue
				}
				if r.nobodys(server.Address) { // it may be this very machine's
					if port.Alone {
						continue
					}
					return r.anotherWell(ctx, port)
				}
				others++
				if server.Up() {
					up++
				}
			}
			if others > 0 && up == 0 {
				return fmt.Errorf("no other machine of pool %s is well, so %s must not restart", way.Pool, port.Machine)
			}
		}
		return nil
	})
}

// allWell waits until every backend is as well as at first: who went down
// meanwhile without our doing is a reason to let nobody else go down.
func (r *run) allWell(ctx context.Context, port Port) error {
	return r.until(ctx, "the gateway sees every machine as well as at first", func() error {
		worse, err := r.Rotation.WorseBackends(ctx, r.before)
		if err == nil && len(worse) > 0 {
			err = fmt.Errorf("%s does not restart now: %s", port.Machine, strings.Join(worse, "; "))
		}
		return err
	})
}

// nobodys tells an address of which it is not known whose it is: of a machine
// that is in its pool by its network interface, and that serves no certificate
// for its address.
func (r *run) nobodys(address string) bool {
	return net.ParseIP(address) != nil && !slices.ContainsFunc(r.state.Machines, func(m rotation.Machine) bool { return isMachine(address, m.Host, m.Name) })
}

// anotherWell asks the other machines of a role themselves, where the gateway
// does not know them by name.
func (r *run) anotherWell(ctx context.Context, port Port) error {
	for _, other := range r.state.Machines {
		same := strings.EqualFold(other.Site, port.Site) && !strings.EqualFold(other.Name, port.Machine) &&
			slices.ContainsFunc(other.Components, func(c machine.Component) bool { return c.Product == port.Product })
		if !same {
			continue
		}
		report, err := r.do(ctx, other.Name)
		if err != nil {
			continue
		}
		for _, seen := range report.Components {
			if seen.Product == port.Product && seen.Healthy {
				return nil
			}
		}
	}
	return fmt.Errorf("no other machine of site %q is well, so %s must not restart", port.Site, port.Machine)
}

// ownWell waits until the gateway sees a machine well again, on every way on
// which it did before.
func (r *run) ownWell(ctx context.Context, port Port) error {
	ways := waysTo(r.state.Whole(), port)
	if len(ways) == 0 {
		return nil
	}
	return r.until(ctx, "the gateway sees "+port.Machine+" well again", func() error {
		servers, err := r.Rotation.BackendHealth(ctx, r.before)
		if err != nil {
			return err
		}
		for _, way := range ways {
			listed := false
			for _, server := range on(servers, way) {
				own := isMachine(server.Address, port.Host, port.Machine) || r.nobodys(server.Address)
				// One that was down before need not be up now; one that was not listed
				// was out of its pool, and belongs to those that are well.
				sick := slices.ContainsFunc(on(r.before.Backends, way), func(s cloud.BackendServer) bool {
					return strings.EqualFold(s.Address, server.Address) && !s.Up()
				})
				listed = listed || own
				if own && !sick && !server.Up() {
					return fmt.Errorf("the gateway sees %s as %s: %s", port.Machine, server.Health, server.Log)
				}
			}
			if !listed && len(on(r.before.Backends, way)) > 0 {
				return fmt.Errorf("the gateway does not tell how %s is in pool %s", port.Machine, way.Pool)
			}
		}
		return nil
	})
}

// on are the servers on a way.
func on(servers []cloud.BackendServer, way cloud.Route) []cloud.BackendServer {
	return slices.DeleteFunc(slices.Clone(servers), func(s cloud.BackendServer) bool {
		return !strings.EqualFold(s.Pool, way.Pool) || s.Setting != "" && !strings.EqualFold(s.Setting, way.Setting)
	})
}

// until looks again and again until it is so, or patience ends.
func (r *run) until(ctx context.Context, what string, look func() error) error {
	began := time.Now()
	deadline := began.Add(r.Patience.withDefaults().Backends)
	for {
		err := look()
		if ctx.Err() != nil {
			return overdue(ctx, what, began)
		}
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return err
		}
		r.tellWaiting(PhaseMachines, "waiting until "+what+": "+err.Error())
		if pause.For(ctx, r.interval()) != nil {
			return overdue(ctx, what, began)
		}
	}
}

// overdueError is the end of the time that there was for going back, with what was
// waited for: a context's own error says neither.
type overdueError struct {
	what   string
	waited time.Duration
}

func (e *overdueError) Error() string {
	return fmt.Sprintf("after %s of waiting until %s, the time for it was over", e.waited, e.what)
}

func (e *overdueError) Unwrap() error { return context.DeadlineExceeded }

// overdue says why nobody waits any longer.
func overdue(ctx context.Context, what string, began time.Time) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ctx.Err()
	}
	return &overdueError{what, time.Since(began).Round(time.Second)}
}
