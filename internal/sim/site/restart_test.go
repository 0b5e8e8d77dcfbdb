package site

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// S15, S24: after an edit comes the new certificate, and the old token is still good.
func TestEditAssignsTheCertificate(t *testing.T) {
	g := ground.New(fast, nil)
	site := startServer(t, g, nil)
	c := newClient(t, g, serverBase).signIn("/admin/generateToken")
	leaf := assign(t, c)
	eventually(t, "restart", func() bool { return g.Ledger.Count(ground.MachineRestart) == 1 })
	eventually(t, "healthy", func() bool { return site.machines[0].ready.Load() })
	if got := served(t, g, "gis1.example.net:6443"); !got.Equal(leaf.certificate) {
		t.Errorf("served %v", got.Subject)
	}
	if alias := c.get("/admin/machines/GIS1")["webServerCertificateAlias"]; alias != "New" {
		t.Errorf("alias %v, want it as it was posted", alias)
	}
}

// S15: first the old certificate goes on, then connections are refused, then
// the new one is there with 503. Each world here is held in one of the phases.
func TestPhasesOfARestart(t *testing.T) {
	const held = 1000 * time.Hour
	t.Run("answers", func(t *testing.T) {
		g := ground.New(fast, nil)
		startServer(t, g, func(s *Spec) { s.Options.AnswerFor = held })
		c := newClient(t, g, serverBase).signIn("/admin/generateToken")
		old := served(t, g, "gis1.example.net:6443")
		assign(t, c)
		if got := served(t, g, "gis1.example.net:6443"); !got.Equal(old) {
			t.Error("the certificate changed before the restart")
		}
		if alias := c.get("/admin/machines/GIS1")["webServerCertificateAlias"]; alias != "New" {
			t.Errorf("alias %v", alias)
		}
	})
	t.Run("down", func(t *testing.T) {
		g := ground.New(fast, nil)
		startServer(t, g, func(s *Spec) { s.Options.DownFor = held })
		assign(t, newClient(t, g, serverBase).signIn("/admin/generateToken"))
		eventually(t, "refused", func() bool {
			_, err := g.Inside.DialContext(t.Context(), "tcp", "gis1.example.net:6443")
			return errors.Is(err, syscall.ECONNREFUSED)
		})
	})
	t.Run("warms up", func(t *testing.T) {
		g := ground.New(fast, nil)
		startServer(t, g, func(s *Spec) { s.Options.WarmFor = held })
		c := newClient(t, g, serverBase).signIn("/admin/generateToken")
		leaf := assign(t, c)
		eventually(t, "new certificate", func() bool {
			got := served(t, g, "gis1.example.net:6443")
			return got != nil && got.Equal(leaf.certificate)
		})
		response, page := c.page("/rest/info/healthcheck?f=json")
		if response.StatusCode != 503 || !strings.Contains(page, "<html>") {
			t.Errorf("got %d %s, want 503 and a page", response.StatusCode, page)
		}
	})
}

// assign imports a new certificate and makes it the machine's.
func assign(t *testing.T, c *client) *issued {
	t.Helper()
	leaf := issue(t, nil, "gis1.example.net", nil)
	c.upload(certificates+"/importExistingServerCertificate", "certFile", leaf.pfx(t, "abc"), map[string]string{"alias": "new", "certPassword": "abc"})
	answer := c.post("/admin/machines/GIS1/edit", url.Values{"webServerCertificateAlias": {"New"}, "f": {"json"}})
	if answer["status"] != "success" {
		t.Fatalf("edit: %v", answer)
	}
	return leaf
}

// S14: what edit refuses.
func TestEditRefuses(t *testing.T) {
	g := ground.New(fast, nil)
	pinned := issue(t, nil, "gis.example.com", nil)
	startServer(t, g, func(s *Spec) { s.ExternalLeaf = pinned.certificate })
	c := newClient(t, g, serverBase).signIn("/admin/generateToken")
	for want, form := range map[string]url.Values{
		"A root or intermediate certificate cannot be used": {"webServerCertificateAlias": {"appgw-externaldnscercert"}},
		"does not exist":   {"webServerCertificateAlias": {"nothing"}},
		"is not reachable": {"webServerCertificateAlias": {"applicationgateway"}, "adminURL": {"https://nowhere.example.net:6443/arcgis/admin"}},
	} {
		form.Set("f", "json")
		answer := c.post("/admin/machines/GIS1/edit", form)
		if answer["status"] != "error" || !strings.Contains(answer["messages"].([]any)[0].(string), want) {
			t.Errorf("%v: got %v, want %q", form, answer, want)
		}
	}
	if g.Ledger.Count(ground.MachineRestart) != 0 {
		t.Error("a refused edit restarted the machine")
	}
}

// S16, S23: an edit that changes nothing restarts too, and only the machine it names.
func TestEditRestartsOnlyTheNamedMachine(t *testing.T) {
	g := ground.New(fast, nil)
	startServer(t, g, func(s *Spec) {
		s.Machines = []MachineSpec{{Name: "gis1.example.net"}, {Name: "gis2.example.net"}}
	})
	c := newClient(t, g, serverBase).signIn("/admin/generateToken")
	c.post("/admin/machines/GIS2.EXAMPLE.NET/edit", url.Values{"webServerCertificateAlias": {"ApplicationGateway"}, "f": {"json"}})
	eventually(t, "restart", func() bool { return g.Ledger.Count(ground.MachineRestart) == 1 })
	for _, event := range g.Ledger.Events() {
		if event.Kind == ground.MachineRestart && event.Object != "GIS2.EXAMPLE.NET" {
			t.Errorf("restarted %s", event.Object)
		}
	}
	if served(t, g, "gis1.example.net:6443") == nil {
		t.Error("the other machine went down too")
	}
}

// S17, S18: Portal restarts for an update, and for a root without norestart.
func TestPortalRestarts(t *testing.T) {
	g := ground.New(fast, nil)
	startPortal(t, g, nil)
	c := newClient(t, g, portalBase).signIn("/sharing/rest/generateToken")
	base := "/portaladmin/machines/PORTAL1.EXAMPLE.NET/sslCertificates"
	root := newAuthority(t, nil, "Root")
	c.upload(base+"/importRootOrIntermediate", "file", root.certificate.Raw, map[string]string{"alias": "one", "norestart": "true"})
	if list := c.get(base); list["webServerCertificateAlias"] != "ApplicationGateway" || list["sslProtocols"] == "" {
		t.Errorf("list: %v", list)
	}
	if g.Ledger.Count(ground.MachineRestart) != 0 {
		t.Fatal("norestart=true restarted the portal")
	}
	c.upload(base+"/importRootOrIntermediate", "file", root.certificate.Raw, map[string]string{"alias": "two"})
	eventually(t, "restart", func() bool { return g.Ledger.Count(ground.MachineRestart) == 1 })
	healthy := func() bool {
		if served(t, g, "portal1.example.net:7443") == nil {
			return false
		}
		response, err := c.http.Get(portalBase + "/portaladmin/healthCheck?f=json")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == 200
	}
	eventually(t, "healthy again", healthy)

	leaf := issue(t, nil, "portal1.example.net", nil)
	c.upload(base+"/importExistingServerCertificate", "file", leaf.pfx(t, "abc"), map[string]string{"alias": "new", "password": "abc"})
	if answer := c.post(base+"/update", url.Values{"webServerCertificateAlias": {"new"}, "f": {"json"}}); answer["status"] != "success" {
		t.Fatalf("update: %v", answer)
	}
	eventually(t, "new certificate", func() bool {
		got := served(t, g, "portal1.example.net:7443")
		return got != nil && got.Equal(leaf.certificate)
	})
	eventually(t, "healthy again", healthy)
}

// S25: new security settings restart every machine of the site.
func TestSecurityConfigRestartsAllMachines(t *testing.T) {
	g := ground.New(fast, nil)
	startServer(t, g, func(s *Spec) {
		s.Machines = []MachineSpec{{Name: "gis1.example.net"}, {Name: "gis2.example.net"}}
	})
	c := newClient(t, g, serverBase).signIn("/admin/generateToken")
	c.post("/admin/security/config/update", url.Values{"Protocol": {"HTTP_AND_HTTPS"}, "f": {"json"}})
	eventually(t, "two restarts", func() bool { return g.Ledger.Count(ground.MachineUp) == 2 })
	if restarts := g.Ledger.Count(ground.MachineRestart); restarts != 2 {
		t.Errorf("%d restarts", restarts)
	}
	if config := c.get("/admin/security/config"); config["Protocol"] != "HTTP_AND_HTTPS" || config["httpEnabled"] != true {
		t.Errorf("config: %v", config)
	}
}

func TestMachineDoesNotReturn(t *testing.T) {
	g := ground.New(fast, nil)
	site := startServer(t, g, nil)
	g.Faults.Add(ground.Fault{Name: "machine-does-not-return", Step: "restart"})
	if err := site.Restart("gis1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "down", func() bool { return served(t, g, "gis1.example.net:6443") == nil })
	if _, err := g.Inside.DialContext(t.Context(), "tcp", "gis1.example.net:6443"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connecting: %v, want refused", err)
	}
	time.Sleep(g.Clock.Short(3 * time.Minute))
	if served(t, g, "gis1.example.net:6443") != nil {
		t.Error("the machine came back")
	}
	// Somebody starts it by hand.
	if err := site.Restart("gis1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "back", func() bool { return served(t, g, "gis1.example.net:6443") != nil })
}

func TestDroppedAnswer(t *testing.T) {
	g := ground.New(fast, nil)
	startServer(t, g, func(s *Spec) { s.Options.DropAnswer = true })
	c := newClient(t, g, serverBase).signIn("/admin/generateToken")
	form := url.Values{"f": {"json"}, "token": {c.token}}
	request, err := http.NewRequest(http.MethodPost, serverBase+"/admin/machines/GIS1/edit", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Referer", c.referer)
	if _, err := c.http.Do(request); err == nil {
		t.Error("an answer came")
	}
	eventually(t, "restart", func() bool { return g.Ledger.Count(ground.MachineRestart) == 1 })
}
