package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// switchAll gives each port its certificate, one machine at a time.
func (r *run) switchAll(ctx context.Context) error {
	turns := r.turns()
	for n, turn := range turns {
		if err := ctx.Err(); err != nil {
			return err
		}
		main := r.plan.Ports[turn[0]]
		r.tell(PhaseMachines, fmt.Sprintf("%d of %d: %s on %s", n+1, len(turns), main.Product.Name(), main.Machine))
		err := r.memory.step(StepSwitch, main.Product.Name()+" on "+main.Machine, r.places(turn), func() (any, error) {
			return r.switchTurn(ctx, turn)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// turns are the ports that are yet to change, by their place in the plan: a port
// with the services that follow it.
func (r *run) turns() [][]int {
	var list [][]int
	place := 0
	for _, turn := range turns(r.plan.Ports) {
		var places []int
		for range turn {
			if !r.plan.Ports[place].Served {
				places = append(places, place)
			}
			place++
		}
		if len(places) > 0 {
			list = append(list, places)
		}
	}
	return list
}

func (r *run) places(turn []int) []Port {
	var list []Port
	for _, place := range turn {
		list = append(list, r.plan.Ports[place])
	}
	return list
}

func (r *run) switchTurn(ctx context.Context, turn []int) (any, error) {
	main := r.plan.Ports[turn[0]]
	tasks, err := r.switchTasks(turn)
	if err != nil {
		return nil, err
	}
	for _, place := range turn { // from 12.1 on the server stays up, and a service that follows it does not
		if port := r.plan.Ports[place]; port.Restarts {
			if err := r.takeOut(ctx, PhaseMachines, port); err != nil {
				return nil, &trouble{machine: main.Machine, error: err}
			}
			break
		}
	}
	r.tellWaiting(PhaseMachines, underWay(main))
	report, err := r.do(ctx, main.Machine, tasks...)
	if t := (*trouble)(nil); errors.As(err, &t) && main.How == InPlace && t.code == machine.CodeNotInPlace {
		report, err = r.insteadByAlias(ctx, turn)
	}
	if err == nil || maybeDone(err, report) {
		r.switched = append(r.switched, turn...)
	}
	r.refreshed(report, main.Machine)
	if err != nil {
		return report.Tasks, err
	}
	for _, place := range turn {
		if err := served(report, r.plan.Ports[place], r.plan.Ports[place].SHA256); err != nil {
			return report.Tasks, &trouble{machine: main.Machine, code: machine.CodeWrongLeafServed, unsure: true, error: err}
		}
	}
	if err := r.putBack(ctx, PhaseMachines); err != nil {
		return report.Tasks, &trouble{machine: main.Machine, unsure: true, error: err}
	}
	for _, place := range turn {
		if err := r.ownWell(ctx, r.plan.Ports[place]); err != nil {
			return report.Tasks, &trouble{machine: main.Machine, unsure: true, error: err}
		}
	}
	r.tell(PhaseMachines, fmt.Sprintf("%s on %s serves its new certificate and is well", main.Product.Name(), main.Machine))
	return report.Tasks, nil
}

// underWay says what is waited for while a port gets its certificate.
func underWay(port Port) string {
	if port.Restarts {
		return rotation.Restarting(port.Product.Name(), port.Machine)
	}
	return fmt.Sprintf("%s on %s takes its certificate, without a restart; waiting until it serves it", port.Product.Name(), port.Machine)
}

// maybeDone tells whether a failed job may have changed something, or has.
func maybeDone(err error, report machine.Report) bool {
	t := (*trouble)(nil)
	return errors.As(err, &t) && t.unsure ||
		slices.ContainsFunc(report.Tasks, func(task machine.TaskResult) bool { return task.State == machine.TaskDone || task.Unsure })
}

func (r *run) switchTasks(turn []int) ([]machine.Task, error) {
	var tasks []machine.Task
	for _, place := range turn {
		port := r.plan.Ports[place]
		task := machine.Task{Port: port.Port, Alias: port.Alias, Expect: port.SHA256, Option: port.Option}
		var err error
		switch port.How {
		case ByAlias:
			task.Kind = machine.Activate
		case InPlace:
			task.Kind = machine.Replace
			task, err = r.task(task, port)
		case ByTool:
			task.Kind, task.Alias = machine.ReplaceStore, r.plan.Alias
			task, err = r.task(task, port)
		case InIIS:
			task.Kind, task.Alias = machine.Bind, r.plan.Alias
			task, err = r.task(task, port)
		case Follows:
			task.Kind = machine.RestartService
		}
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, task)
	}
	return tasks, nil
}

// insteadByAlias is for a machine that does not replace in place although its
// version says so: a new entry, and one restart.
func (r *run) insteadByAlias(ctx context.Context, turn []int) (machine.Report, error) {
	port := &r.plan.Ports[turn[0]]
	r.tell(PhaseMachines, port.Machine+" does not replace a certificate in place: a new entry, and one restart")
	port.How, port.Alias, port.Restarts = ByAlias, r.plan.Alias, true
	r.result.Machines[turn[0]].How = ByAlias
	if err := r.takeOut(ctx, PhaseMachines, *port); err != nil {
		return machine.Report{}, &trouble{machine: port.Machine, error: err}
	}
	install, err := r.task(machine.Task{Kind: machine.Install, Port: port.Port, Alias: port.Alias, Expect: port.SHA256}, *port)
	if err != nil {
		return machine.Report{}, err
	}
	tasks, err := r.switchTasks(turn)
	if err != nil {
		return machine.Report{}, err
	}
	r.tellWaiting(PhaseMachines, underWay(*port))
	return r.do(ctx, port.Machine, append([]machine.Task{install}, tasks...)...)
}
