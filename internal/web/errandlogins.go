package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// machineReaches are the ways to machines that a page can go.
var machineReaches = []option{
	{Value: app.ReachAuto, Text: "However it works", Hint: "Directly where they can be dialled from here, else by the small program."},
	{Value: app.ReachDirect, Text: "Directly", Hint: "From this computer, in their network or connected to it."},
	{Value: app.ReachAgent, Text: "By a small program", Hint: "Azure’s Run Command runs it on each machine; it leaves nothing."},
}

// loginsPage is logins.html.
type loginsPage struct {
	step
	Crumbs            []crumb
	Title, Lead       string
	Action, Back      string
	Optional          bool
	SiteAdmin         string
	ServiceAccount    string
	Kept, ServiceKept bool
	AdminError        string
	PasswordError     string
	RootsError        string
	Most              int
	Locked            *pages.Notice
	Reaches           []option
	RootFiles         []string
	NoClaim           bool
}

// crumb is a page that leads to this one.
type crumb struct{ Text, Link string }

// errandPlan is what an errand is planned for.
type errandPlan struct {
	// key is that of the errand and of its plan.
	key string
	// title says what is done to plan it.
	title string
	// gateway and deployment are ids, for counting wrong passwords and for saying
	// who else works on it.
	gateway, deployment string
	// optional tells that it can be done without logins.
	optional bool
	// logins and next are the pages that ask for them, and that show the plan;
	// action is where the logins are sent.
	logins, action, next string
	crumbs               []crumb
	lead                 string
	step                 step // of several pages, zero when there are none
}

// at is the deployment, as far as counting wrong passwords needs it.
func (p errandPlan) at() deployment.Deployment {
	return deployment.Deployment{GatewayID: p.gateway, ID: p.deployment}
}

func (s *Server) errand(key string) *errand {
	return s.errands.of(key, s.givenLogins(), s.options.App.Now())
}

// loginsOf makes the page that asks for logins. What was wrong is said once.
func (s *Server) loginsOf(p errandPlan, e *errand) loginsPage {
	e.Lock()
	defer e.Unlock()
	page := loginsPage{
		step:   p.step,
		Crumbs: p.crumbs, Title: "Logins", Lead: p.lead, Action: p.action, Optional: p.optional, Most: wizard.MostAttempts,
		SiteAdmin: e.logins.SiteAdmin, ServiceAccount: e.logins.ServiceAccount,
		Kept: !e.logins.SiteAdminPassword.Empty(), ServiceKept: !e.logins.ServiceAccountPassword.Empty(),
		AdminError: e.wrong["site-admin"], PasswordError: e.wrong["site-admin-password"], RootsError: e.wrong["machine-roots"],
		Reaches: chosenAmong(machineReaches, cmp.Or(e.reach, app.ReachAuto)), RootFiles: e.rootFiles, NoClaim: e.noClaim,
	}
	if e.notice != "" {
		page.Notice = &pages.Notice{Kind: "info", Title: e.notice}
		e.notice = ""
	}
	if until, locked := s.attempts.Locked(attemptAt(p.at(), e.logins.SiteAdmin)); locked && e.logins.SiteAdmin != "" {
		page.Locked = noMoreTries(e.logins.SiteAdmin, until)
	}
	return page
}

// takeLogins takes what was typed into the page of loginsOf. Not ok tells that
// something is wrong with it, which the page says.
func (s *Server) takeLogins(w http.ResponseWriter, r *http.Request, p errandPlan, e *errand) (ok bool) {
	form, err := wizard.ReadUpload(w, r, "site-admin-password", "service-account-password")
	e.Lock()
	defer e.Unlock()
	e.wrong = map[string]string{}
	if err != nil {
		e.notice = unreadableForm(err)
		return false
	}
	given := wizard.Logins{
		SiteAdmin: form.Value("site-admin"), SiteAdminPassword: form.Secret("site-admin-password"),
		ServiceAccount: form.Value("service-account"), ServiceAccountPassword: form.Secret("service-account-password"),
	}
	given.KeepFrom(e.logins)
	reach, noClaim := among(machineReaches, form.Value("reach")), form.Value("no-claim") != ""
	if _, roots := form.File("machine-roots"); roots || !sameLogins(given, e.logins) || reach != e.reach || noClaim != e.noClaim || form.Value("no-machine-roots") != "" {
		e.turn++ // else it was clicked twice: it is one plan, and one try
	}
	e.logins, e.reach, e.noClaim = given, reach, noClaim
	if form.Value("no-machine-roots") != "" {
		e.roots, e.rootFiles = nil, nil
	}
	if file, chosen := form.File("machine-roots"); chosen {
		certs, err := pki.ParseCertificates(file.Data)
		if err != nil {
			e.wrong["machine-roots"] = file.Name + " holds no certificates (PEM, DER or PKCS#7 is needed): " + err.Error()
		} else {
			e.roots, e.rootFiles = append(e.roots, certs...), append(e.rootFiles, file.Name)
		}
	}
	_, locked := s.attempts.Locked(attemptAt(p.at(), given.SiteAdmin))
	switch {
	case given.SiteAdmin == "" && !(p.optional && given.SiteAdminPassword.Empty()):
		e.wrong["site-admin"] = "Name the site administrator."
	case given.SiteAdmin != "" && given.SiteAdminPassword.Empty():
		e.wrong["site-admin-password"] = "Type the password of " + given.SiteAdmin + "."
	case given.SiteAdmin != "" && locked:
		e.wrong["site-admin-password"] = "This password was not tried."
	}
	e.asked = len(e.wrong) == 0
	return e.asked
}

// unreadableForm says what is wrong with a form that cannot be read.
func unreadableForm(err error) string {
	if _, tooLarge := errors.AsType[*wizard.TooLargeError](err); tooLarge {
		return "What was sent is too large: a .pfx file has some kilobytes, and 4 MiB are the most that is taken."
	}
	return "What was sent could not be read. Please choose the file once more."
}

// showLogins writes the page that asks for logins.
func (s *Server) showLogins(w http.ResponseWriter, p errandPlan, e *errand, active string) error {
	page := s.loginsOf(p, e)
	page.Back = p.crumbs[len(p.crumbs)-1].Link
	return s.write(w, http.StatusOK, "logins", pages.Page{Title: page.Title, Active: active, Scripts: []string{"forget.js"}, Data: page})
}

// refuseLogin keeps for the page that asks for logins why one was not taken, unless
// something else was typed meanwhile.
func (e *errand) refuseLogin(turn int, sentence string) {
	e.Lock()
	defer e.Unlock()
	if e.turn != turn {
		return
	}
	e.logins.ForgetSiteAdminPassword()
	e.asked = false
	e.wrong = map[string]string{"site-admin-password": sentence}
}

// noMoreTries says that a login is not tried for a while.
func noMoreTries(siteAdmin string, until time.Time) *pages.Notice {
	return &pages.Notice{
		Kind: "warning", Title: "No more tries for " + siteAdmin + " just now",
		Text: fmt.Sprintf("%d passwords were wrong, and Portal locks a login after some more. Find out the right one; at %s it can be tried again. Nothing was changed.", wizard.MostAttempts, until.Local().Format("15:04")),
	}
}
