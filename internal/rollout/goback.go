package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// abandon goes back after a failure or Ctrl-C: what was switched returns to its
// old entry, newest first, and that is proved. It outlives ctx, because leaving
// machines half changed is no way to stop. Entries and roots that were added
// stay: nobody serves them, trust does no harm, and the next run uses them.
func (r *run) abandon(ctx context.Context) {
	r.result.Interrupted = errors.Is(ctx.Err(), context.Canceled)
	recovery, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.Patience.withDefaults().Recovery)
	defer cancel()
	defer r.end()
	r.left()
	r.mendGateway(recovery)
	if len(r.switched) == 0 {
		if err := r.putBack(recovery, rotation.PhaseUndo); err != nil {
			r.stillOut(recovery, err)
		}
		r.tell(rotation.PhaseUndo, strings.TrimRight(r.result.Failure, ".")+": no machine was switched, so none goes back")
		r.result.Outcome = rotation.Unchanged
		if len(r.result.Left)+len(r.result.NotRestored)+len(r.result.Unknown) > 0 {
			r.proveBack(recovery)
		}
		return
	}
	next := ": going back to the certificates from before, newest first"
	if r.Rotation.Permitted(recovery) != nil {
		next = ": nothing is taken back either; looking what every machine serves"
	}
	r.tell(rotation.PhaseUndo, strings.TrimRight(r.result.Failure, ".")+next)
	for _, place := range r.backwards() {
		port := r.plan.Ports[place]
		err := r.memory.step(StepUndo, port.Product.Name()+" on "+port.Machine, port.BeforeAlias, func() (any, error) {
			return r.switchBack(recovery, place)
		})
		if err != nil {
			r.tell(rotation.PhaseUndo, err.Error())
			r.notBack(recovery, place, err)
		}
	}
	if err := r.putBack(recovery, rotation.PhaseUndo); err != nil {
		r.stillOut(recovery, err)
	}
	r.proveBack(recovery)
}

// mendGateway has the gateway carry out once more what it is set to, where a write
// of this run has failed: until that is done nobody can change it, the next run
// included.
func (r *run) mendGateway(ctx context.Context) {
	if r.result.GatewayWrites == 0 {
		return
	}
	done, err := r.Rotation.EditGateway(ctx, rotation.PhaseUndo, r.plan.GatewayID, func(*cloud.Gateway) (cloud.Document, error) { return nil, rotation.ErrNothingToEdit })
	r.wrote(done)
	if err != nil {
		r.unwell(ctx)
	}
}

// switchBack makes one port serve what it did.
func (r *run) switchBack(ctx context.Context, place int) (any, error) {
	port := r.plan.Ports[place]
	switch {
	case port.How == Follows:
		return r.restartService(ctx, port)
	case port.How != ByAlias:
		report, err := r.do(ctx, port.Machine)
		if err == nil {
			r.refreshed(report, port.Machine)
			if served(report, port, port.Before) == nil {
				return nil, nil // it had not come that far
			}
		}
		return nil, fmt.Errorf("%s keeps the new certificate: its old key was replaced; everybody trusts the new one", port.called())
	case port.BeforeAlias == "" || port.Before == "":
		return nil, fmt.Errorf("%s: what it served before is not known", port.called())
	}
	if err := r.notTheirs(ctx, port); err != nil {
		return nil, err
	}
	if err := r.mayRestart(ctx, place); err != nil {
		return nil, err
	}
	r.tellWaiting(rotation.PhaseUndo, underWay(port))
	report, err := r.do(ctx, port.Machine, machine.Task{Kind: machine.Activate, Port: port.Port, Alias: port.BeforeAlias, Expect: port.Before})
	r.refreshed(report, port.Machine)
	if err == nil {
		err = served(report, port, port.Before)
	}
	if err == nil {
		err = r.putBack(ctx, rotation.PhaseUndo)
	}
	if err == nil {
		err = r.ownWell(ctx, port)
	}
	if err != nil {
		return report.Tasks, fmt.Errorf("%s is not back at its old certificate: %w", port.called(), err)
	}
	r.tell(rotation.PhaseUndo, fmt.Sprintf("%s on %s serves its old certificate and is well", port.Product.Name(), port.Machine))
	return report.Tasks, nil
}

// notTheirs looks whether somebody else has given the port another certificate
// since: that one is theirs. What cannot be looked at is gone back with.
func (r *run) notTheirs(ctx context.Context, port Port) error {
	report, err := r.do(ctx, port.Machine)
	if err != nil {
		return nil
	}
	r.refreshed(report, port.Machine)
	seen, _ := seenAt(report, port.Port)
	o := observed{Seen: seen}
	if leaf := o.leaf(); leaf != "" && leaf != port.SHA256 && leaf != port.Before && !strings.EqualFold(o.Alias, port.Alias) && !strings.EqualFold(o.Alias, port.BeforeAlias) {
		return fmt.Errorf("%s has been given another certificate since (entry %s): it is left as it is", port.called(), o.Alias)
	}
	return nil
}

// mayRestart tells whether a machine may go down for going back. One that is the
// last of its role that is well stays as it is: it serves a certificate that
// everybody trusts, and going back would take the role from everybody. A
// machine that is not well itself has nothing to lose.
func (r *run) mayRestart(ctx context.Context, place int) error {
	port := r.plan.Ports[place]
	if place == r.switched[len(r.switched)-1] && r.result.Machines[place].State != "new" {
		return nil
	}
	err := r.Rotation.Permitted(ctx)
	if err == nil {
		err = r.takeOut(ctx, rotation.PhaseUndo, port)
	}
	if err != nil {
		return fmt.Errorf("%s keeps the new certificate, which everybody trusts: %w", port.called(), err)
	}
	return nil
}

// backwards are the switched ports, newest first, but a service after the server
// whose certificate it takes.
func (r *run) backwards() []int {
	var list, services []int
	for _, place := range slices.Backward(r.switched) {
		if r.plan.Ports[place].How == Follows {
			services = append(services, place)
			continue
		}
		list = append(list, place)
		for _, service := range services {
			if r.plan.Ports[service].Machine == r.plan.Ports[place].Machine {
				list = append(list, service)
			}
		}
		services = slices.DeleteFunc(services, func(service int) bool { return slices.Contains(list, service) })
	}
	return append(list, services...)
}

// restartService lets a service take its server's certificate again.
func (r *run) restartService(ctx context.Context, port Port) (any, error) {
	report, err := r.do(ctx, port.Machine, machine.Task{Kind: machine.RestartService, Port: port.Port, Expect: port.Before})
	r.refreshed(report, port.Machine)
	if err == nil {
		err = served(report, port, port.Before)
	}
	if err != nil {
		return report.Tasks, fmt.Errorf("%s is not back at its old certificate: %w", port.called(), err)
	}
	return report.Tasks, nil
}

// proveBack proves that clients are served as before, and says how it ended.
func (r *run) proveBack(ctx context.Context) {
	if err := r.validate(ctx); err != nil && len(r.switched) > 0 {
		r.worseNow(err)
	}
	// The proof bounds its own time: it is made however long the way back took.
	proof := r.Rotation.ProveUnchanged(context.WithoutCancel(ctx), rotation.PhaseUndo, r.before)
	r.memory.evidence("proof that clients are served as before", proof)
	different, unknown := proof.Differences(r.before)
	r.result.NotRestored = append(r.result.NotRestored, different...)
	r.result.Unknown = append(r.result.Unknown, unknown...)
	switch {
	case len(r.result.NotRestored) > 0:
		r.result.Outcome = rotation.PartlyRestored
	case len(r.result.Unknown) > 0:
		r.result.Outcome = rotation.NotKnown
	case len(r.switched) > 0 || r.result.Outcome == "" || len(r.result.Left) > 0:
		r.result.Outcome = rotation.Restored
	}
}

// left says what stays of a run that went back.
func (r *run) left() {
	if r.result.GatewayWrites > 0 {
		for _, root := range r.plan.Roots {
			r.result.Left = append(r.result.Left, "the gateway trusts root "+root.Name+" beside the old one; cartouche clean removes it")
		}
	}
	if r.prepared {
		r.result.Left = append(r.result.Left, "keystores hold the unused entries "+r.plan.Alias+" and their authority; the next run uses them, cartouche clean removes them")
	}
}
