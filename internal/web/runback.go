package web

import (
	"context"
	"net/http"
	"slices"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// undoView is the page that shows the plan of taking a run back.
type undoView struct {
	Run          journal.Run
	DeploymentID string
	Answer       string // names the plan in the form
	Serving      *pki.Description
	BackTo       *pki.Description
	Steps        []rotation.Step
	Findings     pki.Findings
	Failure      *app.Failure
	Nothing      bool
}

func (s *Server) undoPage(w http.ResponseWriter, r *http.Request) error {
	run, err := s.runToTakeBack(r)
	if err != nil {
		return err
	}
	kept, sent, err := s.prepareOnce(w, r, work.Job{
		Title: "Looking what taking run " + run.ID + " back means", About: run.GatewayID,
		Key: "undo " + run.ID, Next: r.URL.Path, Back: "/runs/" + run.ID,
	}, func(ctx context.Context, session *app.Session) (pending, error) {
		ready, err := session.PrepareUndo(ctx, run, credentialsOf(s.givenLogins()), app.Looking{})
		return pending{ready: ready}, err
	})
	if sent || err != nil {
		return err
	}
	plan := kept.ready.Plan
	view := undoView{
		Run: run, DeploymentID: pathOfRun(run), Answer: kept.answer, Serving: plan.Serving, Steps: slices.Clone(plan.Steps),
		Findings: slices.Concat(plan.Findings, plan.Obstacles), Failure: kept.ready.Failure(), Nothing: plan.NothingToDo(),
	}
	for i := range view.Steps {
		view.Steps[i].Title = pages.Capital(view.Steps[i].Title)
	}
	if plan.Certificate.SHA256 != "" {
		view.BackTo = &plan.Certificate
	}
	return s.write(w, http.StatusOK, "undo", pages.Page{Title: "Take run " + run.ID + " back?", Active: "history", Data: view})
}

// runToTakeBack is the run that a request is about, if pages can take it back.
func (s *Server) runToTakeBack(r *http.Request) (journal.Run, error) {
	run, err := s.options.App.WholeRun(r.Context(), r.PathValue("id"))
	if err != nil {
		return run, err
	}
	if rollout.Made(run) {
		return run, &answer{http.StatusConflict, "Take this run back on a command line", pages.Notice{
			Kind: "info", Title: "Nothing was changed",
			Text:    "This run replaced the certificates of machines. The pages cannot take such a run back yet; the command line can.",
			Command: "cartouche undo " + run.ID, Link: "/runs/" + run.ID, LinkText: "Back to the run",
		}}
	}
	return run, nil
}

func (s *Server) undoNow(w http.ResponseWriter, r *http.Request) error {
	run, err := s.runToTakeBack(r)
	if err != nil {
		return err
	}
	kept, ok := s.pending.take("undo "+run.ID, r.PostFormValue("plan"))
	if run := s.answered(r.PostFormValue("plan")); !ok && run != nil {
		return s.showWork(w, r, run)
	}
	if !ok {
		return leadTo(w, r, r.URL.Path) // it was made anew: look again
	}
	return s.showWork(w, r, s.startPrepared("Taking run "+run.ID+" of "+run.DeploymentName+" back", "/runs/"+run.ID, kept.answer, kept.ready,
		func(ctx context.Context, report app.Report) error { return kept.ready.Undo(ctx, nil, report) }))
}

// cleanView is the page that shows what would be removed.
type cleanView struct {
	Name, DeploymentID string
	Answer             string
	Entries            []string
	Soaking            []rotation.Soaking
	// Now tells that what soaks goes, too.
	Now bool
}

func (s *Server) cleanPage(w http.ResponseWriter, r *http.Request) error {
	list, sent, err := s.found(w, r)
	if sent || err != nil {
		return err
	}
	id := r.PathValue("id")
	chosen, known := list.byPath(id)
	if !known {
		return notFound("There is no such deployment among those that you may see.")
	}
	now := r.URL.Query().Get("now") != ""
	soak, next := rotation.Soak{Now: s.options.App.Now(), For: rotation.DefaultSoak}, r.URL.Path
	if now {
		soak.For, next = 0, next+"?now=1"
	}
	kept, sent, err := s.prepareOnce(w, r, work.Job{
		Title: "Looking what runs have left on " + chosen.Name, About: chosen.GatewayID,
		Key: cleanKey(id, now), Next: next, Back: "/deployments/" + id,
	}, func(ctx context.Context, session *app.Session) (pending, error) {
		cleaning, err := session.PrepareClean(ctx, chosen.Deployment, credentialsOf(s.givenLogins()), app.Looking{}, soak)
		if err != nil {
			return pending{}, err
		}
		return pending{ready: cleaning.Prepared, cleaning: cleaning}, nil
	})
	if sent || err != nil {
		return err
	}
	view := cleanView{Name: chosen.Name, DeploymentID: id, Answer: kept.answer, Entries: kept.cleaning.Entries, Soaking: kept.cleaning.Soaking, Now: now}
	return s.write(w, http.StatusOK, "clean", pages.Page{Title: "Clean up " + chosen.Name, Active: "deployments", Data: view})
}

func cleanKey(id string, now bool) string {
	if now {
		return "clean now " + id
	}
	return "clean " + id
}

func (s *Server) cleanNow(w http.ResponseWriter, r *http.Request) error {
	id, now := r.PathValue("id"), r.PostFormValue("now") != ""
	kept, ok := s.pending.take(cleanKey(id, now), r.PostFormValue("plan"))
	if run := s.answered(r.PostFormValue("plan")); !ok && run != nil {
		return s.showWork(w, r, run)
	}
	if !ok || len(kept.cleaning.Entries) == 0 {
		return leadTo(w, r, r.URL.Path)
	}
	return s.showWork(w, r, s.startPrepared("Cleaning "+kept.ready.State.Deployment.Name, "/deployments/"+id, kept.answer, kept.ready,
		func(ctx context.Context, report app.Report) error { return kept.cleaning.Clean(ctx, nil, report) }))
}

// startPrepared carries out what was prepared by other work. The run is told how
// it goes on, and what was opened for it is closed at its end.
func (s *Server) startPrepared(title, back, key string, ready *app.Prepared, act func(context.Context, app.Report) error) *work.Work {
	return s.startRun(newRun{
		Title: title, Gateway: ready.State.Gateway.ID(), Back: back, Key: key, State: ready.State, Network: ready.Session.Network,
		Do: func(ctx context.Context, a *app.App, begun func(string)) error {
			opened := ready.Session
			defer opened.Close(context.WithoutCancel(ctx))
			ready.Session = opened.With(a.Tell)
			ready.Runner.Report, ready.Runner.Begun = a.Tell.Event, begun
			return act(ctx, func(_ rotation.Result, _ string, failure *app.Failure) error {
				if failure == nil {
					return nil
				}
				return failure
			})
		},
	})
}
