package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// inWorld serves the pages to somebody inside the network of a world, and says
// what its deployments are called in paths.
func inWorld(t *testing.T, name string) (st *stage, variables map[string]string, ids []string) {
	t.Helper()
	world := worldtest.Start(t, sim.Options{World: name, Scale: 600, Current: sim.CurrentCertificate{Key: "p256"}, Machines: sim.MachineState{Key: "p256"}})
	visitor := worldtest.Enter(t, world.InsideEnvironment(), cloud.Options{})
	directory := t.TempDir()
	st = newStage(t, Options{World: name, App: &app.App{Now: time.Now, Version: "v0", Patience: quick, Lookup: func(name string) string {
		if name == "CARTOUCHE_STATE_DIR" {
			return directory
		}
		return visitor.Variables[name]
	}}})
	t.Cleanup(func() { // before the directory goes
		st.book.StopAll()
		_ = st.book.Wait(context.Background())
	})
	found, err := deployment.Find(t.Context(), visitor.Azure, deployment.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range found.Deployments {
		ids = append(ids, PathID(d))
	}
	return st, visitor.Variables, ids
}

// at asks until the answer is the page, and not how the way there goes on.
func (st *stage) at(t *testing.T, path string) (status int, body string) {
	t.Helper()
	for {
		_, _ = st.get(t, path)
		going := st.book.Find(func(w *work.Work) bool { return !w.Ended() })
		if len(going) == 0 {
			return st.get(t, path)
		}
		for _, w := range going {
			w.Wait(t.Context(), time.Minute)
		}
	}
}

func TestADeploymentIsLookedAtByTheApplication(t *testing.T) {
	t.Parallel()
	st, variables, ids := inWorld(t, "single")
	path := "/deployments/" + ids[0]
	status, body := st.at(t, path)
	for _, want := range []string{"What goes dark when", "as configured", "Portal, port 7443", "<svg"} {
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%d, without %q", status, want)
		}
	}
	form := url.Values{"site-admin": {variables["CARTOUCHE_SITE_ADMIN"]}, "site-admin-password": {variables["CARTOUCHE_SITE_ADMIN_PASSWORD"]}, "reach": {"direct"}}
	_, said := st.post(t, path+"/look", form)
	status, body = st.at(t, path)
	if status != http.StatusOK || !strings.Contains(body, "trusts") {
		t.Errorf("%d, and the machines were not looked at:\n%s", status, body)
	}
	if strings.Contains(said+body, variables["CARTOUCHE_SITE_ADMIN_PASSWORD"]) {
		t.Error("the password is on a page")
	}
	pages := regexp.MustCompile(`/deployments/[a-z2-7]{16}/certificates/[0-9a-f]{16}`).FindAllString(body, -1)
	if len(pages) == 0 {
		t.Fatal("no certificate has a page")
	}
	for _, page := range pages[:2] {
		if status, body := st.get(t, page); status != http.StatusOK || !strings.Contains(body, "Who vouches for it") {
			t.Errorf("%s: %d", page, status)
		}
	}
	if status, body := st.at(t, "/deployments/aaaaaaaaaaaaaaaa"); status != http.StatusNotFound || !strings.Contains(body, "called so") {
		t.Errorf("a deployment that is not there: %d\n%s", status, body)
	}
}

// TestEveryDeploymentOfTheFirstLayoutHasAPage: nothing is there but its record.
func TestEveryDeploymentOfTheFirstLayoutHasAPage(t *testing.T) {
	t.Parallel()
	st, _, ids := inWorld(t, "v1")
	for _, id := range ids {
		if status, body := st.at(t, "/deployments/"+id); status != http.StatusOK || !strings.Contains(body, "cannot be renewed from here") {
			t.Errorf("%d:\n%s", status, body)
		}
	}
}
