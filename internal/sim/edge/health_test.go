package edge

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"testing"
	"time"
)

func TestHealthOfGoodBackends(t *testing.T) {
	w := newWorld(t)
	w.apply(w.old)
	got := w.health("ServerPool")
	for _, name := range []string{"gis1.example.net", "gis2.example.net"} {
		if got[name] != [2]string{"Healthy", "Success. Received 200 status code"} {
			t.Errorf("%s: %v", name, got[name])
		}
	}
	if len(w.health("PortalPool")) != 1 {
		t.Error("the portal is not listed")
	}
}

func TestBackendWithAnotherRootIsRefused(t *testing.T) {
	w := newWorld(t)
	w.trust("portalBackendSSLCert", selfSignedPair(t, "portal1.example.net"))
	w.apply(w.old)
	response, page := w.get("https://gis.example.com/portal/x")
	if response.StatusCode != 502 || !strings.Contains(page, "<h1>502 Bad Gateway</h1>") || !strings.Contains(page, serverHeader) {
		t.Errorf("got %d %s", response.StatusCode, page)
	}
	if got := w.health("PortalPool")["portal1.example.net"]; got != [2]string{"Unhealthy", rootMismatch} {
		t.Errorf("health: %v", got)
	}
	if got := w.health("ServerPool")["gis1.example.net"]; got[0] != "Healthy" {
		t.Errorf("the other pool: %v", got)
	}
}

func TestWithoutTrustedRootOnlyWellKnownAuthoritiesCount(t *testing.T) {
	w := newWorld(t)
	delete(w.entry("backendHttpSettingsCollection", "PortalSetting"), "trustedRootCertificates")
	w.apply(w.old)
	if got := w.health("PortalPool")["portal1.example.net"]; got[0] != "Unhealthy" {
		t.Errorf("health: %v", got)
	}
}

func TestBackendCertificateIsChecked(t *testing.T) {
	authority := newCA(t)
	for name, test := range map[string]struct {
		pair tls.Certificate
		want string
	}{
		"another name": {authority.pair(t, "other.example.net"), nameMismatch},
		"expired": {makePair(t, authority, &x509.Certificate{
			Subject: pkix.Name{CommonName: "gis3.example.net"}, DNSNames: []string{"gis3.example.net"},
			NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
		}), outOfDate},
		"good": {authority.pair(t, "gis3.example.net"), "Success. Received 200 status code"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			startBackend(t, w.ground, "gis3.example.net", 7443, test.pair)
			w.entry("backendAddressPools", "PortalPool")["backendAddresses"] = []any{map[string]any{"fqdn": "gis3.example.net"}}
			w.trust("portalBackendSSLCert", tls.Certificate{Certificate: [][]byte{authority.certificate.Raw}})
			w.apply(w.old)
			if got := w.health("PortalPool")["gis3.example.net"]; got[1] != test.want {
				t.Errorf("got %v, want %q", got, test.want)
			}
		})
	}
}

// The world's date decides, as in front of a deployment that one looks at on a
// day to come.
func TestABackendExpiresOnTheWorldsDay(t *testing.T) {
	w := newWorld(t)
	w.ground.Clock.Advance(100 * 365 * 24 * time.Hour)
	w.apply(w.old)
	if got := w.health("ServerPool")["gis1.example.net"]; got != [2]string{"Unhealthy", outOfDate} {
		t.Errorf("after a century: %v", got)
	}
}

func TestProbesTakeASickServerOut(t *testing.T) {
	w := newWorld(t)
	w.apply(w.old)
	w.servers[0].sick.Store(true)
	before := w.servers[0].probes.Load()
	waitFor(t, "probes", func() bool { return w.servers[0].probes.Load() >= before+5 })
	for range 4 {
		if _, text := w.get("https://gis.example.com/server/x"); !strings.HasPrefix(text, "gis2") {
			t.Errorf("answered by %s", text)
		}
	}
	w.servers[1].sick.Store(true)
	waitFor(t, "502", func() bool {
		response, _ := w.get("https://gis.example.com/server/x")
		return response.StatusCode == 502
	})
	if got := w.health("ServerPool")["gis1.example.net"]; got != [2]string{"Unhealthy", "Received invalid status code: 503 in the backend server's HTTP response."} {
		t.Errorf("health: %v", got)
	}
	w.servers[0].sick.Store(false)
	waitFor(t, "healthy again", func() bool {
		response, _ := w.get("https://gis.example.com/server/x")
		return response.StatusCode == 200
	})
}

func TestServerThatIsNotReachedIsSkipped(t *testing.T) {
	w := newWorld(t)
	w.apply(w.old)
	_ = w.servers[0].server.Close()
	for range 6 {
		if response, text := w.get("https://gis.example.com/server/x"); response.StatusCode != 200 {
			t.Errorf("got %d %s", response.StatusCode, text)
		}
	}
	if got := w.health("ServerPool")["gis1.example.net"]; got[0] != "Unhealthy" || !strings.HasPrefix(got[1], "Cannot connect to backend server") {
		t.Errorf("health: %v", got)
	}
}

func TestHealthWordsCanBeSwitched(t *testing.T) {
	w := newWorld(t)
	w.gateway.Options.HealthUpDown = true
	w.apply(w.old)
	if got := w.health("PortalPool")["portal1.example.net"]; got[0] != "Up" {
		t.Errorf("got %v", got)
	}
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
