package rotation

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pause"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

// A web server that restarts refuses connections first, and then accepts them
// and answers 503 until it is ready. The gateway tries another machine for a
// request that reached none, and passes a 503 on; its probes take 90 s to notice.
// So a machine that has others beside it is taken out of its pools before it
// restarts, and put back when it is well: two writes that no client notices.
// Package rollout does the same by what is here.

// Whole is a state whose gateway has everybody in its pools: what a plan is made
// on, since who is out returns first.
func (s State) Whole() State {
	if s.Gateway == nil || len(s.Gateway.Away()) == 0 {
		return s
	}
	document, _, err := s.Gateway.WithAway(nil)
	if err != nil {
		return s
	}
	if gateway, err := cloud.ParseGateway(document); err == nil {
		s.Gateway = gateway
	}
	return s
}

// OutOfPools says who was left out of a pool.
func (s State) OutOfPools() (found pki.Findings) {
	for _, member := range s.Gateway.Away() {
		found = append(found, pki.Finding{
			Code: "machine-out-of-pool", Severity: pki.Warning,
			Sentence: fmt.Sprintf("a run that was cut off has left %s out of pool %s: it returns first", member.Address, member.Pool),
		})
	}
	return found
}

// companions are the products that take the certificate of another one on the
// same machine, and go down with it.
var companions = map[machine.Product][]machine.Product{
	machine.Server:  {machine.GeoEvent, machine.WorkflowManager},
	machine.Mission: {machine.MissionMessages},
}

// WaysTo are the gateway's ways to a component of a machine and to its companions.
func (s State) WaysTo(at reach.Machine, c machine.Component) []cloud.Route {
	pools := map[string][]string{}
	for _, pool := range s.Pools() {
		pools[strings.ToLower(pool.Name)] = pool.Addresses
	}
	ports := []int{c.Port}
	for _, other := range s.Machines {
		for _, beside := range other.Components {
			if strings.EqualFold(other.Name, at.Name) && slices.Contains(companions[c.Product], beside.Product) {
				ports = append(ports, beside.Port)
			}
		}
	}
	var ways []cloud.Route
	for _, port := range ports {
		for _, route := range s.Gateway.Routes() {
			if route.Port == port && slices.ContainsFunc(pools[strings.ToLower(route.Pool)], func(a string) bool { return hostIs(a, at) }) {
				ways = append(ways, route)
			}
		}
	}
	return ways
}

// AwayFrom are the pools that a machine leaves while a component of it restarts:
// those that have another member. Of pools that hold network interfaces it
// leaves none: Azure keeps those at the interface.
func (s State) AwayFrom(at reach.Machine, c machine.Component) []cloud.Member {
	var list []cloud.Member
	pools := map[string]cloud.BackendPool{}
	for _, pool := range s.Gateway.Pools() {
		pools[strings.ToLower(pool.Name)] = pool
	}
	for _, way := range s.WaysTo(at, c) {
		pool := pools[strings.ToLower(way.Pool)]
		for place, address := range pool.Addresses {
			member := cloud.Member{Pool: pool.Name, Address: address, Place: place}
			if len(pool.Addresses) > 1 && hostIs(address, at) && !slices.Contains(list, member) {
				list = append(list, member)
			}
		}
	}
	return list
}

// DrainTime is how long requests under way may go on at a machine that was taken
// out of its pools: what the gateway itself is set to.
func (s State) DrainTime(at reach.Machine, c machine.Component) time.Duration {
	var longest time.Duration
	for _, way := range s.WaysTo(at, c) {
		for _, setting := range s.Gateway.Settings() {
			if strings.EqualFold(setting.Name, way.Setting) {
				longest = max(longest, setting.Drain)
			}
		}
	}
	return min(longest, 10*time.Minute)
}

// OthersAwayError says that somebody else has machines out of their pools.
type OthersAwayError struct{ Others []cloud.Member }

func (e *OthersAwayError) Error() string {
	return fmt.Sprintf("another run has taken %s out of %s since: two at once could take a role from everybody", e.Others[0].Address, Leaves(e.Others[:1]))
}

// SetAway puts back who is out of a pool because of a run, and those in mine, and
// takes out the wanted members in the run's name; while somebody else has members out, it takes none and returns
// an *OthersAwayError. The gateway's document and its ETag make sure of that, from
// whatever computers runs are made. That all return is worth more trying than
// anything else.
func (r *Runner) SetAway(ctx context.Context, phase Phase, gatewayID, run string, mine, wanted []cloud.Member) (EditResult, error) {
	chances := 0
	if len(wanted) == 0 {
		chances = secondChances
	}
	what := "whoever is out of a pool returns"
	if len(wanted) > 0 {
		what = wanted[0].Address + " leaves " + Leaves(wanted)
	}
	done, err := r.saying(what).write(ctx, phase, gatewayID, func(gateway *cloud.Gateway, _ int) (cloud.Document, error) {
		others := slices.DeleteFunc(gateway.Away(), func(m cloud.Member) bool { return m.By == run || m.In(mine) })
		if len(others) > 0 && len(wanted) > 0 {
			return nil, &OthersAwayError{others}
		}
		all := others
		for _, member := range wanted {
			member.By = run
			all = append(all, member)
		}
		document, changed, err := gateway.WithAway(all)
		if err == nil && !changed {
			return nil, ErrNothingToEdit
		}
		return document, err
	}, chances)
	if err != nil {
		err = fmt.Errorf("the gateway's pools: %w", err)
	}
	return EditResult{Gateway: done.Gateway, Writes: done.Writes, Operations: done.Operations}, err
}

// saying is a runner that tells what a write is for before what it tells of it.
func (r *Runner) saying(what string) *Runner {
	wordy := *r
	wordy.Report = func(event Event) {
		event.Text = what + ": " + event.Text
		r.report(event)
	}
	return &wordy
}

// Draining says what is waited for while a machine is out of its pools and still runs.
func Draining(machine string, members []cloud.Member, wait time.Duration) string {
	return fmt.Sprintf("%s is out of %s: requests that are under way there have %s to end", machine, Leaves(members), wait.Round(time.Second))
}

// Leaves says for people which pools somebody leaves.
func Leaves(members []cloud.Member) string {
	var names []string
	for _, member := range members {
		names = append(names, "pool "+member.Pool)
	}
	return strings.Join(names, ", ")
}

// NewOwner is a name for a run under which it takes machines out of their pools.
func NewOwner() string {
	text := rand.Text()
	return strings.ToLower(text[:8])
}

// component is the component that restarts, on its machine.
func (t Trusting) component() (reach.Machine, machine.Component) {
	return reach.Machine{Name: t.Machine, Host: t.Host}, machine.Component{Product: t.Product, Port: t.Port}
}

// Alone tells that no other machine of a machine's site has a component of the
// same product, which would carry on while this one restarts.
func (s State) Alone(at reach.Machine, product machine.Product) bool {
	return !slices.ContainsFunc(s.Machines, func(other Machine) bool {
		return !strings.EqualFold(other.Name, at.Name) && strings.EqualFold(other.Site, at.Site) &&
			slices.ContainsFunc(other.Components, func(c machine.Component) bool { return c.Product == product })
	})
}

// drained adds who leaves which pools while it restarts, and who has nobody
// beside it. DSC restarts a whole machine in its own time, as Cloud Builder lets
// it; nothing is drained there.
func drained(state State, needs []Trusting) []Trusting {
	whole := state.Whole()
	for i, need := range needs {
		if at := state.places([]string{need.Host}); need.Restarts && len(at) > 0 {
			needs[i].Alone = state.Alone(at[0], need.Product)
		}
		if need.Restarts && state.Way != reach.DSC {
			needs[i].Away = whole.AwayFrom(need.component())
		}
	}
	return needs
}

// takeOut takes the machine of a need out of its pools and lets requests that
// are under way end.
func (r *Runner) takeOut(ctx context.Context, before State, need Trusting, result *Result) error {
	if len(need.Away) == 0 {
		return nil
	}
	r.tellWaiting(PhaseTrust, fmt.Sprintf("taking %s out of %s", need.Machine, Leaves(need.Away)))
	if err := r.setAway(ctx, PhaseTrust, before, need.Away, result); err != nil {
		return err
	}
	wait := r.Patience.Drain
	if wait == 0 {
		wait = before.Whole().DrainTime(need.component())
	}
	r.tellWaiting(PhaseTrust, Draining(need.Machine, need.Away, wait))
	return pause.For(ctx, wait)
}

// putBack puts whoever is out of its pools back.
func (r *Runner) putBack(ctx context.Context, phase Phase, before State, result *Result) error {
	if len(result.out) == 0 {
		return nil
	}
	err := r.setAway(ctx, phase, before, nil, result)
	if err == nil {
		result.out = nil
	}
	return err
}

func (r *Runner) setAway(ctx context.Context, phase Phase, before State, wanted []cloud.Member, result *Result) error {
	mine := result.out
	if len(wanted) > 0 {
		result.out = wanted // even if the answer is lost
	}
	done, err := r.SetAway(ctx, phase, before.Gateway.ID(), result.by, mine, wanted)
	if others := (*OthersAwayError)(nil); errors.As(err, &others) {
		result.out = nil
	}
	result.GatewayWrites += done.Writes
	result.poolWrites += done.Writes
	result.Operations = append(result.Operations, done.Operations...)
	return err
}

// returnFirst puts those back whom a run that was cut off has left out of their
// pools, and waits until the gateway sees them well or patience ends: who needs
// them well looks again.
func (r *Runner) returnFirst(ctx context.Context, before State, result *Result) error {
	away := before.Gateway.Away()
	if len(away) == 0 {
		return nil
	}
	r.tell(PhaseTrust, "a run that was cut off has left machines out of their pools: they return first")
	result.out = away
	if err := r.putBack(ctx, PhaseTrust, before, result); err != nil {
		return err
	}
	patience := r.Patience.withDefaults()
	waiting, cancel := context.WithTimeout(ctx, patience.Proof)
	defer cancel()
	for {
		servers, err := r.BackendHealth(waiting, before)
		sick := slices.ContainsFunc(servers, func(s cloud.BackendServer) bool {
			return !s.Up() && slices.ContainsFunc(away, func(m cloud.Member) bool {
				return strings.EqualFold(m.Pool, s.Pool) && strings.EqualFold(m.Address, s.Address)
			})
		})
		if err == nil && !sick {
			return nil
		}
		r.tellWaiting(PhaseTrust, "waiting for the gateway's probes to see who returned")
		if pause.For(waiting, patience.Interval) != nil {
			return ctx.Err()
		}
	}
}
