package web

import (
	"encoding/json"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// runView is what the page of a run shows. It is made of the journal, so that a
// reload, a second tab and a server that was started again show the same; what is
// told and measured meanwhile comes on top while the run is this server's.
type runView struct {
	Run          journal.Run
	DeploymentID string
	Title        string
	Badge        pages.Badge
	Sentence     string
	// Going is a run that goes on, Here one of this server, Cut one that has no end
	// and does not go on.
	Going, Here, Cut, Stopping bool
	// Unwritten is one whose end the journal could not take.
	Unwritten bool
	Purpose   app.Purpose
	Took      time.Duration // 0 as long as that is not known
	// Now is what is being done at this moment, Told what was told before.
	Now   string
	Told  []work.Event
	Left  int // of Told, not kept any more
	Steps []runStep
	// Serving is what clients get, as far as anybody knows.
	Serving runServing
	// Stop says what stopping means at this moment; "" when there is nothing to stop.
	Stop string

	Failure, Hint, Unclaimed string
	NotRestored, Unknown     []runDifference
	Stays                    []string
	Removed                  []string
	Soaking                  []rotation.Soaking
	Machines                 []rollout.Changed
	Proof                    *runProof
	Operations               []string
	GatewayWrites, Restarts  int
	// Found is how a run that was cut off was found later.
	Found *rotation.Aftermath
	// Signed says whose signature the evidence has, "" when there is none.
	Signed string
	// MayUndo tells that there is something to take back.
	MayUndo bool
	// Again tells that it makes sense to begin the same once more.
	Again bool
	// Traffic are the requests that were sent meanwhile, nil when none were.
	Traffic *runTraffic
}

// liveRun is what is known of a run beside the journal.
type liveRun struct {
	// work is the run as this server's work, nil when it is none.
	work *work.Work
	// going tells that a run of this user works on the gateway now.
	going bool
	now   time.Time
}

// kept are the parts of plans and of what was there before that the page shows;
// both kinds of runs have them.
type keptPlan struct {
	Steps []struct {
		Kind     string   `json:"kind"`
		Title    string   `json:"title"`
		Changes  []string `json:"changes"`
		Restarts []string `json:"restarts"`
		Undo     string   `json:"undo"`
	} `json:"steps"`
	Certificate pki.Description  `json:"certificate"`
	Serving     *pki.Description `json:"serving"`
	Moves       []rotation.Move  `json:"moves"`
}

// endKind is what the work of a run keeps of its end.
const endKind = "end"

// endOf is a run with its end. Where the journal could not take it (a disk that is
// full), this program still knows it; unwritten tells so.
func endOf(run journal.Run, live liveRun) (whole journal.Run, unwritten bool) {
	if run.Outcome != journal.InDoubt || live.work == nil {
		return run, false
	}
	at, ended := live.work.EndedAt()
	end := live.work.Value(endKind)
	outcome := rotation.Outcome("")
	switch result := end.(type) {
	case rotation.Result:
		outcome = result.Outcome
	case rollout.Result:
		outcome = result.Outcome
	}
	document, err := json.Marshal(end)
	if !ended || outcome == "" || err != nil {
		return run, false
	}
	run.Outcome, run.Summary, run.FinishedAt = string(outcome), document, at
	return run, true
}

// runViewOf is the page of a run.
func runViewOf(run journal.Run, live liveRun) runView {
	run, unwritten := endOf(run, live)
	v := runView{Run: run, DeploymentID: pathOfRun(run), Purpose: app.PurposeOf(run), Unwritten: unwritten}
	v.Here = live.work != nil && !live.work.Ended()
	v.Going = run.Outcome == journal.InDoubt && (v.Here || live.going)
	v.Cut = run.Outcome == journal.InDoubt && !v.Going
	v.Badge, v.Sentence = outcomeBadge(run.Outcome, v.Going), outcomeSentence(run.Outcome, v.Going)
	if !run.FinishedAt.IsZero() && !journal.WasFound(run.Outcome) {
		v.Took = run.FinishedAt.Sub(run.StartedAt)
	}
	var plan keptPlan
	_ = json.Unmarshal(run.Plan, &plan) // what cannot be read is not shown
	if of := v.Purpose.UndoOf; of != "" && run.Outcome == string(rotation.Verified) {
		v.Sentence = takenBack(of)
	}
	v.Title = titleOfRun(run, v.Purpose)
	if live.work != nil {
		v.Stopping = live.work.Stopping()
		v.tell(toldBy(live.work))
	} else if kept, known := toldOf(run); known {
		v.tell(kept)
	}
	v.Steps = stepsOfRun(run, plan, v.Going, live.now)
	if v.Unwritten {
		notWritten(v.Steps)
	}
	v.result(run)
	v.Traffic = trafficOf(run, live, plan)
	v.Serving = servingOf(run, plan, v.Traffic, v.Going)
	if v.Going {
		v.Stop = stopMeans(run, v.Purpose.AtMachines, live.now)
	}
	v.MayUndo = !v.Going && app.MayUndo(run)
	v.Again = v.Purpose == (app.Purpose{}) && !v.Going && run.Outcome != string(rotation.Verified)
	return v
}

func titleOfRun(run journal.Run, purpose app.Purpose) string {
	name := run.DeploymentName
	switch {
	case purpose.UndoOf != "":
		return "Taking run " + purpose.UndoOf + " of " + name + " back"
	case purpose.Cleans:
		return "Cleaning " + name
	case purpose.AtMachines:
		return "Replacing the machines’ certificates of " + name
	}
	return "Renewing the certificate of " + name
}

// tell takes over what the run has told.
func (v *runView) tell(t told) {
	v.Left = t.Left
	for _, event := range t.Events {
		if event.Waiting && v.Going {
			v.Now = event.Text
		} else if event.Phase != rotation.PhaseDone {
			v.Told = append(v.Told, event)
		}
	}
}
