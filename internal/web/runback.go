package web

import (
	"context"
	"net/http"
	"slices"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
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
	// Machines is the plan of a run that replaced the certificates of machines.
	Machines *machinesPlan
	// WithoutLogin tells that Portal was not asked, since nobody has said with what.
	WithoutLogin bool
}

// backErrand is taking a run back, as it is prepared.
func backErrand(run journal.Run) (errandPlan, error) {
	kept, err := app.KeptOf(run)
	if err != nil {
		return errandPlan{}, err
	}
	p := errandPlan{
		key: "undo " + run.ID, title: "Looking what taking run " + run.ID + " back means",
		gateway: run.GatewayID, deployment: run.DeploymentID,
		logins: "/runs/" + run.ID + "/undo?logins=1", action: "/runs/" + run.ID + "/undo/logins", next: "/runs/" + run.ID + "/undo",
		crumbs: []crumb{{"History", "/history"}, {run.ID, "/runs/" + run.ID}},
	}
	switch {
	case app.BackAtMachines(run):
		p.lead = "To take run " + run.ID + " back at the machines, the site administrator signs in there. The logins are checked at once, and the plan is made. Nothing is changed by that."
	case kept.When() == app.WithLogin:
		p.optional = true
		p.lead = "Run " + run.ID + " also changed something on machines. With these logins that is taken back, too; without, only the gateway goes back."
	default:
		p.optional = true
		p.lead = "With the site administrator’s login, Portal’s federation is validated before and after run " + run.ID + " is taken back."
	}
	return p, nil
}

// planBack plans to take a run back.
func planBack(run journal.Run) func(context.Context, *app.Session, asked) (pending, error) {
	return func(ctx context.Context, session *app.Session, with asked) (pending, error) {
		given := func(context.Context, deployment.Deployment, bool) (rotation.Credentials, error) {
			return with.credentials, nil
		}
		back, err := session.PrepareBack(ctx, run, given, app.Looking{Reach: with.reach, NoLease: with.noClaim})
		return pending{ready: back.Gateway, machines: back.Machines}, err
	}
}

func (s *Server) undoPage(w http.ResponseWriter, r *http.Request) error {
	run, err := s.options.App.WholeRun(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	errand, err := backErrand(run)
	if err != nil {
		return err
	}
	kept, sent, err := s.prepared(w, r, errand, "history", planBack(run))
	if sent || err != nil {
		return err
	}
	view := undoView{Run: run, DeploymentID: pathOfRun(run), Answer: kept.answer}
	title := pages.Page{Title: "Take run " + run.ID + " back?", Active: "history"}
	if kept.machines != nil {
		shown := machinesPlanOf(kept.machines)
		view.Machines, view.Failure, view.Nothing = &shown, kept.machines.Failure(), kept.machines.Plan.NothingToDo()
		title.Data = view
		return s.write(w, http.StatusOK, "undo", title)
	}
	plan := kept.ready.Plan
	view.Serving, view.Steps, view.Findings = plan.Serving, slices.Clone(plan.Steps), slices.Concat(plan.Findings, plan.Obstacles)
	view.Failure, view.Nothing = kept.ready.Failure(), plan.NothingToDo()
	view.WithoutLogin = kept.ready.State.Sites.PortalURL != "" && !kept.ready.State.Sites.SignedIn
	for i := range view.Steps {
		view.Steps[i].Title = pages.Capital(view.Steps[i].Title)
	}
	if plan.Certificate.SHA256 != "" {
		view.BackTo = &plan.Certificate
	}
	title.Data = view
	return s.write(w, http.StatusOK, "undo", title)
}

// undoLogins takes the logins with which a run is to be taken back, and plans it anew.
func (s *Server) undoLogins(w http.ResponseWriter, r *http.Request) error {
	run, err := s.options.App.WholeRun(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	errand, err := backErrand(run)
	if err != nil {
		return err
	}
	return s.planWithLogins(w, r, errand, planBack(run))
}

func (s *Server) undoNow(w http.ResponseWriter, r *http.Request) error {
	run, err := s.options.App.WholeRun(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	key := "undo " + run.ID
	kept, ok := s.pending.take(key, r.PostFormValue("plan"))
	if run := s.answered(r.PostFormValue("plan")); !ok && run != nil {
		return s.showWork(w, r, run)
	}
	if !ok {
		return leadTo(w, r, r.URL.Path) // it was made anew: look again
	}
	s.errands.done(key)
	title, back := "Taking run "+run.ID+" of "+run.DeploymentName+" back", "/runs/"+run.ID
	if kept.machines != nil {
		return s.showWork(w, r, s.startAtMachines(title, back, kept.answer, kept.machines,
			func(ctx context.Context, report app.MachinesReport) error {
				return kept.machines.Undo(ctx, s.options.SignKey, report)
			}))
	}
	return s.showWork(w, r, s.startPrepared(title, back, kept.answer, kept.ready,
		func(ctx context.Context, report app.Report) error {
			return kept.ready.Undo(ctx, s.options.SignKey, report)
		}))
}
