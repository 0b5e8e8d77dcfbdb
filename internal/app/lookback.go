package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// lookBack is for runs that were killed. Every command that observes a gateway
// says which of its runs have no end, and what is to be seen of each of their
// steps, and writes that down as their end; what could not be seen stays in
// doubt. A command that is going to change the gateway waits for the write of
// such a run to end, and looks again.
func (s *Session) lookBack(ctx context.Context, runner *rotation.Runner, state rotation.State, again func() (rotation.State, error)) (rotation.State, error) {
	a := s.app
	memory, err := a.OpenJournal(ctx)
	if err != nil {
		return state, nil // who needs the journal says what is wrong with it
	}
	defer memory.Close()
	cut, err := memory.Unfinished(ctx, state.Gateway.ID())
	if err != nil || len(cut) == 0 {
		return state, nil
	}
	unlock, err := a.Lock(state.Gateway.ID(), state.Deployment.Name)
	if err != nil {
		return state, nil // the run is going on
	}
	defer unlock()
	for _, run := range cut {
		a.noteInDoubt(CutOff(run))
	}
	if s.Changes && state.Underway() {
		a.noteInDoubt("the gateway is still changing: waiting until that has ended, as the run that was cut off would have")
		err := runner.AwaitGateway(ctx, state.Gateway.ID())
		if ctx.Err() != nil {
			return state, WhileServing(ctx.Err(), Serving(state)+"; nothing was changed, but a change of the run that was cut off is still under way", "")
		}
		if err == nil {
			state, err = again()
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return state, err
		}
	}
	all, err := memory.Runs(ctx, "", 0)
	if err != nil {
		return state, nil
	}
	s.InDoubt = nil
	for _, run := range cut {
		found := Aftermath(state, run, all)
		for _, step := range found.Steps {
			a.noteInDoubt(fmt.Sprintf("%s: %s: %s", step.Title, strings.TrimPrefix(step.Outcome, "found: "), step.Sentence))
		}
		s.InDoubt = append(s.InDoubt, found)
		if found.Outcome == "" {
			a.noteInDoubt(fmt.Sprintf("run %s stays in doubt: %s", run.ID, found.Sentence))
			continue
		}
		if err := writeFound(ctx, memory, found, a); err != nil {
			a.noteInDoubt(fmt.Sprintf("run %s is %s (%s), which could not be written down: %v", run.ID, found.Outcome, found.Sentence, err))
			continue
		}
		a.noteInDoubt(fmt.Sprintf("run %s is written down as %q: %s", run.ID, found.Outcome, found.Sentence))
	}
	return state, nil
}

func (a *App) noteInDoubt(text string) {
	a.teller().Note(NoteInDoubt, text)
}

// CutOff says which run has no end, and how far it came.
func CutOff(run journal.Run) string {
	text := fmt.Sprintf("run %s, begun %s by %s, has no end: it was cut off", run.ID, Minute(run.StartedAt), OrDash(run.By))
	if len(run.Steps) == 0 {
		return text + " before its first step"
	}
	last := run.Steps[len(run.Steps)-1]
	if last.Outcome == journal.InDoubt {
		return text + " during: " + last.Title
	}
	return text + " after: " + last.Title
}

// Aftermath is what is to be seen of a run, unless a later one has changed it.
func Aftermath(state rotation.State, run journal.Run, all []journal.Run) rotation.Aftermath {
	look := func(run journal.Run) rotation.Aftermath { return state.Aftermath(run) }
	if rollout.Made(run) {
		look = func(run journal.Run) rotation.Aftermath { return rollout.Aftermath(state, run) }
	}
	found := look(run)
	later := func(other journal.Run) bool {
		return cloud.SameID(other.GatewayID, run.GatewayID) && rollout.Made(other) == rollout.Made(run) &&
			other.StartedAt.After(run.StartedAt) && !rotation.LeftAsItWas(other.Outcome)
	}
	if i := slices.IndexFunc(all, later); i >= 0 && !state.Underway() {
		sentence := "run " + all[i].ID + " came after it"
		found.Outcome, found.Sentence = journal.FoundUnknown, sentence
		for i := range found.Steps {
			found.Steps[i].Outcome, found.Steps[i].Sentence = journal.FoundUnknown, sentence
		}
	}
	return found
}

func writeFound(ctx context.Context, memory *journal.Journal, found rotation.Aftermath, a *App) error {
	summary, err := json.Marshal(found)
	if err != nil {
		return err
	}
	var steps []journal.FoundStep
	for _, step := range found.Steps {
		seen, err := json.Marshal(step)
		if err != nil {
			return err
		}
		steps = append(steps, journal.FoundStep{Index: step.Index, Outcome: step.Outcome, Result: seen})
	}
	return memory.Found(ctx, found.RunID, found.Outcome, steps, summary, a.Now())
}
