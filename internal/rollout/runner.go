package rollout

import (
	"context"
	"errors"
	"time"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Runner carries plans out. Its fields are set once, before first use.
type Runner struct {
	// Rotation observes, writes the gateway, keeps the journal and is told what
	// happens; its Credentials sign in at the machines.
	Rotation *rotation.Runner
	// Way is how the machines are reached. The caller closes it.
	Way reach.Way
	// Patience is how long things may take; the zero value is for production.
	Patience Patience
}

// Patience is how long a run waits for what, in real time.
type Patience struct {
	// Restart bounds one restart; zero is package machine's own patience.
	Restart time.Duration
	// Interval is between two looks; zero is package machine's own, 5 s, and
	// twice that for the gateway's view of its backends.
	Interval time.Duration
	// Backends bounds waiting for the gateway to see a machine well: 10 min.
	Backends time.Duration
	// Recovery bounds everything that is done after a failure: 2 h.
	Recovery time.Duration
}

var errNotYet = errors.New("rollout: not built yet")

// NewPlan says what to do to reach the goal from the state, which must hold the
// machines as they were seen. It is pure. What must be refused, and a
// deployment that does not allow the change, still give a plan.
func NewPlan(state rotation.State, goal Goal) (Plan, error) { return Plan{}, errNotYet }

// ParsePlan reads a saved plan. A file that is no plan, that another program
// wrote, or that was edited by hand is refused.
func ParsePlan(data []byte) (Plan, error) { return Plan{}, errNotYet }

// MovedSince compares the state with what a saved plan rests on and returns a
// *rotation.MovedError when they differ.
func (p Plan) MovedSince(state rotation.State) error { return errNotYet }

// Ready returns a *rotation.RefusedError or *rotation.BlockedError when the
// plan cannot be applied.
func (p Plan) Ready() error { return errNotYet }

// Apply carries a plan out on the state that it was made for, proves each
// machine before the next, and goes back when that fails or ctx ends. The
// Result always tells what is served; the error is only for what kept the run
// from starting (nothing was changed).
func (r *Runner) Apply(ctx context.Context, plan Plan, goal Goal, before rotation.State) (Result, error) {
	return Result{}, errNotYet
}

// IsRun tells whether a run of the journal was one of this package, which
// UndoPlan here understands.
func IsRun(run journal.Run) bool { return false }

// UndoPlan is the plan to take a kept run back: every machine returns to the
// entry that it had, which is still there.
func UndoPlan(state rotation.State, run journal.Run, now time.Time) (Plan, error) {
	return Plan{}, errNotYet
}

// Undo carries an UndoPlan out.
func (r *Runner) Undo(ctx context.Context, plan Plan, before rotation.State) (Result, error) {
	return Result{}, errNotYet
}

// Cleaning is what runs have left behind and nobody presents any more.
type Cleaning struct {
	// Entries are keystore entries: old and unused leafs and authorities.
	Entries []Removal `json:"entries"`
	// Roots are names of the gateway's trusted roots.
	Roots []string `json:"roots"`
	// Kept says what stays and why.
	Kept []string `json:"kept,omitempty"`
}

// Removal is one keystore entry that goes.
type Removal struct {
	Machine string `json:"machine"`
	Port    int    `json:"port"`
	Alias   string `json:"alias"`
	// SHA256 is what the entry must hold to be removed.
	SHA256 string `json:"sha256"`
	// Why says for people what it is.
	Why string `json:"why"`
}

// CleanPlan lists what rollouts have left behind: what runs of the journal
// replaced, and what this program has made and nothing presents.
func CleanPlan(state rotation.State, runs []journal.Run) Cleaning { return Cleaning{} }

// Nothing tells whether there is nothing to clean.
func (c Cleaning) Nothing() bool { return len(c.Entries) == 0 && len(c.Roots) == 0 }

// Clean removes it and proves that everything serves what it did.
func (r *Runner) Clean(ctx context.Context, cleaning Cleaning, before rotation.State) (Result, error) {
	return Result{}, errNotYet
}
