package web

import (
	"context"
	"net/http"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// showReview shows the plan. Nothing has been changed until somebody says go.
func (s *Server) showReview(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal) error {
	renewal.Lock()
	defer renewal.Unlock()
	ready, made := renewal.Ready.(*app.Prepared)
	if !made {
		renewal.Notice = "The plan is made with the logins: they are checked first."
		return leadTo(w, r, renewalPath(renewal, wizard.Credentials))
	}
	page := reviewPage{
		step: s.stepOf(renewal, wizard.Review), Plan: review(ready.Plan, ready.State, renewal.Logins, machinesText(ready)),
		Changes: ready.WouldChange(), Saved: renewal.Saved != nil, MadeAt: ready.State.At,
	}
	page.Command, page.CommandSaid = commandOf(renewal)
	page.Plan.Facts = append(page.Plan.Facts, fact{"The evidence of the run", s.willBeSigned()})
	page.Rehearsal = s.offerOf(renewalPath(renewal, "")+"/rehearse", rehearsalOfRenewal(renewal), renewal.Choices.Reach, lessons)
	return s.write(w, http.StatusOK, "renew-review", pages.Page{Title: "Review the plan", Active: "deployments", Data: page})
}

// machinesText says how the machines are reached, or why they need not be.
func machinesText(ready *app.Prepared) string {
	switch d := ready.State.Deployment; {
	case ready.Access.Way != nil:
		return pages.Capital(ready.Access.Why)
	case ready.Access.Why != "":
		return "Not looked at: " + pages.InPages(ready.Access.Why)
	case d.Generation == deployment.Plain:
		return ""
	}
	return "Not looked at, since nothing on them depends on it. To refresh the entry in which Cloud Builder pins this certificate, choose under “More choices” how they are reached."
}

// planAgain observes and plans once more, with the same answers.
func (s *Server) planAgain(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal) error {
	renewal.Lock()
	renewal.Reopen(wizard.Credentials)
	renewal.Unlock()
	return s.prepare(w, r, renewal)
}

// goNow starts what was shown, and leads to its run. It goes on when the tab is
// closed; the renewal, with its secrets, has ended.
func (s *Server) goNow(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal) error {
	renewal.Lock()
	ready, made := renewal.Ready.(*app.Prepared)
	switch {
	case !made && s.answered(renewal.ID) != nil:
		renewal.Unlock()
		return s.showWork(w, r, s.answered(renewal.ID)) // Go was clicked twice
	case !made, ready.Plan.Hash != r.PostFormValue("plan"):
		renewal.Notice = "The plan has been made anew since you saw it: look at it again."
	case ready.Plan.Refused() || ready.Plan.Blocked():
		renewal.Notice = "This plan cannot be carried out."
	default:
		renewal.Take()
		wk := s.startPrepared("Renewing the certificate of "+ready.State.Deployment.Name, "/", renewal.ID, ready,
			func(ctx context.Context, report app.Report) error { return ready.Apply(ctx, s.options.SignKey, report) })
		renewal.Unlock()
		s.renewals.Drop(renewal.ID)
		return s.showWork(w, r, wk)
	}
	renewal.Unlock()
	return leadTo(w, r, renewalPath(renewal, wizard.Review))
}
