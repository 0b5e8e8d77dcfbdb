package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/web/portrait"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// lookerInto looks into a world from inside; with a login at its machines, too.
func lookerInto(t *testing.T, name string) (looker, string) {
	t.Helper()
	world := worldtest.Start(t, sim.Options{World: name, Scale: 600, Current: sim.CurrentCertificate{Key: "p256"}, Machines: sim.MachineState{Key: "p256"}})
	visitor := worldtest.Enter(t, world.InsideEnvironment(), cloud.Options{})
	found, err := deployment.Find(t.Context(), visitor.Azure, deployment.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	d := found.Deployments[0]
	return func(ctx context.Context, _ app.Teller, id string, login lookLogin) (portrait.Seen, error) {
		if id != PathID(d) {
			return portrait.Seen{}, errors.New("there is no such deployment")
		}
		runner := &rotation.Runner{Azure: visitor.Azure, Network: visitor.Network, Looker: &handshake.Looker{Network: visitor.Network}}
		if login.siteAdmin != "" {
			runner.Credentials = rotation.Credentials{SiteAdmin: login.siteAdmin, SiteAdminPassword: login.password}
			runner.Way = reach.NewDirect(visitor.Network, nil)
		}
		state, err := runner.Observe(ctx, d, rotation.Asked{})
		return portrait.Seen{State: state, Roots: pki.MozillaRoots().With(visitor.Network.NamedRoots()...)}, err
	}, PathID(d)
}

// TestTheDayThatIsAskedForIsJudgedByTheServer: without the script the page is a
// form, and says the same.
func TestTheDayThatIsAskedForIsJudgedByTheServer(t *testing.T) {
	t.Parallel()
	s := New(t.Context(), Options{})
	var id string
	s.lookAt, id = lookerInto(t, "single")
	st := stageOf(t, s)
	for path, want := range map[string]string{
		"/deployments/" + id:                    "Nothing has gone dark by " + time.Now().UTC().Format("2 January 2006"),
		"/deployments/" + id + "?at=2099-01-01": "things have gone dark by 1 January 2099",
		"/deployments/" + id + "?at=tomorrow":   "Nothing has gone dark by ",
	} {
		status, body := st.getAll(t, path)
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, without %q:\n%s", path, status, want, body)
		}
	}
}

// getAll asks until what it leads to is no work any more.
func (st *stage) getAll(t *testing.T, path string) (status int, body string) {
	t.Helper()
	for _, wk := range st.book.Find(func(*work.Work) bool { return true }) {
		wk.Wait(t.Context(), time.Minute)
	}
	return st.get(t, path)
}

func TestMachinesAreLookedAtWithALoginThatIsNotKept(t *testing.T) {
	t.Parallel()
	s := New(t.Context(), Options{})
	look, id := lookerInto(t, "single")
	const password = "not-to-be-seen-again"
	var given atomic.Int32
	s.lookAt = func(ctx context.Context, tell app.Teller, id string, login lookLogin) (portrait.Seen, error) {
		if login.siteAdmin == "siteadmin" && login.password.Reveal() == password && login.reach == "direct" {
			given.Add(1)
		}
		return look(ctx, tell, id, login)
	}
	st := stageOf(t, s)
	form := url.Values{"site-admin": {"siteadmin"}, "site-admin-password": {password}, "reach": {"direct"}}
	_, first := st.post(t, "/deployments/"+id+"/look", form)
	status, body := st.getAll(t, "/deployments/"+id)
	if status != http.StatusOK || given.Load() != 1 || !strings.Contains(body, "port 7443") {
		t.Errorf("status %d, login given %d times:\n%s", status, given.Load(), body)
	}
	if strings.Contains(first+body, password) {
		t.Error("the password is on a page")
	}
	form.Del("site-admin-password")
	if status, body := st.post(t, "/deployments/"+id+"/look", form); status != http.StatusUnprocessableEntity || given.Load() != 1 {
		t.Errorf("half a login: %d\n%s", status, body)
	}
}

func TestALookThatTakesLongLeadsToItsProgress(t *testing.T) {
	t.Parallel()
	s := New(t.Context(), Options{})
	begun := make(chan struct{}, 2)
	s.lookAt = func(ctx context.Context, _ app.Teller, _ string, _ lookLogin) (portrait.Seen, error) {
		begun <- struct{}{}
		<-ctx.Done()
		return portrait.Seen{}, ctx.Err()
	}
	const id = "aaaaaaaaaaaaaaaa"
	ctx, leave := context.WithCancel(t.Context())
	go func() { <-begun; leave() }() // the tab is closed, and the look goes on
	for range 2 {
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, httptest.NewRequestWithContext(ctx, http.MethodGet, "/deployments/"+id, nil))
		if to := answer.Header().Get("Location"); answer.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/work/") {
			t.Errorf("%d to %q", answer.Code, to)
		}
	}
	if len(begun) != 0 {
		t.Error("the second tab began a look of its own")
	}
}

func TestWhatIsNoDeploymentIsNotLookedFor(t *testing.T) {
	t.Parallel()
	s := New(t.Context(), Options{})
	s.lookAt = func(context.Context, app.Teller, string, lookLogin) (portrait.Seen, error) {
		t.Error("it was looked for")
		return portrait.Seen{}, nil
	}
	for _, path := range []string{"/deployments/x", "/deployments/%3Cscript%3E", "/deployments/..%2f..%2fx/certificates/00"} {
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		if answer.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
}

func TestLooksAreBounded(t *testing.T) {
	t.Parallel()
	var l looks
	for i := range 3 * mostLooks {
		l.keep(strings.Repeat("a", i), portrait.Seen{}, 0)
		l.keep(strings.Repeat("a", i), portrait.Seen{}, 0)
	}
	if _, first := l.get(""); len(l.seen) != mostLooks || len(l.ids) != mostLooks || first {
		t.Errorf("%d looks are kept, the first among them: %t", len(l.seen), first)
	}
	before := l.now()
	l.forget()
	l.keep("b", portrait.Seen{}, before)
	if len(l.seen) != 0 {
		t.Error("what was looked at before somebody else signed in is kept")
	}
}
