package site

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// Every product serves its port, its health and its certificates.
func TestProducts(t *testing.T) {
	for _, test := range []struct {
		product, base, health, list string
		success                     any
	}{
		{Server, "https://m1.example.net:6443/arcgis", "/rest/info/healthcheck", "certificates", true},
		{Notebook, "https://m1.example.net:11443/arcgis", "/rest/info/healthcheck", "sslCertificates", true},
		{Mission, "https://m1.example.net:20443/arcgis", "/rest/info/healthcheck", "sslCertificates", true},
		{Video, "https://m1.example.net:21443/arcgis", "/rest/info/healthcheck", "sslCertificates", "true"},
	} {
		t.Run(test.product, func(t *testing.T) {
			g := ground.New(fast, nil)
			start(t, g, Spec{Product: test.product, Version: "12.0", Machines: []MachineSpec{{Name: "m1.example.net"}}}, nil)
			c := newClient(t, g, test.base)
			if got := c.get(test.health)["success"]; got != test.success {
				t.Errorf("health: %v (%T)", got, got)
			}
			c.signIn("/admin/generateToken")
			if got := fmt.Sprint(c.get("/admin/machines/M1/sslcertificates")[test.list]); !strings.Contains(got, "applicationgateway") {
				t.Errorf("list under %s: %s", test.list, got)
			}
			if answer := c.get("/admin/nothing"); errorCode(answer) != 404 {
				t.Errorf("unknown resource: %v", answer)
			}
		})
	}
}

func TestVersionsAsTheProductsWriteThem(t *testing.T) {
	for version, want := range map[string]string{"11.3": "11.3", "10.9.1": "10.91", "10.6.1": "10.61", "11.0": "11", "10.9": "10.9"} {
		parsed, err := parseVersion(version)
		if err != nil {
			t.Fatal(err)
		}
		s := &Site{spec: Spec{Version: version}, version: parsed}
		if got := fmt.Sprint(s.versionNumber()); got != want {
			t.Errorf("%s: currentVersion %s, want %s", version, got, want)
		}
	}
	g := ground.New(fast, nil)
	startPortal(t, g, nil)
	if got := newClient(t, g, portalBase).signIn("/sharing/rest/generateToken").get("/portaladmin")["version"]; got != "11.3.0" {
		t.Errorf("portal: %v", got)
	}
}

// Where a portal keeps its certificates depends on its version and size.
func TestPortalCertificateResource(t *testing.T) {
	two := []MachineSpec{{Name: "portal1.example.net", Role: "primary"}, {Name: "portal2.example.net", Role: "standby"}}
	for _, test := range []struct {
		version            string
		machines           []MachineSpec
		perSite, perNodeOK bool
	}{{"10.7", two[:1], true, false}, {"11.3", two[:1], true, true}, {"11.3", two, false, true}} {
		g := ground.New(fast, nil)
		startPortal(t, g, func(s *Spec) { s.Version, s.Machines = test.version, test.machines })
		c := newClient(t, g, portalBase).signIn("/sharing/rest/generateToken")
		perSite := errorCode(c.get("/portaladmin/security/sslCertificates")) == 0
		perNode := errorCode(c.get("/portaladmin/machines/PORTAL1.EXAMPLE.NET/sslCertificates")) == 0
		if perSite != test.perSite || perNode != test.perNodeOK {
			t.Errorf("%s with %d machines: per site %v, per machine %v", test.version, len(test.machines), perSite, perNode)
		}
		if test.perNodeOK && len(c.get("/portaladmin/machines")["machines"].([]any)) != len(test.machines) {
			t.Error("not every machine is listed")
		}
	}
}

// A renewal under the same alias, as Esri's DSC does it, costs two restarts.
func TestRenewalUnderTheSameAlias(t *testing.T) {
	g := ground.New(1000, nil)
	site := startServer(t, g, nil)
	c := newClient(t, g, serverBase).signIn("/admin/generateToken")
	leaf := issue(t, nil, "gis1.example.net", nil)
	assign := func(alias string) {
		t.Helper()
		fields := map[string]string{"alias": alias, "certPassword": "abc"}
		if answer := c.upload(certificates+"/importExistingServerCertificate", "certFile", leaf.pfx(t, "abc"), fields); answer["status"] != "success" {
			t.Fatalf("import %s: %v", alias, answer)
		}
		before := g.Ledger.Count(ground.MachineRestart)
		c.post("/admin/machines/GIS1/edit", url.Values{"webServerCertificateAlias": {alias}, "f": {"json"}})
		eventually(t, "restart", func() bool { return g.Ledger.Count(ground.MachineRestart) > before })
		eventually(t, "healthy", func() bool { return site.machines[0].ready.Load() })
	}
	assign("ApplicationGateway-temp")
	if answer := c.post(certificates+"/applicationgateway/delete", url.Values{"f": {"json"}}); answer["status"] != "success" {
		t.Fatalf("delete: %v", answer)
	}
	assign("ApplicationGateway")
	if got := served(t, g, "gis1.example.net:6443"); !got.Equal(leaf.certificate) || g.Ledger.Count(ground.MachineRestart) != 2 {
		t.Errorf("served %v after %d restarts, want the new leaf after 2", got.Subject, g.Ledger.Count(ground.MachineRestart))
	}
}
