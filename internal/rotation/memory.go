package rotation

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/user"
	"runtime"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// runEntry writes one run into the journal: intent before act, result after.
// A journal that fails in the middle must not stop a recovery, so such a
// failure is told and the run goes on; a journal that fails at the beginning
// keeps the run from starting.
type runEntry struct {
	runner *Runner
	ctx    context.Context // not the run's: the journal is written to the end
	runID  string
	index  map[StepKind]int
	next   int
}

// remembered is what undoing and cleaning need to know of a run later.
type remembered struct {
	Moves   []Move           `json:"moves"`
	Serving *pki.Description `json:"serving"`
	// Pinned are the entries that the run refreshed, with what was in them.
	Pinned []Pinned `json:"pinned,omitempty"`
	// Trusting are the components that the run was to restart.
	Trusting []trustedAt `json:"trusting,omitempty"`
}

func (r *Runner) begin(ctx context.Context, plan Plan, before State) (*runEntry, error) {
	ctx = context.WithoutCancel(ctx)
	entry := &runEntry{runner: r, ctx: ctx, index: map[StepKind]int{}}
	if r.Journal == nil {
		return entry, nil
	}
	run := journal.Run{
		DeploymentID:   plan.DeploymentID,
		DeploymentName: plan.Deployment,
		GatewayID:      plan.GatewayID,
		Cloud:          plan.Cloud,
		Plan:           mustJSON(plan),
		PlanHash:       plan.Hash,
		Before:         mustJSON(remembered{Moves: plan.Moves, Serving: plan.Serving, Pinned: plan.Pinned, Trusting: plan.trusting()}),
		StartedAt:      r.now(),
		Version:        r.Version,
		By:             whoami(),
	}
	// Run ids are short, for people to type, so two runs may draw the same one.
	var err error
	for try := range 3 {
		if entry.runID = r.RunID; try > 0 || entry.runID == "" {
			entry.runID = journal.NewRunID(r.now(), rand.Reader)
		}
		run.ID = entry.runID
		if err = r.Journal.Begin(ctx, run); err == nil {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("nothing was changed, because the run could not be written down: %w", err)
	}
	if r.Begun != nil {
		r.Begun(entry.runID)
	}
	if r.Claimed != "" {
		entry.evidence("claim", r.Claimed)
	}
	for _, seen := range before.Evidence() {
		entry.evidence(seen.Kind, seen.Data)
	}
	return entry, nil
}

func (e *runEntry) started(kind StepKind, title string, intent any) {
	e.index[kind] = e.next
	e.next++
	if e.runner.Journal == nil {
		return
	}
	step := journal.Step{Index: e.index[kind], Kind: string(kind), Title: title, Intent: noted(intent)}
	e.check(e.runner.Journal.StepStarted(e.ctx, e.runID, step, e.runner.now()))
}

func (e *runEntry) finished(kind StepKind, result any, err error) {
	if e.runner.Journal == nil {
		return
	}
	outcome := "done"
	if err != nil {
		outcome = "failed"
	}
	e.check(e.runner.Journal.StepFinished(e.ctx, e.runID, e.index[kind], outcome, noted(result), trouble(err), e.runner.now()))
}

func (e *runEntry) evidence(kind string, data any) {
	if e.runner.Journal == nil {
		return
	}
	e.check(e.runner.Journal.Evidence(e.ctx, e.runID, kind, noted(data), e.runner.now()))
}

func (e *runEntry) end(result Result) {
	if e.runner.Journal == nil {
		return
	}
	e.check(e.runner.Journal.Finish(e.ctx, e.runID, string(result.Outcome), noted(result), e.runner.now()))
}

// noted is a value as the journal keeps it. In the middle of a run nothing may
// end the program, so what is no JSON after all is kept as the reason.
func noted(value any) json.RawMessage {
	data, err := json.Marshal(value)
	if err != nil {
		data = mustJSON(map[string]string{"notWritten": err.Error()})
	}
	return data
}

func (e *runEntry) check(err error) {
	if err != nil {
		e.runner.tell(PhaseJournal, "the journal could not be written: "+err.Error())
	}
}

// Hands says who made a run and where: what the history does not say by itself.
type Hands struct {
	// Computer is the name of the computer that the program ran on, System its
	// operating system and processor.
	Computer string `json:"computer"`
	System   string `json:"system"`
	// Caller is the object id of who was signed in at Azure, "" when it is not known.
	Caller string `json:"caller"`
}

func (s State) hands() Hands {
	computer, err := os.Hostname()
	if err != nil {
		computer = ""
	}
	return Hands{Computer: computer, System: runtime.GOOS + "/" + runtime.GOARCH, Caller: s.Access.Caller}
}

// Seen is a piece of evidence: its kind, and the value that is kept as JSON.
type Seen struct {
	Kind string
	Data any
}

// Evidence is what is kept of a state from before a run, so that what comes
// after can be held against it: by whom, handshakes, health, federation, machines.
func (s State) Evidence() []Seen {
	seen := []Seen{{"hands", s.hands()}, {"wire before", s.Wire}, {"backends before", s.Backends}, {"sites before", s.Sites}}
	if len(s.Machines) > 0 {
		seen = append(seen, Seen{"machines before", s.Machines})
	}
	return seen
}

// whoami is the login of the person at this computer, for the history.
func whoami() string {
	current, err := user.Current()
	if err != nil {
		return ""
	}
	return current.Username
}
