package site

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// publicName serves the external name of a deployment with a certificate.
func publicName(t *testing.T, g *ground.Ground, leaf *issued, chain ...*issued) {
	t.Helper()
	listening, err := g.Outside.Listen("gis.example.com", 443)
	if err != nil {
		t.Fatal(err)
	}
	pair := tls.Certificate{Certificate: [][]byte{leaf.certificate.Raw}, PrivateKey: leaf.key}
	for _, one := range chain {
		pair.Certificate = append(pair.Certificate, one.certificate.Raw)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})}
	go func() {
		_ = server.Serve(tls.NewListener(listening, &tls.Config{Certificates: []tls.Certificate{pair}}))
	}()
	t.Cleanup(func() { _ = server.Close() })
}

var hosting = FederatedSpec{
	ID: "NzPdaRhWYsnKzXfs", URL: "https://gis.example.com/server", AdminURL: "https://gis.example.com/server",
	Role: "HOSTING_SERVER", Function: "GeneralPurposeServer", Hosting: true,
}

// S27: validation connects to what is really served, with the portal's trust.
func TestFederationValidation(t *testing.T) {
	root := newAuthority(t, nil, "Root")
	intermediate := newAuthority(t, root, "Intermediate")
	good := issue(t, intermediate, "gis.example.com", nil)
	other := issue(t, intermediate, "other.example.com", nil)
	old := issue(t, intermediate, "gis.example.com", func(c *x509.Certificate) {
		c.DNSNames, c.NotAfter = []string{"gis.example.com"}, time.Now().Add(-time.Minute)
	})
	for _, test := range []struct {
		name    string
		leaf    *issued
		chain   []*issued
		trusted []*x509.Certificate
		status  string
		message string
	}{
		{"trusted", good, []*issued{intermediate}, []*x509.Certificate{root.certificate}, "success", "is accessible"},
		{"unknown authority", good, []*issued{intermediate}, nil, "failure", "PKIX path building failed"},
		{"no intermediate is fetched", good, nil, []*x509.Certificate{root.certificate}, "failure", "PKIX path building failed"},
		{"another name", other, []*issued{intermediate}, []*x509.Certificate{root.certificate}, "failure", "No subject alternative DNS name"},
		{"expired", old, []*issued{intermediate}, []*x509.Certificate{root.certificate}, "failure", "validity check failed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := ground.New(fast, nil)
			publicName(t, g, test.leaf, test.chain...)
			startPortal(t, g, func(s *Spec) {
				s.PublicRoots, s.Federated = test.trusted, []FederatedSpec{hosting}
			})
			c := newClient(t, g, portalBase).signIn("/sharing/rest/generateToken")
			for _, path := range []string{"/portaladmin/federation/servers/NzPdaRhWYsnKzXfs/validate", "/portaladmin/federation/servers/validate"} {
				answer := c.get(path)
				if answer["status"] != test.status {
					t.Errorf("%s: %v, want %s", path, answer, test.status)
				}
				if one, ok := answer["messages"].([]any); ok && !strings.Contains(one[0].(string), test.message) {
					t.Errorf("messages %v, want %q", one, test.message)
				}
			}
		})
	}
}

// Java takes the date from its machine, which has the world's.
func TestFederationFailsOnTheDayThatACertificateEnds(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "Root")
	g := ground.New(fast, nil)
	publicName(t, g, issue(t, root, "gis.example.com", nil))
	startPortal(t, g, func(s *Spec) {
		s.PublicRoots, s.Federated = []*x509.Certificate{root.certificate}, []FederatedSpec{hosting}
	})
	status := func() any {
		return newClient(t, g, portalBase).signIn("/sharing/rest/generateToken").get("/portaladmin/federation/servers/validate")["status"]
	}
	if got := status(); got != "success" {
		t.Errorf("today: %v", got)
	}
	g.Clock.Advance(100 * 24 * time.Hour)
	if got := status(); got != "failure" {
		t.Errorf("after its end: %v", got)
	}
}

// S19: an imported root is in force after the next restart only.
func TestImportedRootIsInForceAfterRestart(t *testing.T) {
	g := ground.New(fast, nil)
	root := newAuthority(t, nil, "Private root")
	publicName(t, g, issue(t, root, "gis.example.com", nil))
	site := startPortal(t, g, func(s *Spec) { s.Federated = []FederatedSpec{hosting} })
	c := newClient(t, g, portalBase).signIn("/sharing/rest/generateToken")
	status := func() any { return c.get("/portaladmin/federation/servers/validate")["status"] }
	answer := c.upload("/portaladmin/machines/PORTAL1/sslCertificates/importRootOrIntermediate", "file", root.certificate.Raw,
		map[string]string{"alias": "private", "norestart": "true"})
	if answer["status"] != "success" || status() != "failure" {
		t.Fatalf("import %v; before the restart: %v, want failure", answer, status())
	}
	if err := site.Restart("portal1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "restart", func() bool { return g.Ledger.Count(ground.MachineRestart) == 1 })
	eventually(t, "up", func() bool { return site.machines[0].ready.Load() })
	if got := status(); got != "success" {
		t.Errorf("after the restart: %v", got)
	}
}

func TestFederationInventory(t *testing.T) {
	g := ground.New(fast, nil)
	startPortal(t, g, func(s *Spec) { s.Federated = []FederatedSpec{hosting} })
	c := newClient(t, g, portalBase).signIn("/sharing/rest/generateToken")
	for _, path := range []string{"/portaladmin/federation/servers", "/sharing/rest/portals/self/servers"} {
		servers := c.get(path)["servers"].([]any)
		server := servers[0].(map[string]any)
		if len(servers) != 1 || server["id"] != hosting.ID || server["adminUrl"] != hosting.AdminURL || server["serverType"] != "ARCGIS" {
			t.Errorf("%s: %v", path, servers)
		}
	}
}

// Faults strike clients, who ask for JSON, and not the probes of a gateway.
func TestFaultsAtTheSteps(t *testing.T) {
	g := ground.New(fast, nil)
	startPortal(t, g, func(s *Spec) { s.Federated = []FederatedSpec{hosting} })
	c := newClient(t, g, portalBase).signIn("/sharing/rest/generateToken")
	g.Faults.Add(ground.Fault{Name: "unavailable", Step: "portal-health"})
	if response, _ := c.page("/portaladmin/healthCheck"); response.StatusCode != 200 {
		t.Errorf("probe: %d", response.StatusCode)
	}
	if response, page := c.page("/portaladmin/healthCheck?f=json"); response.StatusCode != 503 || !strings.Contains(page, "<html>") {
		t.Errorf("client: %d %s, want 503 and a page", response.StatusCode, page)
	}
	g.Faults.Add(ground.Fault{Name: "reset", Step: "federation-list"})
	request, _ := http.NewRequest(http.MethodGet, portalBase+"/portaladmin/federation/servers?f=json&token="+c.token, nil)
	request.Header.Set("Referer", c.referer)
	if _, err := c.http.Do(request); err == nil || !strings.Contains(err.Error(), "reset") {
		t.Errorf("reset: got %v", err)
	}
	g.Faults.Add(ground.Fault{Name: "slow", Step: "portal-health"})
	begin := time.Now()
	if answer := c.get("/portaladmin/healthCheck"); answer["status"] != "success" || time.Since(begin) < g.Clock.Short(30*time.Second) {
		t.Errorf("slow: %v after %v", answer, time.Since(begin))
	}
	g.Faults.Add(ground.Fault{Name: "expired-token", Step: "portal-admin"})
	if answer := c.get("/portaladmin/machines"); errorCode(answer) != 498 {
		t.Errorf("expired token: %v", answer)
	}
}
