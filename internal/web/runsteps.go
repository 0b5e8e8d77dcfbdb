package web

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// runStep is one step of a run: those that were begun, and those of the plan that
// are yet to come.
type runStep struct {
	// State is a class of the stylesheet, Word the same for people.
	State, Word string
	Title       string
	Since       time.Time
	Took        time.Duration
	Error       string
	Changes     []string
	Restarts    []string
}

// stepsOfRun puts what the journal has of steps beside those of the plan: the
// first of a kind there is the first of it here.
func stepsOfRun(run journal.Run, plan keptPlan, going bool, now time.Time) []runStep {
	taken := map[int]bool{}
	next := func(kind string) *journal.Step {
		for i, step := range run.Steps {
			if !taken[i] && step.Kind == kind {
				taken[i] = true
				return &run.Steps[i]
			}
		}
		return nil
	}
	back := false // the run went back
	for _, step := range run.Steps {
		back = back || step.Kind == "undo"
	}
	var list []runStep
	for _, planned := range plan.Steps {
		step := runStep{Title: pages.Capital(planned.Title), Changes: planned.Changes, Restarts: planned.Restarts}
		begun := next(planned.Kind)
		switch {
		case begun != nil:
			step.begun(*begun, going, now)
			if back && step.State == "done" && planned.Kind == string(rotation.StepSwitch) {
				step.State, step.Word = "undone", "done, then taken back"
			}
		case going && !back:
			step.State, step.Word = "waiting", "waiting"
		default:
			step.State, step.Word = "waiting", "not begun"
		}
		list = append(list, step)
	}
	for i, begun := range run.Steps {
		if taken[i] {
			continue
		}
		step := runStep{Title: pages.Capital(begun.Title)}
		step.begun(begun, going, now)
		list = append(list, step)
	}
	return list
}

// notWritten says so of steps whose end the journal did not take, as it did not take that of
// their run, which says what came of it all.
func notWritten(steps []runStep) {
	for i := range steps {
		if s := &steps[i]; s.State == "waiting" || s.State == "unknown" {
			s.State, s.Word = "unknown", "not written down"
		}
	}
}

// begun says how far a step came.
func (s *runStep) begun(step journal.Step, going bool, now time.Time) {
	s.Since, s.Error = step.StartedAt, step.Error
	words := map[string][2]string{
		"done": {"done", "done"}, "failed": {"failed", "failed"},
		journal.FoundDone:    {"done", "cut off; later seen to have taken effect"},
		journal.FoundNotDone: {"undone", "cut off; later seen to have had no effect"},
		journal.FoundPartly:  {"unknown", "cut off; later seen to have taken effect in part"},
		journal.FoundUnknown: {"unknown", "cut off; what came of it cannot be known any more"},
	}
	known, ok := words[step.Outcome]
	switch {
	case ok:
		s.State, s.Word = known[0], known[1]
	case going:
		s.State, s.Word = "doing", "going on"
		s.Took = max(now.Sub(step.StartedAt).Truncate(time.Second), 0) // the clock may have been set back
	default:
		s.State, s.Word = "unknown", "cut off: nobody knows yet whether it took effect"
	}
	if !step.FinishedAt.IsZero() && !journal.WasFound(step.Outcome) {
		s.Took = max(step.FinishedAt.Sub(step.StartedAt), time.Millisecond)
	}
}

// stopMeans says what stopping means at this moment of a run that goes on, "" when
// there is nothing to stop any more.
func stopMeans(run journal.Run, internal bool, now time.Time) string {
	at := journal.Step{}
	written := time.Duration(0)
	switched := 0
	for _, step := range run.Steps {
		at = step
		if step.Kind == string(rotation.StepSwitch) || step.Kind == string(rotation.StepStage) {
			end := step.FinishedAt
			if end.IsZero() {
				end = now
			}
			written += max(end.Sub(step.StartedAt), 0)
			switched++
		}
	}
	again := "That takes about as long as the change itself" + untilNow(written) + "."
	switch {
	case at.Kind == "undo":
		return ""
	case at.Kind == string(rotation.StepClean):
		return "What is being removed at this moment is removed to its end; it is proved that clients are served as before."
	case internal && switched > 0:
		return "The machine that is being changed is brought to an end. Then those that were changed go back, the newest first, each with a restart where it had one, and that is proved. " + again
	case internal:
		return "No machine serves anything new yet. What was added to keystores and to the gateway’s trust stays, which takes nothing away; nothing has to go back."
	case at.Kind == string(rotation.StepPin):
		return "The new certificate is served and proved, and it stays. Entries at machines that are not refreshed yet stay as they are; nothing depends on them."
	case at.Kind == string(rotation.StepProve):
		return "The gateway serves the new certificate already. The listeners go back to the one from before, and that is proved. " + again
	case at.Kind == string(rotation.StepSwitch):
		return "The gateway is being changed at this moment. When that has ended, the listeners go back to the certificate from before, and that is proved. " + again
	case at.Kind == string(rotation.StepStage):
		return "The certificate is going into Key Vault at this moment. No listener is changed by the run any more; where one follows the vault, it goes back to the version from before, and that is proved."
	case at.Kind == string(rotation.StepTrust):
		return "Clients are served as before; no listener has been changed. The machine that is being prepared is brought to an end, and it is proved that everything is as before. What was added to keystores stays, which takes nothing away."
	}
	return "Nothing has been changed yet. The run ends, and everything stays as it is."
}

func untilNow(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return ""
	case d < time.Hour:
		return fmt.Sprintf(", which has been %d minutes until now", int(d.Round(time.Minute).Minutes()))
	}
	return ", which has been more than an hour until now"
}

// runServing is what clients get, as far as anybody knows.
type runServing struct {
	// Word is "old", "new", "back" (the new one of a run that takes another back),
	// "both", "other" or "" when it is not known.
	Word        string
	Sentence    string
	Certificate *pki.Description
	Since       time.Time
	// How says by what it is known.
	How string
}

// servingOf says what clients get: by the requests that were answered in the last
// seconds while the run goes on, and by its last proof when it has ended.
func servingOf(run journal.Run, plan keptPlan, traffic *runTraffic, going bool) runServing {
	if rollout.Made(run) {
		return runServing{}
	}
	undoOf := app.PurposeOf(run).UndoOf
	old, renewed := leavesOf(plan)
	word := func(sha256 string) string {
		switch {
		case renewed[sha256] && undoOf != "":
			return "back"
		case renewed[sha256]:
			return "new"
		case old[sha256]:
			return "old"
		}
		return "other"
	}
	sentences := map[string]string{
		"old":   "The certificate from before.",
		"new":   "The certificate that this run brings.",
		"both":  "Both: the gateway’s instances follow the change one by one. Each certificate is complete and valid.",
		"other": "Another certificate, neither the one from before nor the one of this run.",
	}
	if undoOf != "" {
		sentences["back"], sentences["old"] = "The certificate from before, which this run has brought back.", "The certificate that this run is to take back."
	}
	if going && traffic != nil {
		now := traffic.Now()
		if len(now) == 0 && traffic.Sent == 0 {
			return runServing{Sentence: "The first request is still on its way.", How: "by requests through the gateway, each with a handshake of its own"}
		}
		if len(now) == 0 {
			return runServing{Sentence: "Nothing has answered in the last seconds.", How: "by requests through the gateway, each with a handshake of its own"}
		}
		s := runServing{Word: word(now[0].Certificate.SHA256), Certificate: &now[0].Certificate, Since: now[0].Since, How: "by requests through the gateway, each with a handshake of its own"}
		if len(now) > 1 {
			s.Word, s.Certificate, s.Since = "both", nil, time.Time{}
		}
		s.Sentence = sentences[s.Word]
		return s
	}
	if seen, at := lastSeen(run); seen != nil {
		s := runServing{Word: word(seen.SHA256), Certificate: seen, Since: at, How: "by the handshakes at the end of the run"}
		s.Sentence = sentences[s.Word]
		return s
	}
	if plan.Serving != nil && !changesClients(run) {
		return runServing{Word: "old", Sentence: sentences["old"], Certificate: plan.Serving, How: "as it was seen before the run; nothing has been changed since"}
	}
	if plan.Serving == nil && plan.Certificate.SHA256 == "" {
		return runServing{}
	}
	// The gateway may serve anything then, also something that nobody planned.
	return runServing{Sentence: "Not known: what clients get has not been seen since the change. Look at the deployment to find out."}
}

// changesClients tells whether a run has begun anything that changes what clients get.
func changesClients(run journal.Run) bool {
	return slices.ContainsFunc(run.Steps, func(s journal.Step) bool {
		return s.Kind == string(rotation.StepSwitch) || s.Kind == string(rotation.StepStage)
	})
}

// lastSeen is what the run saw served at its end, and when.
func lastSeen(run journal.Run) (*pki.Description, time.Time) {
	if journal.WasFound(run.Outcome) || run.FinishedAt.IsZero() {
		return nil, time.Time{}
	}
	var result rotation.Result
	if json.Unmarshal(run.Summary, &result) != nil || result.After == nil {
		return nil, time.Time{}
	}
	return result.After, run.FinishedAt
}
