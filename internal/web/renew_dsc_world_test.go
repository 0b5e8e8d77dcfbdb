package web

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// The machines' own DSC takes passwords that nothing else takes; what is missing is
// asked for where it is typed, and the run restarts the machines, as the review says.
func TestARenewalByTheMachinesOwnDSC(t *testing.T) {
	t.Parallel()
	st := newRenewalStageIn(t, sim.Options{World: "ha", Scale: 600, Version: "12.0"})
	serverPFX, portalPFX := st.variables["CARTOUCHE_SERVER_PFX_PASSWORD"], st.variables["CARTOUCHE_PORTAL_PFX_PASSWORD"]
	logins := map[string]string{
		"site-admin": st.variables["CARTOUCHE_SITE_ADMIN"], "site-admin-password": st.variables["CARTOUCHE_SITE_ADMIN_PASSWORD"],
		"service-account": st.variables["CARTOUCHE_SERVICE_ACCOUNT"], "service-account-password": st.variables["CARTOUCHE_SERVICE_ACCOUNT_PASSWORD"],
	}
	for name := range st.variables {
		if strings.HasPrefix(name, "CARTOUCHE_S") && name != "CARTOUCHE_STATE_DIR" || strings.HasPrefix(name, "CARTOUCHE_PORTAL") {
			delete(st.variables, name) // all of it is typed
		}
	}
	if serverPFX == "" || portalPFX == "" {
		t.Fatal("the world does not say with which files it was set up")
	}

	api := newAPIStage(t, st)
	planning := request{operation: "POST /deployments/{deployment}/plan", path: api.ofDeployment() + "/plan", files: map[string][]byte{"pfx": st.pfx(t, nil, "x")}, form: maps.Clone(logins)}
	planning.form["reach"], planning.form["password"] = "dsc", "x"
	var failed failure
	if api.ask(t, planning, http.StatusBadRequest, &failed); !strings.Contains(failed.Error.Message, "server-pfx-password") {
		t.Errorf("%+v", failed)
	}
	planning.form["server-pfx-password"], planning.form["portal-pfx-password"] = serverPFX, portalPFX
	var made rotation.Plan
	if api.ask(t, planning, http.StatusOK, &made); made.Way != "dsc" {
		t.Errorf("planned by %s", made.Way)
	}

	base := st.toCertificate(t)
	none := map[string][]byte{}
	_, _ = st.send(t, base+"/choices", map[string]string{"from": "file", "reach": "dsc"}, none)
	_, _ = st.send(t, base+"/certificate", map[string]string{"from": "file", "password": "x"}, map[string][]byte{"pfx": st.pfx(t, nil, "x")})
	_, body := st.send(t, base+"/certificate/use", nil, nil)
	st.wantPage(t, body, "/credentials", "Password of the .pfx of the servers", "Password of the .pfx of Portal", "works as it")
	_, body = st.send(t, base+"/credentials", map[string]string{"site-admin": logins["site-admin"], "site-admin-password": logins["site-admin-password"]}, nil)
	st.wantPage(t, body, "/credentials", "give its name and its password", "opens this file again")
	logins["server-pfx-password"], logins["portal-pfx-password"] = serverPFX, portalPFX
	_, body = st.send(t, base+"/credentials", logins, nil)
	st.wantPage(t, body, "/review", "DSC works as it", "These machines restart", "--reach dsc", "--server-pfx-password-file FILE")
	_, again := st.open(t, base+"/credentials")
	for _, page := range []string{body, again} {
		for _, secret := range []string{serverPFX, portalPFX, logins["service-account-password"]} {
			if strings.Contains(page, secret) {
				t.Error("a page holds a password")
			}
		}
	}
	st.wantPage(t, again, "/credentials", "still there")
	_, body = st.open(t, base+"/review")
	_, body = st.send(t, base+"/go", map[string]string{"plan": answerOf.FindStringSubmatch(body)[1]}, nil)
	if !strings.HasPrefix(st.at.Path, "/runs/") {
		t.Fatalf("Go leads to %s:\n%s", st.at, plain(body))
	}
	if err := st.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if runs, err := st.options.App.Runs(t.Context()); err != nil || len(runs) != 1 || runs[0].Outcome != string(rotation.Verified) {
		t.Errorf("runs %+v (%v)", runs, err)
	}
}
