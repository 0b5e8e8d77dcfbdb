package rollout

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os/user"
	"time"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// remembered is what undoing and cleaning need to know of a run later. It is
// public: fingerprints, aliases and certificates.
type remembered struct {
	Kind   string `json:"kind"`
	Source Source `json:"source"`
	Alias  string `json:"alias"`
	Ports  []Port `json:"ports"`
	Roots  []Root `json:"roots,omitempty"`
	// OldRoots are the trusted roots of the backend settings that the run gave
	// another one.
	OldRoots []string `json:"oldRoots,omitempty"`
}

// cleaned is what a run says it was that removed what others had left.
const cleaned = "clean"

func remember(run journal.Run) (remembered, bool) {
	kept := recall(run)
	return kept, kept.Kind == PlanKind
}

func recall(run journal.Run) remembered {
	var kept remembered
	if json.Unmarshal(run.Before, &kept) != nil {
		return remembered{}
	}
	return kept
}

// IsRun tells whether a run of the journal was one of this package, which
// UndoPlan here understands.
func IsRun(run journal.Run) bool {
	_, ok := remember(run)
	return ok
}

// Made tells whether a run of the journal was made by this package, cleaning
// included, which cannot be undone: what came of it Aftermath here tells.
func Made(run journal.Run) bool {
	kind := recall(run).Kind
	return kind == PlanKind || kind == cleaned
}

// memory writes one run into the journal: intent before act, result after. A
// journal that fails in the middle must not stop a recovery, so that is told and
// the run goes on; one that fails at the beginning keeps the run from starting.
type memory struct {
	runner *Runner
	ctx    context.Context // not the run's: the journal is written to the end
	runID  string
	next   int
}

func (r *Runner) begin(ctx context.Context, plan Plan, kept remembered, before rotation.State) (*memory, error) {
	m := &memory{runner: r, ctx: context.WithoutCancel(ctx)}
	if r.Rotation.Journal == nil {
		return m, nil
	}
	run := journal.Run{
		DeploymentID: plan.DeploymentID, DeploymentName: plan.Deployment, GatewayID: plan.GatewayID, Cloud: plan.Cloud,
		Plan: mustJSON(plan), PlanHash: plan.Hash, Before: mustJSON(kept), StartedAt: r.now(), Version: r.Rotation.Version, By: whoami(),
	}
	// Run ids are short, for people to type, so two runs may draw the same one.
	var err error
	for try := range 3 {
		if m.runID = r.Rotation.RunID; try > 0 || m.runID == "" {
			m.runID = journal.NewRunID(r.now(), rand.Reader)
		}
		run.ID = m.runID
		if err = r.Rotation.Journal.Begin(m.ctx, run); err == nil {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("nothing was changed, because the run could not be written down: %w", err)
	}
	if r.Rotation.Begun != nil {
		r.Rotation.Begun(m.runID)
	}
	if r.Rotation.Claimed != "" {
		m.evidence("claim", r.Rotation.Claimed)
	}
	for _, seen := range before.Evidence() {
		m.evidence(seen.Kind, seen.Data)
	}
	return m, nil
}

// step writes the intent of a step down, does it, and writes down what came of
// it. Steps of a run come one after the other.
func (m *memory) step(kind StepKind, title string, intent any, do func() (any, error)) error {
	index := m.next
	m.next++
	if m.runner.Rotation.Journal == nil {
		_, err := do()
		return err
	}
	m.check(m.runner.Rotation.Journal.StepStarted(m.ctx, m.runID, journal.Step{Index: index, Kind: string(kind), Title: title, Intent: noted(intent)}, m.runner.now()))
	result, err := do()
	outcome, text := "done", ""
	if err != nil {
		outcome, text = "failed", err.Error()
	}
	m.check(m.runner.Rotation.Journal.StepFinished(m.ctx, m.runID, index, outcome, noted(result), text, m.runner.now()))
	return err
}

func (m *memory) evidence(kind string, data any) {
	if m.runner.Rotation.Journal != nil {
		m.check(m.runner.Rotation.Journal.Evidence(m.ctx, m.runID, kind, noted(data), m.runner.now()))
	}
}

func (m *memory) end(result Result) {
	if m.runner.Rotation.Journal != nil {
		m.check(m.runner.Rotation.Journal.Finish(m.ctx, m.runID, string(result.Outcome), noted(result), m.runner.now()))
	}
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

func (m *memory) check(err error) {
	if err != nil {
		m.runner.tell(rotation.PhaseJournal, "the journal could not be written: "+err.Error())
	}
}

func (r *Runner) now() time.Time {
	if r.Rotation.Now != nil {
		return r.Rotation.Now()
	}
	return time.Now()
}

// whoami is the login of the person at this computer, for the history.
func whoami() string {
	current, err := user.Current()
	if err != nil {
		return ""
	}
	return current.Username
}

// mustJSON is for our own plain values, which always marshal.
func mustJSON(value any) json.RawMessage {
	data, err := json.Marshal(value)
	if err != nil {
		panic("rollout: value is not JSON: " + err.Error())
	}
	return data
}

// sentence is an error for people; that of a context is for programmers.
func sentence(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.Is(err, context.DeadlineExceeded):
		return "it took longer than anybody waits for"
	}
	return err.Error()
}
