package edge

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

// behindGateway is a world with a real portal and server instead of the simple backends.
func behindGateway(t *testing.T, trusted ...*x509.Certificate) *world {
	t.Helper()
	w := newWorld(t)
	for _, simple := range []*backend{w.portal, w.servers[0], w.servers[1]} {
		_ = simple.server.Close()
	}
	server, err := site.Start(w.ground, site.Spec{
		Product: site.Server, Version: "11.3", Machines: []site.MachineSpec{{Name: "gis1.example.net"}, {Name: "gis2.example.net"}},
		Admin: "siteadmin", Password: "correct horse", PublicURL: "https://gis.example.com/server",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	portal, err := site.Start(w.ground, site.Spec{
		Product: site.Portal, Version: "11.3", Machines: []site.MachineSpec{{Name: "portal1.example.net", Role: "primary"}},
		Admin: "siteadmin", Password: "correct horse", PublicURL: "https://gis.example.com/portal", PublicRoots: trusted,
		Federated: []site.FederatedSpec{{
			ID: "hosting", URL: "https://gis.example.com/server", AdminURL: "https://gis.example.com/server", Hosting: true,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = portal.Close() })
	w.trust("serverBackendSSLCert", tls.Certificate{Certificate: [][]byte{server.TrustAnchors()[0].Raw}})
	w.trust("portalBackendSSLCert", tls.Certificate{Certificate: [][]byte{portal.TrustAnchors()[0].Raw}})
	return w
}

// status validates the federation through the gateway.
func (w *world) federation() (status, messages string) {
	w.t.Helper()
	response, err := w.client().PostForm("https://gis.example.com/portal/sharing/rest/generateToken", url.Values{
		"username": {"siteadmin"}, "password": {"correct horse"}, "client": {"requestip"}, "f": {"json"},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	var token struct{ Token string }
	if err := json.NewDecoder(response.Body).Decode(&token); err != nil || token.Token == "" {
		w.t.Fatalf("no token: %v", err)
	}
	var answer struct {
		Status   string
		Messages []string
	}
	_, text := w.get("https://gis.example.com/portal/portaladmin/federation/servers/hosting/validate?f=json&token=" + token.Token)
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		w.t.Fatalf("%v: %s", err, text)
	}
	return answer.Status, strings.Join(answer.Messages, " ")
}

func TestPortalBehindTheGateway(t *testing.T) {
	authority := newCA(t)
	w := behindGateway(t, authority.certificate)
	w.old = authority.pair(t, "gis.example.com")
	w.apply(w.old)
	for _, pool := range []string{"ServerPool", "PortalPool"} {
		for name, got := range w.health(pool) {
			if got[0] != "Healthy" {
				t.Errorf("%s: %v", name, got)
			}
		}
	}
	if response, _ := w.get("https://gis.example.com/portal/home/"); response.StatusCode != http.StatusOK {
		t.Errorf("home: %d", response.StatusCode)
	}
	if response, _ := w.get("https://gis.example.com/server"); response.Header.Get("Location") != "https://gis.example.com/server/rest/services" {
		t.Errorf("redirect of the server: %v", response.Header)
	}
	if status, messages := w.federation(); status != "success" {
		t.Errorf("federation: %s: %s", status, messages)
	}

	// A leaf of a CA that the portal's Java does not know breaks federation.
	w.apply(w.new)
	if status, messages := w.federation(); status != "failure" || !strings.Contains(messages, "PKIX path building failed") {
		t.Errorf("federation with an unknown CA: %s: %s", status, messages)
	}
	w.apply(w.old)
	if status, messages := w.federation(); status != "success" {
		t.Errorf("federation restored: %s: %s", status, messages)
	}
}
