package sim_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

// siteOf is the site of a product whose first machine is called so.
func siteOf(t *testing.T, w *sim.World, product, machine string) *site.Site {
	t.Helper()
	for _, s := range w.Sites() {
		if s.Product() == product && strings.HasPrefix(s.Machines()[0], strings.ToLower(machine)+".") {
			return s
		}
	}
	t.Fatalf("no %s on %s", product, machine)
	return nil
}

func TestEveryProductOfTheRolesAnswers(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{World: "roles", Scale: 200, Current: sim.CurrentCertificate{Key: "p256"}})
	inside := w.Ground().Inside
	ports := map[string]string{}
	for _, m := range w.Deployments()[0].Machines {
		ports[m.Name] = m.FQDN
	}
	for port, machine := range map[int]string{
		6443: "allServer-1", 7443: "allPortal-Sec", 2443: "allDataStr-Sby", 443: "anbServer-0", 11443: "anbServer-0", 20443: "amiServer-0",
		20301: "amiServer-0", 21443: "aviServer-0", 6143: "ageServer-0", 13443: "awfServer-0",
	} {
		leaf := shown(t, inside, fmt.Sprintf("%s:%d", ports[machine], port), ports[machine])
		if err := leaf.VerifyHostname(ports[machine]); err != nil {
			t.Errorf("%s:%d: %v", machine, port, err)
		}
		left := time.Until(leaf.NotAfter)
		want := 31 * 24 * time.Hour
		if port == 2443 {
			want = -20 * 24 * time.Hour
		}
		if left < want-time.Hour || left > want+2*time.Hour {
			t.Errorf("%s:%d has %v left", machine, port, left)
		}
	}
	for _, path := range []string{"portal/portaladmin/healthCheck", "server/rest/info/healthcheck", "image/rest/info/healthcheck", "notebooks/rest/info/healthcheck",
		"mission/rest/info/healthcheck", "video/rest/info/healthcheck", "geoevent/manager", "workflow/rest/info/healthcheck"} {
		if status, body := fetch(t, w, "https://all.example.com/"+path+"?f=json"); status != http.StatusOK {
			t.Errorf("%s through the gateway: %d %s", path, status, body)
		}
	}
	notebook := w.Host(ports["anbServer-0"])
	if notebook.IIS() == nil || w.Host(ports["aimServer-0"]).IIS() != nil {
		t.Error("IIS is not where the Web Adaptor is")
	}
	services := func(name string) string { return fmt.Sprint(w.Host(ports[name]).Services()) }
	if got := services("ageServer-0"); got != "[{ArcGIS Server true} {ArcGISGeoEvent true}]" {
		t.Errorf("services: %s", got)
	}
	if got := services("allDataStr-Pri"); got != "[{ArcGIS Data Store true}]" {
		t.Errorf("services: %s", got)
	}
}

// DSC with the files that Cloud Builder left finds nothing to do but what it
// always does: it takes HTTPS-only and HSTS away.
func TestDSCInAWorld(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{World: "single", Scale: 1000, Current: sim.CurrentCertificate{Key: "p256"}, Machines: sim.MachineState{Protocol: "HTTPS"}})
	host := w.Host(w.Deployments()[0].Machines[0].FQDN)
	variables := map[string]string{}
	for _, v := range w.Environment() {
		variables[v.Name] = v.Value
	}
	run := site.DSC{Configuration: "ServerConfiguration", Updating: true, Admin: variables["CARTOUCHE_SITE_ADMIN"], Password: variables["CARTOUCHE_SITE_ADMIN_PASSWORD"], PFXPassword: w.InternalPassword()}
	for want := 1; want <= 2; want++ { // the second run has nothing to reset
		if log, err := host.ApplyDSC(t.Context(), run); err != nil || w.Ground().Ledger.Count(ground.MachineRestart) != 1 {
			t.Fatalf("%v, %d restarts\n%s", err, w.Ground().Ledger.Count(ground.MachineRestart), strings.Join(log, "\n"))
		}
	}
	for _, name := range []string{"PortalConfiguration", "BaseDeploymentSingleTierConfiguration"} {
		run.Configuration = name
		if log, err := host.ApplyDSC(t.Context(), run); err != nil || w.Ground().Ledger.Count(ground.MachineRestart) != 1 {
			t.Errorf("%v\n%s", err, strings.Join(log, "\n"))
		}
	}
	// All of it with a new external certificate: both products restart once more.
	issued, _, _ := w.NewCertificate()
	run.Public = issued.Leaf.Raw
	if log, err := host.ApplyDSC(t.Context(), run); err != nil || w.Ground().Ledger.Count(ground.MachineRestart) != 3 {
		t.Errorf("%v, %d restarts\n%s", err, w.Ground().Ledger.Count(ground.MachineRestart), strings.Join(log, "\n"))
	}
}

func TestTheDriftedWorld(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{World: "drift", Scale: 200, Current: sim.CurrentCertificate{Key: "p256"}})
	portal, server := siteOf(t, w, site.Portal, "dftPortal-Pri"), siteOf(t, w, site.Server, "dftServer-0")
	if got := fmt.Sprint(portal.Aliases()); got != "[ApplicationGateway portal-2024]" {
		t.Errorf("aliases %s", got)
	}
	if !slices.Contains(server.Entries(server.Machines()[0]), "applicationgateway-temp") {
		t.Error("no leftover")
	}
	issued, _, _ := w.NewCertificate()
	if root := w.PrivateRoot(); root == nil || issued.Leaf.CheckSignatureFrom(root) == nil {
		t.Error("the renewal is not from below a private root")
	}
	if slices.Contains(server.Entries(server.Machines()[0]), "contoso-root-ca") {
		t.Error("the new authority is known already")
	}
	// The portal reaches the Server's machine directly, and trusts it.
	for id, status := range portal.Validate(t.Context()) {
		if status != "success" {
			t.Errorf("%s: %s", id, status)
		}
	}
}

// The options make any world so, and of any version.
func TestMachinesByOption(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"10.8.1", "12.1"} {
		w := start(t, sim.Options{World: "single", Scale: 200, Current: sim.CurrentCertificate{Key: "p256"}, Version: version,
			Machines: sim.MachineState{InternalDays: 3, StoreDays: -3, PortalAliases: []string{"mine"}, DirectFederation: true, UnseenAuthority: true, Leftover: "old-temp", Protocol: "HTTPS", HSTS: true}})
		d := w.Deployments()[0]
		portal, server := siteOf(t, w, site.Portal, "bmServer-0"), siteOf(t, w, site.Server, "bmServer-0")
		if d.Version != version || portal.Version() != version || fmt.Sprint(portal.Aliases()) != "[mine]" || !slices.Contains(server.Entries(d.Machines[0].FQDN), "old-temp") || w.PrivateRoot() == nil {
			t.Errorf("version %s, aliases %v, entries %v", portal.Version(), portal.Aliases(), server.Entries(d.Machines[0].FQDN))
		}
		for port, days := range map[int]int{6443: 3, 7443: 3, 2443: -3} {
			leaf := shown(t, w.Ground().Inside, fmt.Sprintf("%s:%d", d.Machines[0].FQDN, port), "")
			if got := time.Until(leaf.NotAfter).Round(24 * time.Hour); got != time.Duration(days)*24*time.Hour {
				t.Errorf("port %d: %v left", port, got)
			}
		}
		for id, status := range portal.Validate(t.Context()) {
			if status != "success" {
				t.Errorf("%s: %s", id, status)
			}
		}
	}
}

// A portal whose federation names the machine fails as soon as the machine
// serves something else than it trusts.
func TestDirectFederationDependsOnTheMachinesCertificate(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{World: "single", Scale: 300, Current: sim.CurrentCertificate{Key: "p256"}, Machines: sim.MachineState{DirectFederation: true}})
	portal, server := siteOf(t, w, site.Portal, "bmServer-0"), siteOf(t, w, site.Server, "bmServer-0")
	for restarts, step := range []struct{ alias, want string }{{"ApplicationGateway", "success"}, {"selfsignedcertificate", "failure"}, {"ApplicationGateway", "success"}} {
		if err := server.Switch(server.Machines()[0], step.alias); err != nil {
			t.Fatal(err)
		}
		waitUntil(t, "the Server is back", func() bool { return w.Ground().Ledger.Count(ground.MachineUp) == restarts+1 })
		waitUntil(t, "federation: "+step.want, func() bool { // the gateway sees the machine a little later
			for _, status := range portal.Validate(t.Context()) {
				if status != step.want {
					return false
				}
			}
			return true
		})
	}
}

func waitUntil(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
