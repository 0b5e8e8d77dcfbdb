package web

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"sync"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// signedIn is who is signed in: one person, or one application, for all pages.
type signedIn struct {
	mu sync.Mutex
	// login is who is signed in with tenant and subscriptions, nil when nobody is.
	login *app.Login
	// pending has signed in and is still to choose a tenant or subscriptions.
	pending *app.Login
	// fresh tells that pending has just signed in, and is not another tenant of
	// the sign-in that is used.
	fresh bool
	// tried tells that what was kept of an earlier sign-in was tried.
	tried bool
}

// notSignedIn is the failure of whatever needs a sign-in.
func notSignedIn() error {
	return &app.Failure{Code: notSignedInCode, Message: "nobody is signed in", Hint: "cartouche login", Serving: app.NothingChanged, Exit: app.ExitPreflight}
}

const notSignedInCode = "not-signed-in"

func isNotSignedIn(err error) bool { return app.Explain(err).Code == notSignedInCode }

// session is that of who is signed in. What was kept of an earlier sign-in, or
// what the environment says, is used when nobody has signed in here yet.
func (s *Server) session(ctx context.Context) (*app.Session, error) {
	login, err := s.login(ctx)
	if err != nil {
		return nil, err
	}
	return login.Session, nil
}

// login is who is signed in.
func (s *Server) login(ctx context.Context) (*app.Login, error) {
	s.signed.mu.Lock()
	defer s.signed.mu.Unlock()
	if s.signed.login != nil {
		return s.signed.login, nil
	}
	if s.signed.tried {
		return nil, notSignedIn()
	}
	login, err := s.options.App.Kept(ctx)
	s.signed.tried = ctx.Err() == nil // a tab that was closed meanwhile says nothing about the sign-in
	if err != nil || login == nil {
		return nil, cmp.Or(err, notSignedIn())
	}
	s.signed.login = login
	return login, nil
}

// enter makes this the sign-in of all pages. What was found and planned by another
// goes, and nobody's renewal goes on with it by itself: it begins again where the
// deployment is chosen. Where it is another person, or nobody, passwords and files
// go, too.
func (s *Server) enter(login *app.Login) {
	s.signed.mu.Lock()
	before := s.signed.login
	s.signed.login, s.signed.pending, s.signed.fresh, s.signed.tried = login, nil, false, true
	s.signed.mu.Unlock()
	s.forgetDeployments()
	if before == nil {
		return // nobody has planned anything
	}
	s.pending.forgetAll()
	if login == nil || login.Identity.ObjectID != before.Identity.ObjectID || login.Identity.Name != before.Identity.Name {
		s.renewals.Lock()
		s.uploads.Lock()
		s.errands.lock()
	}
	s.renewals.SignedInAnew("Another sign-in is used since: choose the deployment once more.")
	s.uploads.SignedInAnew("")
}

// mayChange tells, as an error, that the sign-in cannot be changed now: a run that
// goes on needs it, also to go back.
func (s *Server) mayChange() error {
	going := s.Running()
	if len(going) == 0 {
		return nil
	}
	return &answer{http.StatusConflict, "A run goes on", pages.Notice{
		Kind: "warning", Title: "The sign-in was not changed",
		Text: going[0].Title + ": this goes on at this moment and needs the sign-in, also to go back if it has to.",
		Next: []string{"Wait for its end, then do it again."}, Link: "/history", LinkText: "See the runs",
	}}
}

// wait keeps a sign-in that still has to choose; fresh tells that somebody has
// just signed in for it.
func (s *Server) wait(ctx context.Context, login *app.Login, fresh bool) {
	s.signed.mu.Lock()
	defer s.signed.mu.Unlock()
	s.giveUp(ctx)
	s.signed.pending, s.signed.fresh = login, fresh
}

// giveUp leaves no tokens behind of a sign-in that nobody went on with.
func (s *Server) giveUp(ctx context.Context) {
	if s.signed.pending != nil && s.signed.fresh {
		s.signed.pending.TakeBack(ctx)
	}
	s.signed.pending, s.signed.fresh = nil, false
}

// keepPending takes a sign-in over that has to choose, so that another tenant of
// it does not give it up; it tells whether somebody has just signed in for it.
func (s *Server) keepPending(login *app.Login) (fresh bool) {
	s.signed.mu.Lock()
	defer s.signed.mu.Unlock()
	fresh = s.signed.pending == login && s.signed.fresh
	s.signed.fresh = false
	return fresh
}

// choosing is the sign-in whose tenant or subscriptions are chosen: one that has
// not chosen yet, else the one that is used.
func (s *Server) choosing(ctx context.Context) (*app.Login, error) {
	s.signed.mu.Lock()
	pending := s.signed.pending
	s.signed.mu.Unlock()
	if pending != nil {
		return pending, nil
	}
	return s.login(ctx)
}

// person is who is signed in, as every page shows it; "" for nobody.
func (s *Server) person() (name, in string) {
	s.signed.mu.Lock()
	defer s.signed.mu.Unlock()
	if s.signed.login == nil {
		return "", ""
	}
	return briefly(s.signed.login), cloudTitle(s.signed.login.In)
}

// who is what a sign-in is called.
func who(l *app.Login) string { return cmp.Or(l.Identity.Name, string(l.Choice.Options.Kind)) }

// briefly is who, for the top of each page: an application is told by what it is
// and the beginning of its id, which nobody knows by heart.
func briefly(l *app.Login) string {
	name := who(l)
	of := map[cloud.SignInKind]string{cloud.ServicePrincipal: "service principal", cloud.ManagedIdentity: "managed identity"}[l.Choice.Options.Kind]
	if of != "" && len(name) > 12 {
		return of + " " + name[:8] + "…"
	}
	return name
}

// clouds are the separate worlds of Azure.
var clouds = []option{
	{Value: cloud.Public().Name, Text: "Azure", Hint: "The one that nearly everybody has."},
	{Value: cloud.USGovernment().Name, Text: "Azure US Government"},
	{Value: cloud.China().Name, Text: "Azure China"},
}

func cloudTitle(in cloud.Cloud) string {
	for _, c := range clouds {
		if c.Value == in.Name {
			return c.Text
		}
	}
	return in.Name
}

// answerSignIn answers the first three steps of a renewal, which are about the
// sign-in that all renewals share. The renewal's lock is held.
func (s *Server) answerSignIn(renewal *wizard.Renewal) {
	s.signed.mu.Lock()
	defer s.signed.mu.Unlock()
	for _, step := range []wizard.Step{wizard.SignIn, wizard.Tenant, wizard.Subscription} {
		delete(renewal.Answers, step)
	}
	if l := s.signed.login; l != nil {
		renewal.Answers[wizard.SignIn], renewal.Answers[wizard.Tenant], renewal.Answers[wizard.Subscription] = who(l), app.TenantTitle(l.Tenant), subscriptionsTitle(l)
	}
}

// subscriptionsTitle says where is looked.
func subscriptionsTitle(l *app.Login) string {
	known := map[string]string{}
	if l.Choice.Remembered != nil {
		for _, s := range l.Choice.Remembered.Subscriptions {
			known[s.ID] = s.Name
		}
	}
	for _, s := range l.Subscriptions {
		known[s.ID] = s.Name
	}
	var names []string
	for _, id := range l.Scope.Subscriptions {
		names = append(names, cmp.Or(known[id], id))
	}
	return cmp.Or(strings.Join(few(names, 3), ", "), "all of the tenant")
}
