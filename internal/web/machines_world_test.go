package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// machinesStage is a stage inside the virtual network of a world, where machines
// can be dialled, and whose environment gives no logins.
type machinesStage struct {
	*renewalStage
	admin, password string
	page            string // of the deployment
}

func newMachinesStage(t *testing.T) *machinesStage {
	t.Helper()
	options := sim.Options{World: "single", Scale: 600}
	options.Current.Key, options.Machines.Key = "p256", "p256"
	w := worldtest.Start(t, options)
	variables := map[string]string{"CARTOUCHE_STATE_DIR": t.TempDir()}
	for _, v := range w.InsideEnvironment() {
		variables[v.Name] = v.Value
	}
	st := &machinesStage{admin: variables["CARTOUCHE_SITE_ADMIN"], password: variables["CARTOUCHE_SITE_ADMIN_PASSWORD"]}
	for _, name := range []string{"CARTOUCHE_SITE_ADMIN", "CARTOUCHE_SITE_ADMIN_PASSWORD", "CARTOUCHE_SERVICE_ACCOUNT", "CARTOUCHE_SERVICE_ACCOUNT_PASSWORD"} {
		delete(variables, name)
	}
	st.renewalStage = &renewalStage{world: w, variables: variables, stage: newStage(t, Options{World: "single", App: &app.App{
		Lookup: func(name string) string { return variables[name] }, Now: time.Now, Version: "test", PollInterval: 10 * time.Millisecond, Patience: quick, Keys: worldtest.RSAKeys,
		MachinePatience: rollout.Patience{Restart: 30 * time.Second, Interval: 30 * time.Millisecond, Backends: 30 * time.Second, Recovery: time.Minute, Drain: 20 * time.Millisecond},
	}})}
	t.Cleanup(func() { // before the directory goes
		st.book.StopAll()
		_ = st.book.Wait(context.Background())
	})
	_, body := st.open(t, "/")
	_, rest, found := strings.Cut(body, `href="/deployments/`)
	if !found {
		t.Fatalf("no deployment in\n%s", body)
	}
	id, _, _ := strings.Cut(rest, `"`)
	st.page = "/deployments/" + id
	return st
}

// login sends a form of logins.
func (st *machinesStage) login(t *testing.T, path, password string) (status int, body string) {
	t.Helper()
	return st.send(t, path, map[string]string{"site-admin": st.admin, "site-admin-password": password, "reach": "direct"}, map[string][]byte{})
}

// latest waits for the end of everything, and reads the latest run.
func (st *machinesStage) latest(t *testing.T) journal.Run {
	t.Helper()
	if err := st.book.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	runs, err := st.options.App.Runs(t.Context())
	if err != nil || len(runs) == 0 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	return runs[0]
}

// replaced replaces the certificates of the machines by those of an authority that
// is made for it, page by page.
func (st *machinesStage) replaced(t *testing.T) journal.Run {
	t.Helper()
	machines := st.page + "/machines"
	_, body := st.open(t, st.page)
	if !strings.Contains(body, `href="`+machines+`"`) {
		t.Errorf("the deployment's page does not lead there:\n%s", plain(body))
	}
	_, body = st.open(t, machines+"/review")
	st.wantPage(t, body, machines+"/certificates", "Say first where the certificates come from.", "Made here", "Portal", "Server")
	_, body = st.send(t, machines+"/certificates", map[string]string{"source": "pfx"}, map[string][]byte{})
	st.wantPage(t, body, machines+"/certificates", "Choose a file for at least one product.")
	_, body = st.send(t, machines+"/certificates", map[string]string{"source": "pfx", "pfx-password": "typed-and-wrong"}, map[string][]byte{"pfx-portal": st.pfx(t, nil, "right")})
	st.wantPage(t, body, machines+"/certificates", "This is not the password of pfx-portal.pfx.")
	if strings.Contains(body, "typed-and-wrong") {
		t.Error("the page shows a password")
	}
	_, body = st.send(t, machines+"/certificates", map[string]string{"source": "issue", "days": "0"}, map[string][]byte{})
	st.wantPage(t, body, machines+"/certificates", "Give a number of days from 1 to 3650.")
	_, body = st.send(t, machines+"/certificates", map[string]string{"source": "issue", "days": "90"}, map[string][]byte{})
	st.wantPage(t, body, machines+"/logins", `name="site-admin-password"`, `aria-current="step">Logins`)
	_, body = st.login(t, machines+"/logins", st.password)
	st.wantPage(t, body, machines+"/review", "an authority that is made for it", "Certificates, in this order", "Who notices", "Who sees the private keys", "Replace the certificates</button>", pages.Day(time.Now().AddDate(0, 0, 90)))
	plan := answerOf.FindStringSubmatch(body)[1]
	if _, body = st.send(t, machines+"/review", map[string]string{"plan": "another"}, nil); !strings.Contains(body, plan) {
		t.Errorf("a yes to another plan:\n%s", plain(body))
	}
	st.send(t, machines+"/review", map[string]string{"plan": plan}, nil)
	run := st.latest(t)
	if run.Outcome != string(rotation.Verified) {
		t.Fatalf("run %s ended as %s: %s", run.ID, run.Outcome, run.Summary)
	}
	st.send(t, machines+"/review", map[string]string{"plan": plan}, nil) // the same yes again
	if again := st.latest(t); again.ID != run.ID {
		t.Errorf("the same yes began run %s, too", again.ID)
	}
	return run
}

func TestFilesForMachinesAreForgottenWhenThePagesAreLocked(t *testing.T) {
	t.Parallel()
	by := replaceBy{source: rollout.FromPFX, bundles: map[string]*pki.Bundle{"portal": {}}, bundleFiles: map[string]string{"portal": "p.pfx"}}
	var l errands
	e := l.of("replace x", wizard.Logins{SiteAdmin: "admin", SiteAdminPassword: secret.New("p"), ServiceAccountPassword: secret.New("q")}, time.Now())
	e.replace, e.asked = by, true
	l.lock()
	if e.replace.source != "" || e.replace.bundles != nil || !e.logins.SiteAdminPassword.Empty() || !e.logins.ServiceAccountPassword.Empty() || e.asked || e.logins.SiteAdmin != "admin" {
		t.Errorf("after a lock: %+v", e.replace)
	}
	e.replace = replaceBy{source: rollout.Fresh, days: 90}
	l.lock()
	if e.replace.source != rollout.Fresh {
		t.Error("what is no secret was forgotten")
	}
}

func TestARunAtMachinesIsTakenBackAndCleanedByThePages(t *testing.T) {
	t.Parallel()
	st := newMachinesStage(t)
	made := st.replaced(t)
	undo := "/runs/" + made.ID + "/undo"

	status, body := st.open(t, undo)
	for _, want := range []string{"the site administrator signs in there", `name="site-admin-password"`, `value="direct"`, `action="` + undo + `/logins"`} {
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Fatalf("%d, no %q in\n%s", status, want, body)
		}
	}
	if _, body = st.send(t, undo+"/logins", map[string]string{"site-admin": st.admin, "reach": "direct"}, map[string][]byte{}); !strings.Contains(body, "Type the password of "+st.admin) {
		t.Errorf("without a password:\n%s", body)
	}
	_, body = st.login(t, undo+"/logins", "wrong-and-secret")
	if !strings.Contains(body, "tries are left") || strings.Contains(body, "wrong-and-secret") || strings.Contains(body, "A password was given") {
		t.Errorf("with a wrong password, at %s:\n%s", st.at, body)
	}
	_, body = st.login(t, undo+"/logins", st.password)
	for _, want := range []string{"Who notices", "Certificates, in this order", "what was there before", "One after the other", "Take it back</button>", "restart"} {
		if !strings.Contains(body, want) {
			t.Fatalf("at %s no %q in\n%s", st.at, want, body)
		}
	}
	if strings.Contains(body, st.password) {
		t.Error("the page shows the password")
	}
	plan := answerOf.FindStringSubmatch(body)[1]

	// Locking the pages takes plan and password away.
	st.post(t, "/lock", nil)
	if entered, err := st.client.Get(st.door.Address()); err != nil {
		t.Fatal(err)
	} else {
		_ = entered.Body.Close()
	}
	if _, body = st.post(t, undo, url.Values{"plan": {plan}}); !strings.Contains(body, `name="site-admin-password"`) || strings.Contains(body, "A password was given") {
		t.Errorf("after a lock:\n%s", body)
	}

	_, body = st.login(t, undo+"/logins", st.password)
	plan = answerOf.FindStringSubmatch(body)[1]
	if status, body = st.post(t, undo, url.Values{"plan": {plan}}); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	back := st.latest(t)
	if back.ID == made.ID || back.Outcome != string(rotation.Verified) || !strings.Contains(string(back.Summary), `"undoOf":"`+made.ID+`"`) {
		t.Fatalf("run %s ended as %s: %s", back.ID, back.Outcome, back.Summary)
	}

	clean := st.page + "/clean/machines"
	if _, body = st.open(t, st.page+"/clean"); !strings.Contains(body, clean) {
		t.Errorf("the page of cleaning does not lead to the machines:\n%s", body)
	}
	if _, body = st.open(t, clean); !strings.Contains(body, `name="site-admin-password"`) {
		t.Errorf("no login is asked for:\n%s", body)
	}
	if _, body = st.login(t, clean+"/logins", st.password); !strings.Contains(body, "Nothing to clean up yet") {
		t.Errorf("at %s\n%s", st.at, body)
	}
	if _, body = st.open(t, clean+"?now=1"); !strings.Contains(body, `action="`+clean+`/logins?now=1"`) {
		t.Errorf("at %s\n%s", st.at, body)
	}
	_, body = st.login(t, clean+"/logins?now=1", st.password)
	if !strings.Contains(body, "can then not be taken back any more") || !strings.Contains(body, "trusted root") {
		t.Fatalf("at %s\n%s", st.at, body)
	}
	st.post(t, clean+"?now=1", url.Values{"plan": {answerOf.FindStringSubmatch(body)[1]}})
	if cleaned := st.latest(t); cleaned.Outcome != string(rotation.Cleaned) {
		t.Errorf("run %s ended as %s: %s", cleaned.ID, cleaned.Outcome, cleaned.Summary)
	}
}
