package rotation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pause"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

// MachineDone is what a run did at one machine in one go.
type MachineDone struct {
	Machine string `json:"machine"`
	Host    string `json:"host"`
	// Tasks are what became of each; none when the machine was not reached.
	Tasks []machine.TaskResult `json:"tasks"`
	// Trouble says why it was not done, or why it is not known.
	Trouble string `json:"trouble,omitempty"`
	// Code is of package machine or reach, "" without trouble.
	Code string `json:"code,omitempty"`
	// Unsure tells that something may have been done all the same.
	Unsure bool `json:"unsure,omitempty"`
}

// changed tells whether anything was changed there, or may have been.
func (d MachineDone) changed() bool {
	return d.Unsure || slices.ContainsFunc(d.Tasks, func(t machine.TaskResult) bool {
		return t.State == machine.TaskDone || t.Unsure || t.Restarted
	})
}

// restarted tells whether something went down there, or may have.
func (d MachineDone) restarted() bool {
	return slices.ContainsFunc(d.Tasks, func(t machine.TaskResult) bool { return t.Restarted })
}

// MachineError says at which machine a run could not go on.
type MachineError struct {
	Machine string
	// Code is of package machine or reach.
	Code string
	// Sentence says what happened, Mend what to do about it.
	Sentence string
	Mend     string
}

func (e *MachineError) Error() string { return e.Machine + ": " + e.Sentence }

// err is what kept a machine from being done, nil when it is done.
func (d MachineDone) err() error {
	if d.Trouble == "" {
		return nil
	}
	return &MachineError{Machine: d.Machine, Code: d.Code, Sentence: d.Trouble}
}

// makeTrusted brings the trust of a plan about, before anything is staged or
// switched: first every import, side by side, so that what cannot be done shows
// before anything restarts; then the restarts, one after another. A machine is
// let down only while the gateway sees every other one as well as before.
func (r *Runner) makeTrusted(ctx context.Context, entry *runEntry, plan Plan, before State, result *Result) error {
	if len(plan.Trusting) == 0 {
		return nil
	}
	entry.started(StepTrust, plan.step(StepTrust).Title, plan.Trusting)
	done, err := r.trustAll(ctx, plan, before, result)
	result.machines(done)
	entry.finished(StepTrust, done, err)
	return err
}

func (r *Runner) trustAll(ctx context.Context, plan Plan, before State, result *Result) ([]MachineDone, error) {
	if r.Way == nil || r.Way.Kind() != plan.Way {
		return nil, fmt.Errorf("the plan needs the machines, reached by way of %s", plan.Way)
	}
	if plan.Way == reach.DSC {
		return r.trustByDSC(ctx, plan, before)
	}
	jobs := map[string][]machine.Task{}
	for _, need := range plan.Trusting {
		for _, authority := range need.Imports {
			jobs[need.Host] = append(jobs[need.Host], importTask(need.Port, authority))
		}
	}
	done := r.eachMachine(ctx, PhaseTrust, before, jobs)
	for _, d := range done {
		if err := d.err(); err != nil {
			return done, err
		}
	}
	for _, need := range plan.Trusting {
		if !need.Restarts {
			continue
		}
		r.tell(PhaseTrust, fmt.Sprintf("%s on %s restarts, so that it reads its trust store", need.Product.Name(), need.Machine))
		restarted, err := r.restart(ctx, before, need, result)
		done = append(done, restarted...)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

func importTask(port int, authority Authority) machine.Task {
	return machine.Task{Kind: machine.Trust, Port: port, Alias: authority.Alias, Certificate: authority.Certificate, Expect: authority.SHA256}
}

// trustByDSC does one machine after another: each configuration restarts what
// it touches.
func (r *Runner) trustByDSC(ctx context.Context, plan Plan, before State) ([]MachineDone, error) {
	var done []MachineDone
	for i, need := range plan.Trusting {
		if slices.ContainsFunc(plan.Trusting[:i], func(t Trusting) bool { return t.Host == need.Host }) {
			continue // its extension does all of its components
		}
		var tasks []machine.Task
		for _, other := range plan.Trusting {
			if other.Host == need.Host {
				tasks = append(tasks, importTask(other.Port, other.Imports[0]))
			}
		}
		if err := r.neighboursUp(ctx, before, need); err != nil {
			return done, err
		}
		r.tell(PhaseTrust, fmt.Sprintf("%s: its DSC extension imports the certificate and restarts it", need.Machine))
		r.tellWaiting(PhaseTrust, need.Machine+": waiting for the end of its DSC extension, which restarts it, some twice; several minutes")
		here := r.eachMachine(ctx, PhaseTrust, before, map[string][]machine.Task{need.Host: tasks})
		done = append(done, here...)
		for _, d := range here {
			if err := d.err(); err != nil {
				return done, err
			}
		}
		if err := r.backendsUp(ctx, before); err != nil {
			return done, err
		}
	}
	return done, nil
}

// Restarting says what is waited for while a component restarts.
func Restarting(product, machine string) string {
	return product + " on " + machine + " restarts, one to three minutes as a rule; waiting until it is well"
}

// restart restarts one component, out of its pools, and waits until it is well
// and the gateway sees its machine as well as before.
func (r *Runner) restart(ctx context.Context, before State, need Trusting, result *Result) ([]MachineDone, error) {
	if err := r.neighboursUp(ctx, before, need); err != nil {
		return nil, err
	}
	if err := r.takeOut(ctx, before, need, result); err != nil {
		return nil, err
	}
	r.tellWaiting(PhaseTrust, Restarting(need.Product.Name(), need.Machine))
	done := r.eachMachine(ctx, PhaseTrust, before, map[string][]machine.Task{need.Host: {{Kind: machine.Restart, Port: need.Port}}})
	for _, d := range done {
		if err := d.err(); err != nil {
			return done, err
		}
	}
	if err := r.putBack(ctx, PhaseTrust, before, result); err != nil {
		return done, err
	}
	return done, r.backendsUp(ctx, before)
}

// neighboursUp keeps a machine from restarting while nobody else of its pool is
// up.
func (r *Runner) neighboursUp(ctx context.Context, before State, need Trusting) error {
	if len(before.Backends) == 0 {
		return nil // nothing was known before either
	}
	servers, err := r.BackendHealth(ctx, before)
	if err != nil {
		return err
	}
	if down := neighboursDown(servers, need); len(down) > 0 {
		return &MachineError{Machine: need.Machine, Code: "last-healthy-machine",
			Sentence: "it is not restarted, because its neighbours are not well: " + inWords(down)}
	}
	return nil
}

// backendsUp waits until the gateway's probes see everything as well as before.
func (r *Runner) backendsUp(ctx context.Context, before State) error {
	if len(before.Backends) == 0 {
		return nil
	}
	patience := r.Patience.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, patience.Proof)
	defer cancel()
	for {
		servers, err := r.BackendHealth(ctx, before)
		if err == nil {
			worse := worseBackends(before.Backends, servers)
			if len(worse) == 0 {
				return nil
			}
			err = errors.New(worse[0].sentence)
		}
		r.tellWaiting(PhaseTrust, "waiting for the gateway's probes: "+err.Error())
		if stopped := pause.For(ctx, patience.Interval); stopped != nil {
			return err
		}
	}
}

// eachMachine does tasks at machines side by side, by their hosts.
func (r *Runner) eachMachine(ctx context.Context, phase Phase, before State, jobs map[string][]machine.Task) []MachineDone {
	var at []reach.Machine
	for _, m := range before.Machines {
		if len(jobs[m.Host]) > 0 {
			at = append(at, m.Machine)
		}
	}
	done := make([]MachineDone, len(at))
	var group errgroup.Group
	group.SetLimit(maxAtOnce)
	for i, place := range at {
		group.Go(func() error {
			done[i] = r.atMachine(ctx, phase, before, place, jobs[place.Host])
			return nil
		})
	}
	_ = group.Wait() // troubles are in the results
	return done
}

func (r *Runner) atMachine(ctx context.Context, phase Phase, before State, place reach.Machine, tasks []machine.Task) MachineDone {
	done := MachineDone{Machine: place.Name, Host: place.Host, Tasks: []machine.TaskResult{}}
	if err := r.Permitted(ctx); err != nil {
		done.Trouble = trouble(err)
		return done
	}
	job := r.Job(before, place)
	job.Tasks, job.Interval, job.Patience = tasks, r.Patience.Interval, r.Patience.Restart
	report, err := r.Way.Do(ctx, place, job)
	if err != nil {
		done.Trouble, done.Unsure = trouble(err), true
		if way := (*reach.Error)(nil); errors.As(err, &way) {
			done.Trouble, done.Code, done.Unsure = way.Sentence, string(way.Code), way.Unsure
		}
		return done
	}
	done.Tasks, done.Trouble = report.Tasks, report.Trouble
	if failed := report.Failed(); failed != nil {
		done.Code, done.Trouble = failed.Code, fmt.Sprintf("%s at port %d: %s", failed.Kind, failed.Port, cmp.Or(failed.Detail, failed.Code))
	} else if done.Trouble == "" && len(report.Tasks) < len(tasks) {
		done.Trouble = "the report does not tell what became of every task"
	}
	if done.Trouble == "" {
		r.tell(phase, place.Name+": "+tasksInWords(report.Tasks))
	}
	return done
}

func tasksInWords(tasks []machine.TaskResult) string {
	var words []string
	for _, task := range tasks {
		words = append(words, fmt.Sprintf("%s at port %d %s", task.Kind, task.Port, task.State))
	}
	return inWords(words)
}

// refreshPins puts the new leaf into the entries that hold another, without a
// restart. Nothing depends on them, so that one cannot be refreshed is told and
// makes nothing fail: the chain is trusted, and was before the leaf was served.
func (r *Runner) refreshPins(ctx context.Context, entry *runEntry, plan Plan, before State, result *Result) {
	if len(plan.Pinned) == 0 {
		return
	}
	entry.started(StepPin, plan.step(StepPin).Title, plan.Pinned)
	jobs := map[string][]machine.Task{}
	for _, pin := range plan.Pinned {
		jobs[pin.Host] = append(jobs[pin.Host], machine.Task{
			Kind: machine.Trust, Port: pin.Port, Alias: pin.Alias, Certificate: pin.Certificate, Expect: pin.SHA256,
		})
	}
	var done []MachineDone
	if r.Way == nil {
		result.Left = append(result.Left, "the pinned entries "+pinnedAlias+" hold the certificate from before: the machines cannot be reached this time")
	} else {
		done = r.eachMachine(ctx, PhasePin, before, jobs)
	}
	result.machines(done)
	var failed error
	for _, d := range done {
		if err := d.err(); err != nil {
			failed = err
			result.Left = append(result.Left, fmt.Sprintf("the pinned entry %s on %s may not hold the new certificate (%s); nothing depends on it, and the same command again refreshes it", pinnedAlias, d.Machine, d.Trouble))
		}
	}
	entry.finished(StepPin, done, failed)
}

// machines adds what was done at machines.
func (result *Result) machines(done []MachineDone) {
	result.Machines = append(result.Machines, done...)
	for _, d := range done {
		if d.restarted() {
			result.Restarts++
		}
	}
}

// touchedMachines tells whether anything was changed at a machine.
func (result *Result) touchedMachines() bool {
	return slices.ContainsFunc(result.Machines, MachineDone.changed)
}

// machinesBack waits, after a failure, until every machine that restarted, or
// may have, is well again, and says which are not.
func (r *Runner) machinesBack(ctx context.Context, before State, result *Result) []lack {
	var hosts []string
	for _, d := range result.Machines {
		if d.restarted() || d.Unsure {
			hosts = append(hosts, d.Host)
		}
	}
	slices.Sort(hosts)
	places := before.places(slices.Compact(hosts))
	if len(places) == 0 || r.Way == nil || r.Way.Kind() == reach.DSC {
		return nil // what DSC did shows at the gateway only
	}
	patience := r.Patience.withDefaults()
	until := r.now().Add(patience.Proof)
	for {
		var away []lack
		for _, place := range places {
			away = append(away, r.notWell(ctx, before, place)...)
		}
		if len(away) == 0 || r.now().After(until) {
			return away
		}
		r.tellWaiting(PhaseUndo, "waiting: "+away[0].sentence)
		if pause.For(ctx, max(patience.Interval, 5*time.Millisecond)) != nil {
			return away
		}
	}
}

// notWell says which components of a machine were well before and are not.
func (r *Runner) notWell(ctx context.Context, before State, place reach.Machine) []lack {
	i := slices.IndexFunc(before.Machines, func(m Machine) bool { return m.Host == place.Host })
	now := r.observeMachine(ctx, before, place)
	var away []lack
	for _, c := range place.Components {
		was, _ := before.Machines[i].seen(c)
		is, why := now.seen(c)
		if was.Healthy && !is.Healthy {
			away = append(away, ill(c.Product.Name()+" on "+place.Name, cmp.Or(why, "its health check says so"), now.Report == nil))
		}
	}
	return away
}
