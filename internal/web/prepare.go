package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// asked is what an errand is planned with.
type asked struct {
	credentials rotation.Credentials
	reach       app.Reach
	noClaim     bool
}

// prepared gives the plan of an errand for its page, and makes it when nobody has,
// with the logins that were given; those are asked for first where they are
// needed. sent tells that the answer is something else than the plan: the page of
// logins, or that of progress, which leads back.
func (s *Server) prepared(w http.ResponseWriter, r *http.Request, p errandPlan, active string, plan func(context.Context, *app.Session, asked) (pending, error)) (one pending, sent bool, err error) {
	query := r.URL.Query()
	e := s.errand(p.key)
	if query.Get("logins") != "" {
		return pending{}, true, s.showLogins(w, p, e, active)
	}
	if kept, there := s.pending.get(p.key, s.options.App.Now()); there && query.Get("again") == "" {
		return kept, false, nil
	}
	e.Lock()
	ready := e.asked || e.given()
	e.Unlock()
	if !ready && !p.optional {
		return pending{}, true, s.showLogins(w, p, e, active)
	}
	return pending{}, true, s.plan(w, r, p, e, plan)
}

// plan plans an errand, as work of the server.
func (s *Server) plan(w http.ResponseWriter, r *http.Request, p errandPlan, e *errand, plan func(context.Context, *app.Session, asked) (pending, error)) error {
	e.Lock()
	turn, with := e.turn, asked{credentials: credentialsOf(e.logins), reach: e.reachAsked(), noClaim: e.noClaim}
	e.Unlock()
	if with.credentials.SiteAdminPassword.Empty() {
		with.credentials.SiteAdmin = ""
	}
	era := s.pending.now()
	job := work.Job{Kind: "plan", Title: p.title, About: p.gateway, Key: fmt.Sprint(p.key, " ", turn), Next: p.next, Back: p.logins}
	return s.showWork(w, r, s.begin(job, func(ctx context.Context, session *app.Session) (any, error) {
		made, left, err := trying(s, p.at(), with.credentials.SiteAdmin, func() (pending, error) { return plan(ctx, session, with) })
		if errors.Is(err, errNotTried) {
			e.refuseLogin(turn, "This password was not tried.")
			return nil, leadElsewhere(p.logins)
		}
		if err != nil {
			session.Close(context.WithoutCancel(ctx))
			return nil, err
		}
		if refused := made.loginRefused(); refused != nil {
			session.Close(context.WithoutCancel(ctx))
			e.refuseLogin(turn, pages.Sentences(refused.Message, triesLeft(made.LoginJudged(), left)))
			return nil, leadElsewhere(p.logins)
		}
		e.Lock()
		defer e.Unlock()
		if e.turn != turn {
			era = -1 // something else was said meanwhile, or the pages were locked
		}
		s.pending.keepOf(era, p.key, made, s.options.App.Now())
		return nil, nil
	}))
}

// LoginJudged is what ArcGIS has said of the login.
func (p pending) LoginJudged() app.LoginJudged {
	if p.machines != nil {
		return p.machines.LoginJudged()
	}
	return p.ready.LoginJudged()
}

// loginRefused is the failure of a login that ArcGIS does not take, nil when it took it.
func (p pending) loginRefused() *app.Failure {
	switch {
	case p.ready != nil && p.cleaning == nil:
		return p.ready.RefusedSiteAdmin()
	case p.machines != nil:
		return p.machines.RefusedSiteAdmin()
	}
	return nil
}

// planWithLogins takes the logins that were typed, and plans the errand anew with
// them; when something is wrong with them the page of logins says so.
func (s *Server) planWithLogins(w http.ResponseWriter, r *http.Request, p errandPlan, plan func(context.Context, *app.Session, asked) (pending, error)) error {
	e := s.errand(p.key)
	if !s.takeLogins(w, r, p, e) {
		return leadTo(w, r, p.logins)
	}
	s.pending.forget(p.key)
	return s.plan(w, r, p, e, plan)
}
