package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// run is one execution of a plan.
type run struct {
	*Runner
	inHand
	// before is the state at first; state has the gateway as it was read last.
	before, state rotation.State
	memory        *memory
	result        Result
	started       time.Time
	// baseline is how federation and data stores were validated before.
	baseline validation
	// switched are the places in plan.Ports that may have changed, in order.
	switched []int
	// prepared tells that keystores may have got something.
	prepared bool
	// out are the members that may be out of their pools because of this run, or
	// of one before it that was cut off.
	out []cloud.Member
	// by is the name of the run under which it takes them out.
	by string
	// seen is the last look at each machine, by its name.
	seen map[string]machine.Report
}

// trouble is why a step failed.
type trouble struct {
	machine, code, hint string
	// unsure tells that the change may have taken effect all the same.
	unsure bool
	error
}

func (t *trouble) Unwrap() error { return t.error }

func (r *Runner) newRun(hand inHand, before rotation.State) *run {
	run := &run{Runner: r, inHand: hand, before: before, state: before, started: r.now(), by: rotation.NewOwner()}
	if before.Gateway != nil {
		run.out = before.Gateway.Away() // they return first
	}
	run.result = Result{Deployment: hand.plan.Deployment, Alias: hand.plan.Alias}
	for _, port := range hand.plan.Ports {
		state := "old"
		if port.Served {
			state = "new"
		}
		run.result.Machines = append(run.result.Machines, Changed{
			Machine: port.Machine, Product: port.Product, Port: port.Port, How: port.How, Before: port.Before, After: port.Before, State: state,
		})
	}
	return run
}

// machine finds a machine of the state.
func (r *run) machine(name string) (reach.Machine, error) {
	for _, at := range r.state.Machines {
		if strings.EqualFold(at.Name, name) {
			return at.Machine, nil
		}
	}
	return reach.Machine{}, fmt.Errorf("there is no machine %s any more", name)
}

// do gets tasks done at a machine. What failed in them is a *trouble.
func (r *run) do(ctx context.Context, name string, tasks ...machine.Task) (machine.Report, error) {
	at, err := r.machine(name)
	if err != nil {
		return machine.Report{}, &trouble{machine: name, error: err}
	}
	if slices.ContainsFunc(tasks, changes) {
		if err := r.Rotation.Permitted(ctx); err != nil {
			return machine.Report{}, &trouble{machine: name, error: err}
		}
	}
	job := r.Rotation.Job(r.state, at)
	job.Tasks = tasks
	job.Patience, job.Interval = r.Patience.Restart, r.Patience.Interval
	// What is served at the beginning was good enough to be looked at; what will
	// be served is known to the byte.
	for _, authority := range r.plan.certificates() {
		job.Roots = append(job.Roots, authority.Raw)
	}
	for _, port := range r.plan.Ports {
		if strings.EqualFold(port.Machine, name) {
			job.Pins = append(job.Pins, port.SHA256)
		}
	}
	job.Pins = slices.DeleteFunc(job.Pins, func(pin string) bool { return pin == "" })
	report, err := r.way().Do(ctx, at, job)
	if err != nil {
		failed := &trouble{machine: name, error: err, unsure: true}
		if on := (*reach.Error)(nil); errors.As(err, &on) {
			failed.code, failed.hint, failed.unsure = string(on.Code), on.Mend, on.Unsure
		}
		return report, failed
	}
	if report.Trouble != "" {
		return report, &trouble{machine: name, error: errors.New(report.Trouble)}
	}
	for _, task := range report.Tasks {
		if task.Restarted {
			r.restarted(name, task.Port, task.Seconds)
		}
	}
	if task := report.Failed(); task != nil {
		return report, &trouble{
			machine: name, code: task.Code, unsure: task.Unsure || task.Restarted, hint: mends[task.Code],
			error: fmt.Errorf("%s, port %d: %s: %s", name, task.Port, task.Kind, task.Detail),
		}
	}
	return report, nil
}

// changes tells of a task that is more than a look.
func changes(task machine.Task) bool { return !validates(task.Kind) }

// restarted counts a restart. Jobs that restart anything come one by one.
func (r *run) restarted(name string, port int, seconds float64) {
	r.result.Restarts++
	for i := range r.result.Machines {
		if changed := &r.result.Machines[i]; strings.EqualFold(changed.Machine, name) && changed.Port == port {
			changed.Restarted++
			changed.Seconds += seconds
			if changed.How == ByTool {
				r.result.Restarts-- // the plan counts it as little: what the tool does is its own affair
			}
		}
	}
}

// seenAt is a port in a report.
func seenAt(report machine.Report, port int) (machine.Seen, bool) {
	for _, seen := range report.Components {
		if seen.Component.Port == port {
			return seen, true
		}
	}
	return machine.Seen{}, false
}

// served judges what a port serves after its change: a change is believed only
// when it is seen.
func served(report machine.Report, port Port, leaf string) error {
	seen, looked := seenAt(report, port.Port)
	got := observed{Seen: seen}.leaf()
	switch {
	case !looked || got == "":
		return fmt.Errorf("%s does not answer: %s", port.called(), seen.WireTrouble)
	case got != leaf:
		return fmt.Errorf("%s serves %.16s…, and not %.16s…", port.called(), got, leaf)
	case !seen.Healthy:
		return fmt.Errorf("%s serves what it should and is not healthy: %s", port.called(), seen.Trouble)
	}
	return nil
}

// failed says in the result why the run did not reach its goal.
func (r *run) failed(err error) {
	r.result.Failure = sentence(err)
	if t := (*trouble)(nil); errors.As(err, &t) {
		r.result.Machine, r.result.Code, r.result.Hint = t.machine, t.code, t.hint
	}
}

// end writes the outcome down and says it.
func (r *run) end() {
	if r.result.Outcome.Proved() {
		r.result.Unclaimed = r.Rotation.Unclaimed(r.memory.ctx)
	}
	r.result.Seconds = r.now().Sub(r.started).Seconds()
	r.memory.evidence("machines after", r.lastSeen())
	r.memory.end(r.result)
	r.tell(rotation.PhaseDone, string(r.result.Outcome))
}

// lastSeen are the machines as they were seen last, in the order of the state.
func (r *run) lastSeen() []rotation.Machine {
	list := []rotation.Machine{}
	for _, at := range r.before.Machines {
		if report, looked := r.seen[strings.ToLower(at.Name)]; looked {
			list = append(list, rotation.Machine{Machine: at.Machine, Report: &report, Trouble: report.Trouble})
		}
	}
	return list
}

// refreshed is what a report shows of the ports of its machine.
func (r *run) refreshed(report machine.Report, name string) {
	if len(report.Components) > 0 {
		report.Tasks = nil // they stand in their steps
		if r.seen == nil {
			r.seen = map[string]machine.Report{}
		}
		r.seen[strings.ToLower(name)] = report
	}
	for i, port := range r.plan.Ports {
		if !strings.EqualFold(port.Machine, name) {
			continue
		}
		changed := &r.result.Machines[i]
		seen, _ := seenAt(report, port.Port)
		got := observed{Seen: seen}.leaf()
		changed.After, changed.Trouble = got, seen.Trouble
		switch got {
		case port.SHA256:
			changed.State = "new"
		case port.Before:
			changed.State = "old"
		default:
			changed.State = "unknown"
		}
		if got == "" {
			changed.Trouble = seen.WireTrouble
		}
	}
}
