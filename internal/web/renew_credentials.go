package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// showCredentials asks for the two logins of Cloud Builder's page.
func (s *Server) showCredentials(w http.ResponseWriter, _ *http.Request, renewal *wizard.Renewal) error {
	renewal.Lock()
	defer renewal.Unlock()
	if renewal.Logins == (wizard.Logins{}) {
		renewal.Logins = s.givenLogins()
		given := s.options.App.Lookup
		renewal.Logins.ServerPFXPassword, renewal.Logins.PortalPFXPassword = secret.New(given("CARTOUCHE_SERVER_PFX_PASSWORD")), secret.New(given("CARTOUCHE_PORTAL_PFX_PASSWORD"))
	}
	l, d := renewal.Logins, renewal.Deployment
	page := credentialsPage{
		step: s.stepOf(renewal, wizard.Credentials), Deployment: d.Name, Portal: d.PortalContext != "", Most: wizard.MostAttempts,
		SiteAdmin: l.SiteAdmin, ServiceAccount: l.ServiceAccount, WithoutPortal: l.WithoutPortal,
		AdminError: renewal.Wrong["site-admin"], PasswordError: renewal.Wrong["site-admin-password"],
		Kept: !l.SiteAdminPassword.Empty(), ServiceKept: !l.ServiceAccountPassword.Empty(),
		ServiceError: renewal.Wrong["service-account"],
	}
	if renewal.Choices.Reach == app.ReachDSC {
		page.SetUpFiles = []setUpFile{{"server-pfx-password", "the servers", !l.ServerPFXPassword.Empty(), renewal.Wrong["server-pfx-password"]}}
		if page.Portal {
			page.SetUpFiles = append(page.SetUpFiles, setUpFile{"portal-pfx-password", "Portal", !l.PortalPFXPassword.Empty(), renewal.Wrong["portal-pfx-password"]})
		}
	}
	if until, locked := s.attempts.Locked(attemptAt(*renewal.Deployment, l.SiteAdmin)); locked && l.SiteAdmin != "" {
		page.Locked = noMoreTries(l.SiteAdmin, until)
	}
	return s.write(w, http.StatusOK, "renew-credentials", pages.Page{Title: "Logins", Active: "deployments", Scripts: []string{"forget.js"}, Data: page})
}

// givenLogins are those that the environment gives beforehand.
func (s *Server) givenLogins() wizard.Logins {
	given := s.options.App.GivenLogins()
	return wizard.Logins{
		SiteAdmin: given.SiteAdmin, SiteAdminPassword: given.SiteAdminPassword,
		ServiceAccount: given.ServiceAccount, ServiceAccountPassword: given.ServiceAccountPassword,
	}
}

// giveCredentials takes the logins, and makes the plan with them, which is how
// one finds out whether they are right.
func (s *Server) giveCredentials(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal) error {
	back := renewalPath(renewal, wizard.Credentials)
	typed := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	given := wizard.Logins{
		SiteAdmin: typed("site-admin"), SiteAdminPassword: secret.New(r.PostFormValue("site-admin-password")),
		ServiceAccount: typed("service-account"), ServiceAccountPassword: secret.New(r.PostFormValue("service-account-password")),
		WithoutPortal:     typed("without-portal") != "",
		ServerPFXPassword: secret.New(r.PostFormValue("server-pfx-password")), PortalPFXPassword: secret.New(r.PostFormValue("portal-pfx-password")),
	}
	renewal.Lock()
	before := renewal.Logins
	given.KeepFrom(before)
	if sameLogins(given, before) && s.goesOnFor(planKey(renewal)) {
		renewal.Unlock()
		return s.prepare(w, r, renewal) // clicked twice: it is one plan, and one try at Portal
	}
	renewal.Wrong = s.wrongLogins(renewal, given)
	renewal.Logins = given
	renewal.Reopen(wizard.Credentials)
	wrong := len(renewal.Wrong) > 0
	renewal.Unlock()
	if wrong {
		return leadTo(w, r, back)
	}
	return s.prepare(w, r, renewal)
}

// sameLogins tells whether the same was typed.
func sameLogins(a, b wizard.Logins) bool {
	return a.SiteAdmin == b.SiteAdmin && a.ServiceAccount == b.ServiceAccount && a.WithoutPortal == b.WithoutPortal &&
		a.SiteAdminPassword.Reveal() == b.SiteAdminPassword.Reveal() && a.ServiceAccountPassword.Reveal() == b.ServiceAccountPassword.Reveal() &&
		a.ServerPFXPassword.Reveal() == b.ServerPFXPassword.Reveal() && a.PortalPFXPassword.Reveal() == b.PortalPFXPassword.Reveal()
}

// planKey is of the work that makes the plan that a renewal needs now.
func planKey(renewal *wizard.Renewal) string { return fmt.Sprint(renewal.ID, " plan ", renewal.Turn) }

// goesOnFor tells whether work with this key goes on.
func (s *Server) goesOnFor(key string) bool {
	return len(s.book.Find(func(w *work.Work) bool { return w.Job().Key == key && !w.Ended() })) > 0
}

// wrongLogins says by field what is missing, and stops after too many wrong passwords.
func (s *Server) wrongLogins(renewal *wizard.Renewal, l wizard.Logins) map[string]string {
	wrong := map[string]string{}
	if renewal.Choices.Reach == app.ReachDSC {
		wrongForDSC(wrong, l, renewal.Deployment.PortalContext != "")
	}
	if renewal.Deployment.PortalContext == "" || l.WithoutPortal {
		return wrong
	}
	if l.SiteAdmin == "" {
		wrong["site-admin"] = "Name the site administrator, or go on without Portal."
	} else if l.SiteAdminPassword.Empty() {
		wrong["site-admin-password"] = "Type the password of " + l.SiteAdmin + ", or go on without Portal."
	}
	if _, locked := s.attempts.Locked(attemptAt(*renewal.Deployment, l.SiteAdmin)); locked && l.SiteAdmin != "" {
		wrong["site-admin-password"] = "This password was not tried."
	}
	return wrong
}

// wrongForDSC says what the way dsc lacks.
func wrongForDSC(wrong map[string]string, l wizard.Logins, portal bool) {
	if l.ServiceAccount == "" || l.ServiceAccountPassword.Empty() {
		wrong["service-account"] = "The machines’ DSC works as the service account: give its name and its password."
	}
	if l.ServerPFXPassword.Empty() {
		wrong["server-pfx-password"] = "The machines’ DSC opens this file again: type its password."
	}
	if portal && l.PortalPFXPassword.Empty() {
		wrong["portal-pfx-password"] = "The machines’ DSC opens this file again: type its password."
	}
}

// prepare observes the deployment with the logins and makes the plan. A login
// that Portal does not take leads back to its field.
func (s *Server) prepare(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal) error {
	renewal.Lock()
	turn, asked, credentials, d, saved := renewal.Turn, renewalOf(renewal), credentialsOf(renewal.Logins), *renewal.Deployment, renewal.Saved
	if saved != nil {
		asked = asked.OfPlan(*saved)
	}
	key := planKey(renewal)
	renewal.Unlock()
	review, back := renewalPath(renewal, wizard.Review), renewalPath(renewal, wizard.Credentials)
	job := work.Job{Kind: "plan", Title: "Looking at " + d.Name + " and making the plan", Key: key, Next: review, Back: back}
	return s.showWork(w, r, s.begin(job, func(ctx context.Context, session *app.Session) (any, error) {
		ready, left, err := trying(s, d, credentials.SiteAdmin, func() (*app.Prepared, error) { return session.Prepare(ctx, d, credentials, asked) })
		if errors.Is(err, errNotTried) {
			renewal.Lock()
			defer renewal.Unlock()
			renewal.Wrong = map[string]string{"site-admin-password": "This password was not tried."}
			return nil, leadElsewhere(back)
		}
		if err != nil {
			return nil, err
		}
		refused := ready.RefusedSiteAdmin()
		renewal.Lock()
		defer renewal.Unlock()
		if renewal.Turn != turn {
			go ready.Session.Close(context.WithoutCancel(s.ctx))
			return nil, nil // something else was said meanwhile, or the pages were locked
		}
		if refused != nil {
			go ready.Session.Close(context.WithoutCancel(s.ctx))
			renewal.Logins.SiteAdminPassword = secret.Secret{}
			renewal.Wrong = map[string]string{"site-admin-password": pages.Sentences(refused.Message, triesLeft(ready.LoginJudged(), left))}
			return nil, leadElsewhere(back)
		}
		if saved != nil {
			if err := ready.TakeSaved(*saved); err != nil {
				go ready.Session.Close(context.WithoutCancel(s.ctx))
				renewal.Saved, renewal.Notice = nil, "The plan that was saved is not used any more: what you go on with is a new one."
				return nil, err
			}
		}
		renewal.Keep(ready, func() { ready.Session.Close(context.WithoutCancel(s.ctx)) })
		renewal.Answers[wizard.Credentials] = cmp.Or(renewal.Logins.SiteAdmin, "none")
		return nil, nil
	}))
}

// triesLeft says how many tries are left of a login that was not taken; where nobody
// has judged it, none was lost.
func triesLeft(judged app.LoginJudged, left int) string {
	switch {
	case judged != app.LoginRefused:
		return "The password may be right: it was not judged."
	case left == 0:
		return "No try is left for now."
	case left == 1:
		return "One try is left."
	}
	return fmt.Sprintf("%d tries are left.", left)
}
