package reach

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/agent"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

const (
	// prefix begins the names of all that this way makes in Azure.
	prefix = "cartouche-"
	// atOnce is how many machines are worked on side by side.
	atOnce = 8
	// longest is the longest that a job may take on a machine: the address that
	// its output goes to is good for an hour.
	longest = 55 * time.Minute
	// grace is how much longer than a script may take is waited for its end: the
	// machine's agent needs time to begin it and to report. A machine that is
	// lost meanwhile never does.
	grace = 10 * time.Minute
	// waitForRemoval bounds the removing of what was left, after the caller's
	// own time has ended too.
	waitForRemoval = 3 * time.Minute
)

// Login is an account of the machines' operating system: the one under which
// ArcGIS Server runs.
type Login struct {
	User     string
	Password secret.Secret
}

// AgentOptions are for [NewAgent].
type AgentOptions struct {
	Azure *cloud.ResourceManager
	// Storage is where the program is put for the machines to fetch it. See
	// [StorageOf].
	Storage cloud.StorageAccount
	// RunAs is the account that the program runs under; without a user it is
	// the machine's own (SYSTEM, root).
	RunAs Login
	// Tell, if set, hears what is being done, from several goroutines.
	Tell func(string)
	// Interval is between two looks at a run command; zero is five seconds.
	Interval time.Duration
	// Build gives the program for an operating system and processor; nil is
	// [agent.Build].
	Build func(ctx context.Context, goos, goarch string) (agent.Program, error)
}

// agentWay runs a small program on each machine by managed Run Command:
//
//  1. Once: a private container in the storage account, and in it the program
//     for each operating system that is met.
//  2. For each machine: a look whether it is on and its Azure agent ready, and
//     away with what an earlier run of ours left that ended badly.
//  3. For each job: the job, sealed, beside the program, and a run command whose
//     script is constant. It fetches both by addresses that are good for minutes,
//     checks the program's SHA-256, and runs it with the job's key, which is a
//     protected parameter, on its standard input. The report comes back in the run command's output, or, where that
//     is too long (4096 bytes), in a blob. Then the run command is deleted.
//  4. Close removes the container.
//
// A job whose caller gives up is cancelled by deleting its run command.
type agentWay struct {
	options AgentOptions
	// run names this way's things.
	run  string
	slot chan struct{}

	store storeOnce

	mu       sync.Mutex
	machines map[string]*atMachine // by resource id in lower case
	closed   bool
}

// atMachine is what is known of a machine, for one job at a time.
type atMachine struct {
	busy   chan struct{} // holds one: whose turn it is
	swept  bool
	left   map[string]bool // run commands of ours that may be there
	vmID   string
	number int // of the last job, for the names of outputs
}

// NewAgent is the way for where only Azure can be reached: a small program is
// run on each machine by managed Run Command. Nothing of it stays.
func NewAgent(options AgentOptions) Way {
	if options.Build == nil {
		options.Build = agent.Build
	}
	if options.Interval <= 0 {
		options.Interval = 5 * time.Second
	}
	run := strings.ToLower(rand.Text()[:10])
	return &agentWay{options: options, run: run, slot: make(chan struct{}, atOnce), machines: map[string]*atMachine{}, store: storeOnce{turn: make(chan struct{}, 1)}}
}

func (a *agentWay) Kind() Kind { return Agent }

func (a *agentWay) tell(line string) {
	if a.options.Tell != nil {
		a.options.Tell(line)
	}
}

// Do gets the job done at a machine, after any other job there.
func (a *agentWay) Do(ctx context.Context, at Machine, job machine.Job) (machine.Report, error) {
	report, err := a.do(ctx, at, prepare(at, job))
	if err == nil {
		return report, nil
	}
	return machine.Report{}, named(err, at.Name)
}

func (a *agentWay) do(ctx context.Context, at Machine, job machine.Job) (machine.Report, error) {
	if at.ID == "" {
		return machine.Report{}, &Error{Code: NotThisWay, Sentence: "It is no virtual machine that is known, so Run Command cannot reach it.",
			Mend: "Run Cartouche on a computer in the virtual network (--reach direct)."}
	}
	if a.options.Storage.ID == "" {
		return machine.Report{}, noStorage()
	}
	m, err := a.at(at.ID)
	if err != nil {
		return machine.Report{}, err
	}
	select {
	case m.busy <- struct{}{}:
		defer func() { <-m.busy }()
	case <-ctx.Done():
		return machine.Report{}, notBegun(ctx)
	}
	select {
	case a.slot <- struct{}{}:
		defer func() { <-a.slot }()
	case <-ctx.Done():
		return machine.Report{}, notBegun(ctx)
	}
	vm, err := a.options.Azure.VirtualMachine(ctx, at.ID)
	if err != nil {
		return machine.Report{}, ofAzure(ctx, err, "The virtual machine could not be read.")
	}
	if err := ready(vm); err != nil {
		return machine.Report{}, err
	}
	if !m.swept {
		if err := a.sweepMachine(ctx, at); err != nil {
			return machine.Report{}, err
		}
		m.swept = true
	}
	return a.execute(ctx, m, at, vm, job)
}

// at is the state of a machine, made when it is first met.
func (a *agentWay) at(vmID string) (*atMachine, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, &Error{Code: NotThisWay, Sentence: "The way to the machines was closed already."}
	}
	key := strings.ToLower(vmID)
	m := a.machines[key]
	if m == nil {
		m = &atMachine{busy: make(chan struct{}, 1), left: map[string]bool{}, vmID: vmID}
		a.machines[key] = m
	}
	return m, nil
}

// ready looks whether a machine can run anything. Azure itself would let a
// command to a machine without a ready agent wait for more than an hour.
func ready(vm cloud.VirtualMachine) error {
	if !vm.Running() {
		return &Error{Code: MachineOff, Sentence: "The machine does not run: Azure says it is " + vm.Power + ".",
			Mend: "Start it, then run the same command again: az vm start --ids " + cloud.ShellWord(vm.ID)}
	}
	if !vm.AgentReady {
		sentence := "The machine's Azure agent, which would run the program, is not ready"
		if vm.AgentMessage != "" {
			sentence += ": " + strings.TrimRight(vm.AgentMessage, ".")
		}
		return &Error{Code: AgentNotReady, Sentence: sentence + ".",
			Mend: "Restart the service WindowsAzureGuestAgent (Linux: walinuxagent or waagent) on the machine, or the machine, and see that it reaches 168.63.129.16; or use --reach direct from inside the virtual network."}
	}
	return nil
}

// system is Go's name of the machine's operating system. ArcGIS Enterprise runs
// on 64-bit Intel and AMD processors only.
// Source: ArcGIS Enterprise system requirements, supported operating systems.
func system(at Machine, vm cloud.VirtualMachine) (goos, goarch string) {
	if vm.OS != "" {
		return vm.OS, "amd64"
	}
	return at.OS, "amd64"
}

// limitOf is how long a job may take on a machine: what Azure ends it after.
// Every request of the program has a limit of its own, so this is for what
// nobody thought of.
func limitOf(job machine.Job) time.Duration {
	limit := 30 * time.Minute
	for _, task := range job.Tasks {
		switch task.Kind {
		case machine.Activate, machine.Restart, machine.RestartService, machine.ReplaceStore:
			patience := job.Patience
			if patience <= 0 {
				patience = 15 * time.Minute
			}
			limit += patience
		default:
			limit += 2 * time.Minute
		}
	}
	return min(limit, longest)
}

// Close removes the run commands that may remain and the container.
func (a *agentWay) Close(ctx context.Context) error {
	a.mu.Lock()
	a.closed = true
	machines := a.machines
	a.machines = map[string]*atMachine{}
	a.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, waitForRemoval)
	defer cancel()
	var mu sync.Mutex
	var failures []error
	var all sync.WaitGroup
	for _, m := range machines {
		all.Go(func() {
			select {
			case m.busy <- struct{}{}: // a job that still runs ends with its caller's context
				defer func() { <-m.busy }()
			case <-ctx.Done():
				mu.Lock()
				failures = append(failures, fmt.Errorf("a job still runs at %s", m.vmID))
				mu.Unlock()
				return
			}
			for name := range m.left {
				if err := a.options.Azure.DeleteRunCommand(ctx, m.vmID, name); err != nil {
					mu.Lock()
					failures = append(failures, err)
					mu.Unlock()
				}
			}
		})
	}
	all.Go(func() {
		if err := a.store.remove(ctx); err != nil {
			mu.Lock()
			failures = append(failures, err)
			mu.Unlock()
		}
	})
	all.Wait()
	return errors.Join(failures...)
}
