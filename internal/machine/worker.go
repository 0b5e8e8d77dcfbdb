package machine

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/egress"
)

// Worker does jobs at one machine. Its fields are set before the first job.
type Worker struct {
	// Network is the way to the machine's ports; nil dials directly.
	Network *egress.Network
	// Host is the machine itself, nil where only its ports are reached.
	Host Host
	// Now is the clock of the report and of what has expired; time.Now when nil.
	Now func() time.Time
	// Tell, if given, hears what is being done, one line at a time, from
	// several goroutines.
	Tell func(string)
	// lookTime is another one for tests.
	lookTime time.Duration
}

// Do does the job's tasks, in order, then looks at every component, side by
// side. It returns early when ctx ends; what was under way then is in the report.
func (w *Worker) Do(ctx context.Context, job Job) Report {
	report := Report{Format: Format, Host: job.Host, At: w.now()}
	if report.Trouble = job.check(); report.Trouble != "" {
		return report
	}
	visits := w.visits(&job)
	defer func() {
		for _, visit := range visits {
			visit.leave()
		}
	}()
	failed := false
	for _, task := range job.Tasks {
		result := task.result(TaskSkipped)
		if !failed {
			result = w.doTask(ctx, visits, job, task)
		}
		failed = failed || result.State == TaskFailed
		report.Tasks = append(report.Tasks, result)
	}
	report.Components = make([]Seen, len(visits))
	var work sync.WaitGroup
	for i, visit := range visits {
		work.Go(func() { report.Components[i] = visit.see(ctx) })
	}
	if w.Host != nil && w.Host.OS() == "windows" {
		work.Go(func() {
			var err error
			if report.Bindings, err = w.bindings(ctx, job); err != nil {
				report.BindingsTrouble = err.Error()
			}
		})
	}
	work.Wait()
	return report
}

// check says what is wrong with a job, "" normally.
func (j Job) check() string {
	switch {
	case j.Format != Format:
		return fmt.Sprintf("a job of format %d, and this is a worker for format %d (%s): use a program of the same version on both sides", j.Format, Format, runtime.GOOS)
	case j.Host == "":
		return "a job without a machine"
	case len(j.Components) > maxComponents:
		return fmt.Sprintf("a job for %d components", len(j.Components))
	}
	ports := map[int]bool{}
	for _, c := range j.Components {
		if c.Port < 1 || c.Port > 65535 || ports[c.Port] {
			return fmt.Sprintf("port %d is none, or is given twice", c.Port)
		}
		ports[c.Port] = true
	}
	return ""
}

// maxComponents is more than one machine has.
const maxComponents = 50

// doTask does one task, whatever room it is done in.
func (w *Worker) doTask(ctx context.Context, visits []*visit, job Job, task Task) TaskResult {
	start := time.Now()
	w.tell(task.words())
	result := w.dispatch(ctx, visits, job, task)
	result.Seconds, result.Detail = time.Since(start).Seconds(), oneLine(result.Detail)
	return result
}

func (w *Worker) dispatch(ctx context.Context, visits []*visit, job Job, task Task) TaskResult {
	if ctx.Err() != nil {
		return task.failed(CodeInterrupted, "the job ended before this task began")
	}
	if onHost, ok := hostTasks[task.Kind]; ok {
		return onHost(w, ctx, job, task)
	}
	do, ok := keystoreTasks[task.Kind]
	if !ok {
		return task.failed(CodeBadJob, fmt.Sprintf("%.40q is no task that this program knows", string(task.Kind)))
	}
	for _, visit := range visits {
		if visit.component.Port == task.Port && visit.component.HasKeystore() {
			// What a task waits for has bounds of its own; this is for one who
			// answers everything, and each time at the last moment.
			ctx, cancel := context.WithTimeout(ctx, 3*visit.patience()+taskTime)
			defer cancel()
			enter := visit.enter
			if task.Kind == Activate || task.Kind == Restart {
				enter = visit.enterPatiently
			}
			if err := enter(ctx); err != nil {
				return visit.failed(ctx, task, err)
			}
			return do(visit, ctx, task)
		}
	}
	return task.failed(CodeNoSuchComponent, fmt.Sprintf("the job has no component with a keystore at port %d", task.Port))
}

// taskTime is more than a task takes that waits for no restart.
const taskTime = 10 * time.Minute

// hostTasks are the tasks that need a program on the machine; keystoreTasks
// those of an admin API.
var (
	hostTasks = map[TaskKind]func(*Worker, context.Context, Job, Task) TaskResult{
		ReplaceStore:   (*Worker).replaceStore,
		RestartService: (*Worker).restartService,
		Bind:           (*Worker).bind,
	}
	keystoreTasks = map[TaskKind]func(*visit, context.Context, Task) TaskResult{
		Trust:              (*visit).trust,
		Install:            (*visit).install,
		Activate:           (*visit).activate,
		Replace:            (*visit).replace,
		Remove:             (*visit).remove,
		Restart:            (*visit).restart,
		ValidateFederation: (*visit).validateFederation,
		ValidateStores:     (*visit).validateStores,
	}
)

// words say for people what a task does.
func (t Task) words() string {
	text := map[TaskKind]string{
		Trust: "trusting", Install: "installing", Activate: "switching to", Replace: "replacing in place",
		Remove: "removing", Restart: "restarting", RestartService: "restarting the service", ReplaceStore: "the Data Store's tool for",
		Bind: "binding in IIS", ValidateFederation: "validating federated servers", ValidateStores: "validating data stores",
	}[t.Kind]
	what := t.Alias
	if t.Kind == ReplaceStore {
		what = t.Option
	}
	if what != "" {
		text += " " + what
	}
	return fmt.Sprintf("%s (port %d)", text, t.Port)
}

func (t Task) result(state TaskState) TaskResult {
	return TaskResult{Kind: t.Kind, Port: t.Port, Alias: t.Alias, State: state}
}

func (t Task) failed(code, detail string) TaskResult {
	r := t.result(TaskFailed)
	r.Code, r.Detail = code, detail
	return r
}

func (w *Worker) network() *egress.Network {
	if w.Network == nil {
		return &egress.Network{}
	}
	return w.Network
}

func (w *Worker) now() time.Time {
	if w.Now == nil {
		return time.Now()
	}
	return w.Now()
}

func (w *Worker) tell(line string) {
	if w.Tell != nil {
		w.Tell(line)
	}
}
