package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Apply carries a plan out on the state that it was made for, proves each
// machine before the next, and goes back when that fails or ctx ends. The
// Result always tells what is served; the error is only for what kept the run
// from starting (nothing was changed).
func (r *Runner) Apply(ctx context.Context, plan Plan, goal Goal, before rotation.State) (Result, error) {
	if plan.Source == Back {
		return Result{}, errors.New("apply: this plan takes a run back")
	}
	if err := plan.startable(before); err != nil {
		return Result{}, err
	}
	hand, err := take(plan, goal)
	if err != nil {
		return Result{}, err
	}
	return r.carryOut(ctx, hand, before)
}

// startable tells why a plan must not be begun.
func (p Plan) startable(before rotation.State) error {
	if err := p.Ready(); err != nil {
		return err
	}
	return p.MovedSince(before)
}

// carryOut does the steps of a plan, one after the other.
func (r *Runner) carryOut(ctx context.Context, hand inHand, before rotation.State) (Result, error) {
	run := r.newRun(hand, before)
	kept := remembered{
		Kind: PlanKind, Source: hand.plan.Source, Alias: hand.plan.Alias, Ports: hand.plan.Ports, Roots: hand.plan.Roots,
		OldRoots: rootsBeside(before, hand.plan),
	}
	var err error
	if run.memory, err = r.begin(ctx, hand.plan, kept, before); err != nil {
		return Result{}, err
	}
	run.result.RunID, run.result.UndoOf = run.memory.runID, hand.plan.UndoOf
	for _, step := range []func(context.Context) error{run.roots, run.prepare, run.switchAll, run.prove} {
		if err = step(ctx); err != nil {
			break
		}
		if err = ctx.Err(); err != nil {
			break
		}
	}
	if err != nil {
		run.failed(err)
		run.abandon(ctx)
		return run.result, nil
	}
	run.result.Outcome = rotation.Verified
	if hand.plan.NothingToDo() && run.result.GatewayWrites == 0 {
		run.result.Outcome = rotation.NothingToDo
	}
	run.end()
	return run.result, nil
}

// rootsBeside are the roots that the settings of a plan trust already.
func rootsBeside(state rotation.State, plan Plan) []string {
	var names []string
	for _, port := range plan.Ports {
		for _, way := range waysTo(state, port) {
			for _, setting := range state.Gateway.Settings() {
				if !strings.EqualFold(setting.Name, way.Setting) {
					continue
				}
				for _, root := range setting.Roots {
					if !slices.Contains(names, root) {
						names = append(names, root)
					}
				}
			}
		}
	}
	return names
}

// roots makes the gateway trust the new roots beside the old ones.
func (r *run) roots(ctx context.Context) error {
	if len(r.out) > 0 {
		r.tell(PhaseRoots, "a run that was cut off has left machines out of their pools: they return first")
		if err := r.putBack(ctx, PhaseRoots); err != nil {
			return err
		}
	}
	if len(r.plan.Roots) == 0 {
		return nil
	}
	r.tell(PhaseRoots, "writing to the gateway: it trusts the new root beside the old one")
	err := r.memory.step(StepRoots, "trust the new root at the gateway", r.plan.Roots, func() (any, error) {
		done, err := r.Rotation.EditGateway(ctx, PhaseRoots, r.plan.GatewayID, withRoots(r.plan.Roots))
		r.wrote(done)
		return done.Operations, err
	})
	if err == nil {
		r.tell(PhaseRoots, "the gateway trusts the new root")
	}
	return err
}

func (r *run) wrote(done rotation.EditResult) {
	r.result.GatewayWrites += done.Writes
	r.result.Operations = append(r.result.Operations, done.Operations...)
	if done.Gateway != nil {
		r.state.Gateway = done.Gateway
	}
}

// withRoots is the edit that adds roots where they are missing.
func withRoots(roots []Root) func(*cloud.Gateway) (cloud.Document, error) {
	return func(gateway *cloud.Gateway) (cloud.Document, error) {
		var document cloud.Document
		for _, root := range roots {
			if trustsIn(gateway, root) {
				continue
			}
			certificate, err := parse(root.Data)
			if err != nil {
				return nil, fmt.Errorf("trusted root %s: %w", root.Name, err)
			}
			if document, err = gateway.WithTrustedRoot(root.Name, certificate, root.Settings); err != nil {
				return nil, err
			}
			if gateway, err = cloud.ParseGateway(document); err != nil {
				return nil, err
			}
		}
		if document == nil {
			return nil, rotation.ErrNothingToEdit
		}
		return document, nil
	}
}

// trustsIn tells whether a root is there and in each of its settings.
func trustsIn(gateway *cloud.Gateway, root Root) bool {
	there, exists := gateway.TrustedRoot(root.Name)
	if !exists || len(there.Chain) != 1 || !slices.Equal(there.Chain[0].Raw, root.Data) {
		return false
	}
	settings := gateway.Settings()
	for _, wanted := range root.Settings {
		if !slices.ContainsFunc(settings, func(s cloud.BackendSetting) bool {
			return strings.EqualFold(s.Name, wanted) && slices.ContainsFunc(s.Roots, func(name string) bool { return strings.EqualFold(name, root.Name) })
		}) {
			return false
		}
	}
	return true
}

// atOnce is how many machines are prepared side by side: Azure takes changes of
// many machines, but a person's requests are counted.
const atOnce = 8

// prepare makes every keystore trust the authorities and installs the new
// entries, on all machines side by side. Nothing that is served changes.
func (r *run) prepare(ctx context.Context) error {
	work, err := r.preparations()
	if err != nil {
		return err
	}
	r.prepared = len(r.plan.Trusts) > 0 || slices.ContainsFunc(r.plan.Ports, func(p Port) bool { return p.How == ByAlias && !p.Installed && !p.Served })
	if r.prepared {
		r.tell(PhasePrepare, fmt.Sprintf("%s: trusting the authority and installing what is new, side by side; nothing restarts", machines(len(work))))
	}
	return r.memory.step(StepPrepare, "trust the authority and install the new certificates", intents(work), func() (any, error) {
		var results []machine.TaskResult
		var first error
		for _, one := range r.sideBySide(ctx, PhasePrepare, work) {
			if failed := one.report.Failed(); failed != nil && validates(failed.Kind) {
				// How it was before is not known, so nothing is compared; nothing else was in the way.
				r.tell(PhasePrepare, fmt.Sprintf("%s could not be answered at %s, so it is not compared later: %s", failed.Kind, one.machine, failed.Detail))
				one.err = nil
			}
			r.baseline.add(one.report)
			results = append(results, one.report.Tasks...)
			if one.err == nil {
				r.refreshed(one.report, one.machine)
				one.err = cmp.Or(r.gone(one.report, one.machine), r.meanwhile(one.report, one.machine))
			}
			if one.err != nil && first == nil {
				first = one.err // one sentence says enough; the others are in the journal
			}
		}
		if len(r.baseline.known) > 0 {
			r.memory.evidence("validated before", validatedNow{r.baseline.federation, r.baseline.stores})
		}
		return results, first
	})
}

// validatedNow are the answers of one round of validations, for the evidence.
type validatedNow struct {
	Federation []machine.Validated `json:"federation"`
	Stores     []machine.Validated `json:"stores"`
}

// gone tells of a port of a machine that has answered at first and does not any
// more. Nothing was restarted yet, so that is no doing of ours, and no other
// machine must go down while it lasts.
func (r *run) gone(report machine.Report, name string) error {
	for _, port := range r.plan.Ports {
		if !strings.EqualFold(port.Machine, name) || port.Before == "" {
			continue
		}
		if seen, _ := seenAt(report, port.Port); len(seen.Chain) == 0 {
			return &trouble{
				machine: name, code: machine.CodeUnreachable, hint: mends[machine.CodeUnreachable],
				error: fmt.Errorf("%s has answered at first and does not any more: %s", port.called(), seen.WireTrouble),
			}
		}
	}
	return nil
}

// meanwhile tells of a port that serves something else than when it was looked at
// first: another run has come and gone while this one waited for an answer, and
// its plan is about what is there no more. What somebody else did since would be
// undone by going back to what was there before it.
func (r *run) meanwhile(report machine.Report, name string) error {
	for _, seen := range report.Components {
		was, _ := find(r.before, name, seen.Component.Port)
		before, now := was.leaf(), observed{Seen: seen}.leaf()
		planned := slices.IndexFunc(r.plan.Ports, func(p Port) bool { return strings.EqualFold(p.Machine, name) && p.Port == seen.Component.Port })
		switch {
		case before == "" || now == "" || now == before:
		case planned < 0 && len(r.plan.Ports) > 0: // not what this run is about
		case planned >= 0 && now == r.plan.Ports[planned].SHA256:
		default:
			return &trouble{
				machine: name, hint: "look at what there is now, and make a new plan: give the same command again",
				error: fmt.Errorf("%s port %d on %s has been given another certificate since it was looked at", seen.Product.Name(), seen.Component.Port, name),
			}
		}
	}
	return nil
}

// worked is what came of the work at one machine.
type worked struct {
	machine string
	report  machine.Report
	err     error
}

// sideBySide gets work done at several machines that restarts none of them.
func (r *run) sideBySide(ctx context.Context, phase rotation.Phase, work []preparation) []worked {
	done := make([]worked, len(work))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, one := range work {
		group.Go(func() error {
			done[i].machine = one.machine
			done[i].report, done[i].err = r.do(ctx, one.machine, one.tasks...)
			if done[i].err == nil {
				r.tellWaiting(phase, one.machine+" is done")
			}
			return nil
		})
	}
	_ = group.Wait() // troubles are in their list
	return done
}

// preparation is the work at one machine.
type preparation struct {
	machine string
	tasks   []machine.Task
}

func (r *run) preparations() ([]preparation, error) {
	var work []preparation
	add := func(name string, task machine.Task) {
		for i := range work {
			if strings.EqualFold(work[i].machine, name) {
				work[i].tasks = append(work[i].tasks, task)
				return
			}
		}
		work = append(work, preparation{name, []machine.Task{task}})
	}
	for _, trust := range r.plan.Trusts {
		add(trust.Machine, machine.Task{Kind: machine.Trust, Port: trust.Port, Alias: trust.Alias, Certificate: trust.Data, Expect: trust.SHA256})
	}
	for _, port := range r.plan.Ports {
		if port.How != ByAlias || port.Served || port.Installed {
			continue
		}
		task, err := r.task(machine.Task{Kind: machine.Install, Port: port.Port, Alias: port.Alias, Expect: port.SHA256}, port)
		if err != nil {
			return nil, err
		}
		add(port.Machine, task)
	}
	for _, check := range checks(r.state) {
		add(check.machine, check.task)
	}
	for _, port := range r.plan.Ports { // every one that changes is looked at once more
		if !port.Served && !slices.ContainsFunc(work, func(p preparation) bool { return strings.EqualFold(p.machine, port.Machine) }) {
			work = append(work, preparation{machine: port.Machine})
		}
	}
	return work, nil
}

// machines counts them for people.
func machines(n int) string {
	if n == 1 {
		return "1 machine"
	}
	return fmt.Sprintf("%d machines", n)
}

// intents are the tasks without their files.
func intents(work []preparation) []string {
	var list []string
	for _, one := range work {
		for _, task := range one.tasks {
			list = append(list, strings.TrimSpace(fmt.Sprintf("%s: %s at port %d %s", one.machine, task.Kind, task.Port, task.Alias)))
		}
	}
	return list
}
