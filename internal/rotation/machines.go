package rotation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

// Machine is a machine of the deployment as it was seen from inside.
type Machine struct {
	reach.Machine
	// Report is what was seen there, nil when it could not be reached.
	Report *machine.Report `json:"report,omitempty"`
	// Trouble says why there is no report, or why it tells nothing.
	Trouble string `json:"trouble,omitempty"`
	// Mend says what to do about it, "" when nothing better is known than to
	// try again.
	Mend string `json:"mend,omitempty"`
}

// maxAtOnce is how many machines are looked at side by side: Azure takes
// changes of many machines, but a person's rights have request limits.
const maxAtOnce = 16

// ObserveMachines looks at every machine of the state's deployment by the
// runner's way, side by side. It changes nothing; what cannot be looked at says
// why. Without a way there are none.
func (r *Runner) ObserveMachines(ctx context.Context, state State) []Machine {
	if r.Way == nil {
		return nil
	}
	places := machinesOf(state.Deployment, state.Gateway)
	machines := make([]Machine, len(places))
	looked := make(chan reach.Machine, len(places))
	var group errgroup.Group
	group.SetLimit(maxAtOnce)
	go func() {
		for i, place := range places {
			group.Go(func() error {
				machines[i] = r.observeMachine(ctx, state, place)
				looked <- place
				return nil
			})
		}
		_ = group.Wait() // troubles are in the machines
		close(looked)
	}()
	r.tellAwaited(places, looked)
	return machines
}

// tellAwaited tells which machines are still waited for, at once and whenever one
// was looked at, until all were: Run Command takes its time at each.
func (r *Runner) tellAwaited(places []reach.Machine, looked <-chan reach.Machine) {
	var names []string
	for _, place := range places {
		if len(place.Components) > 0 {
			names = append(names, place.Name)
		}
	}
	all := len(names)
	tell := func() {
		if len(names) > 0 {
			r.tellWaiting(PhaseObserve, fmt.Sprintf("%d of %d machines looked at; waiting for %s", all-len(names), all, someOf(names)))
		}
	}
	tell()
	for place := range looked {
		if i := slices.Index(names, place.Name); i >= 0 {
			names = slices.Delete(names, i, i+1)
			tell()
		}
	}
}

// someOf are the first names of a list, and how many more there are.
func someOf(names []string) string {
	const few = 3
	if len(names) <= few+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}

func (r *Runner) observeMachine(ctx context.Context, state State, place reach.Machine) Machine {
	seen := Machine{Machine: place}
	switch {
	case len(place.Components) == 0:
		return seen // a file server has nothing to look at
	case place.Off != "":
		seen.Trouble = place.Off
		return seen
	case r.Way.Kind() == reach.DSC:
		seen.Trouble = "the way dsc changes machines and cannot look at them"
		return seen
	}
	report, err := r.Way.Do(ctx, place, r.Job(state, place))
	if err != nil {
		seen.Trouble = trouble(err)
		if e, ok := errors.AsType[*reach.Error](err); ok {
			seen.Trouble, seen.Mend = strings.TrimRight(e.Sentence, "."), e.Mend // whoever tells it names the machine
			if e.Code == reach.MachineOff {
				seen.Off = seen.Trouble
			}
		}
		return seen
	}
	seen.Report, seen.Trouble = &report, report.Trouble
	return seen
}

// Job is a job without tasks for a machine of the state: what it may send a
// password to, and the login to send.
//
// The gateway sends users' passwords to whatever its trusted roots accept, so
// what they accept at a machine is good enough for the administrator's. A
// trusted root that is itself a machine's self-signed certificate, as Cloud
// Builder makes them, is pinned: it need not name the machine. So is what the
// caller names beside them. Where the gateway reaches a machine by its network
// interface, a certificate for an address at which it does is as good as one
// for the name: Esri's Terraform modules issue them so. The health of the
// backends does not say whose an address is, so that of any will do.
// Source: Esri/arcgis-gitops, azure/modules/backend_cert.
func (r *Runner) Job(state State, at reach.Machine) machine.Job {
	job := machine.Job{
		Format:     machine.Format,
		Host:       at.Host,
		Components: at.Components,
		Admin:      r.Credentials.SiteAdmin,
		Password:   r.Credentials.SiteAdminPassword,
		Pins:       state.leaves(),
	}
	if state.Gateway != nil {
		for _, root := range state.Gateway.TrustedRoots() {
			for _, certificate := range root.Chain {
				job.Pins = append(job.Pins, pki.Fingerprint(certificate))
				job.Roots = append(job.Roots, certificate.Raw)
			}
		}
	}
	for _, root := range r.MachineRoots {
		job.Pins = append(job.Pins, pki.Fingerprint(root))
		job.Roots = append(job.Roots, root.Raw)
	}
	if state.Gateway != nil && state.byInterface(at) {
		job.Names = state.addresses
	}
	slices.Sort(job.Pins)
	job.Pins = slices.Compact(job.Pins)
	return job
}

// Places are the machines of the state's deployment, whether they were looked
// at or not.
func (s State) Places() []reach.Machine { return machinesOf(s.Deployment, s.Gateway) }

// machinesOf are the machines of a deployment with what listens on each.
func machinesOf(d deployment.Deployment, gateway *cloud.Gateway) []reach.Machine {
	return reach.Machines(d, gateway)
}

// wayRights are what Azure must permit for a way to work: all of always, and
// all of one of the lists of oneOf.
type wayRights struct {
	always []cloud.Need
	oneOf  [][]cloud.Need
}

// needsOf are the rights that a way takes to get to machines; direct takes none.
func needsOf(way reach.Way, machines []reach.Machine) wayRights {
	var rights wayRights
	machines = slices.DeleteFunc(slices.Clone(machines), func(m reach.Machine) bool { return len(m.Components) == 0 })
	if asks, ok := way.(interface {
		Needs(machines []reach.Machine) []cloud.Need
	}); ok {
		rights.always = asks.Needs(machines)
	}
	if asks, ok := way.(interface{ StorageNeeds() [][]cloud.Need }); ok && len(machines) > 0 {
		rights.oneOf = asks.StorageNeeds()
	}
	return rights
}

// all are the rights of every alternative.
func (w wayRights) all() []cloud.Need {
	return slices.Concat(append([][]cloud.Need{w.always}, w.oneOf...)...)
}

// placesOfRights are the resources at which rights are needed.
func placesOfRights(rights wayRights) []string {
	var list []Operation
	for _, need := range rights.all() {
		list = append(list, Operation{Scope: need.Scope})
	}
	return scopesOf(list)
}

// settled are the rights that are asked for: of alternatives the first that the
// caller has wholly, else the last, which is the smallest to grant.
func settled(rights wayRights, access Access) []cloud.Need {
	for i, alternative := range rights.oneOf {
		has := i == len(rights.oneOf)-1 || !slices.ContainsFunc(alternative, func(n cloud.Need) bool {
			place, asked := access.at(n.Scope)
			byRole, _ := lacking(place, []Operation{{Action: n.Action, Data: n.Data, Scope: n.Scope}}, access.Caller)
			return !asked || len(byRole) > 0
		})
		if has {
			return slices.Concat(rights.always, alternative)
		}
	}
	return rights.always
}

// WayOperations are what Azure must permit for a step that gets to machines of
// the state by its way. Without machines it is for all of them.
func (s State) WayOperations(step StepKind, machines ...reach.Machine) []Operation {
	var list []Operation
	for _, need := range s.WayNeeds {
		of := func(id string) bool { return cloud.SameID(id, need.Scope) }
		elsewhere := slices.ContainsFunc(s.Machines, func(m Machine) bool { return of(m.ID) }) &&
			!slices.ContainsFunc(machines, func(m reach.Machine) bool { return of(m.ID) })
		if len(machines) > 0 && elsewhere {
			continue
		}
		list = append(list, Operation{Action: need.Action, Data: need.Data, Scope: need.Scope, Step: step})
	}
	return list
}

// places are the machines of hosts.
func (s State) places(hosts []string) []reach.Machine {
	var list []reach.Machine
	for _, m := range s.Machines {
		if slices.Contains(hosts, m.Host) {
			list = append(list, m.Machine)
		}
	}
	return list
}
