package site

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// dscBench is a machine to which configurations are applied, in a world where
// minutes are short.
type dscBench struct {
	*testing.T
	ground *ground.Ground
	site   *Site
	host   *Host
}

func newDSC(t *testing.T, product string, change func(*Spec)) *dscBench {
	t.Helper()
	t.Parallel()
	g := ground.New(1000, nil)
	b := &dscBench{T: t, ground: g, site: start(t, g, Spec{Product: product, Version: "11.4", Machines: []MachineSpec{{Name: "vm1.example.net", Role: "primary"}},
		Security: map[string]string{"Protocol": "HTTP_AND_HTTPS"}}, change)}
	b.host = NewHost(g, "vm1.example.net", []*Site{b.site}, nil)
	pfx, err := b.site.InternalPFX("internal")
	if err != nil {
		t.Fatal(err)
	}
	b.host.Keep(b.site.PFXFile(), pfx)
	return b
}

// apply runs a configuration for which everything is given but what change takes away.
func (b *dscBench) apply(name string, change func(*DSC)) (string, error) {
	b.Helper()
	run := DSC{Configuration: name, Updating: true, Admin: "siteadmin", Password: "correct horse", PFXPassword: "internal"}
	if change != nil {
		change(&run)
	}
	log, err := b.host.ApplyDSC(b.Context(), run)
	return strings.Join(log, "\n"), err
}

func (b *dscBench) restarts() int { return b.ground.Ledger.Count(ground.MachineRestart) }

func (b *dscBench) active() string {
	m := b.site.machines[0]
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.active
}

func (b *dscBench) pinned() *x509.Certificate {
	m := b.site.machines[0]
	m.mu.Lock()
	defer m.mu.Unlock()
	if found := m.keystore["appgw-externaldnscercert"]; found != nil {
		return found.leaf
	}
	return nil
}

// leafIn is a new certificate with its file, under the password of the others.
func leafIn(t *testing.T) (*issued, []byte) {
	t.Helper()
	leaf := issue(t, nil, "vm1.example.net", nil)
	return leaf, leaf.pfx(t, "internal")
}

// The renewal of the external certificate alone: one restart per machine,
// because its leaf is in the keystores. Reference: ArcGIS_Server_TLS, step (D),
// and ArcGIS_Portal_TLS.
func TestDSCRestartsAMachineForTheExternalCertificate(t *testing.T) {
	for product, configuration := range map[string]string{Server: "ServerConfiguration", Portal: "PortalConfiguration"} {
		t.Run(product, func(t *testing.T) {
			old, next := issue(t, nil, "gis.example.com", nil), issue(t, nil, "gis.example.com", nil)
			b := newDSC(t, product, func(s *Spec) { s.ExternalLeaf = old.certificate })
			if log, err := b.apply(configuration, func(d *DSC) { d.Public = old.certificate.Raw }); err != nil || b.restarts() != 0 {
				t.Fatalf("nothing new: %d restarts, %v\n%s", b.restarts(), err, log)
			}
			log, err := b.apply(configuration, func(d *DSC) { d.Public = next.certificate.Raw })
			if err != nil || b.restarts() != 1 || !b.pinned().Equal(next.certificate) {
				t.Errorf("%d restarts, pinned %v, %v\n%s", b.restarts(), b.pinned().SerialNumber, err, log)
			}
			if b.active() != "ApplicationGateway" {
				t.Errorf("serves %s", b.active())
			}
		})
	}
}

// The same alias is always used, so a new internal certificate takes the detour
// by -temp: two restarts, and nothing is left of it.
func TestDSCTakesADetourForAnInternalCertificate(t *testing.T) {
	for product, configuration := range map[string]string{Server: "ServerConfiguration", Portal: "PortalConfiguration", Mission: "MissionServerSingleTierConfiguration"} {
		t.Run(product, func(t *testing.T) {
			b := newDSC(t, product, nil)
			leaf, pfx := leafIn(t)
			log, err := b.apply(configuration, func(d *DSC) { d.PFX = pfx })
			if err != nil || b.restarts() != 2 || b.active() != "ApplicationGateway" {
				t.Errorf("%d restarts, serves %s, %v\n%s", b.restarts(), b.active(), err, log)
			}
			if m := b.site.machines[0]; !m.served.Load().leaf.Equal(leaf.certificate) || m.keystore["applicationgateway-temp"] != nil {
				t.Errorf("served %v, temporary entry left: %v", m.served.Load().leaf.Subject, m.keystore["applicationgateway-temp"] != nil)
			}
		})
	}
}

// Reference §10.6: it is never told HTTPS-only and HSTS, and sets both back.
func TestDSCResetsSecuritySettings(t *testing.T) {
	for _, settings := range []map[string]string{{"Protocol": "HTTPS"}, {"Protocol": "HTTP_AND_HTTPS", "HSTSEnabled": "true"}} {
		t.Run("server "+settings["Protocol"], func(t *testing.T) {
			b := newDSC(t, Server, func(s *Spec) { s.Security = settings })
			if log, err := b.apply("ServerConfiguration", nil); err != nil || b.site.security["Protocol"] != "HTTP_AND_HTTPS" || isTrue(b.site.security["HSTSEnabled"]) || b.restarts() != 1 {
				t.Errorf("%v, %d restarts, %v\n%s", b.site.security, b.restarts(), err, log)
			}
		})
	}
	t.Run("portal", func(t *testing.T) {
		b := newDSC(t, Portal, func(s *Spec) { s.Security = map[string]string{"HSTSEnabled": "true"} })
		if log, err := b.apply("PortalConfiguration", nil); err != nil || isTrue(b.site.security["HSTSEnabled"]) || b.restarts() != 1 {
			t.Errorf("%v, %d restarts, %v\n%s", b.site.security, b.restarts(), err, log)
		}
	})
}

// What an update run leaves alone, and says nothing about.
func TestDSCDoesNothingAndSucceeds(t *testing.T) {
	for _, test := range []struct {
		name, product, configuration string
		change                       func(*DSC)
	}{
		{"notebook on several tiers", Notebook, "NotebookServerMultiTierConfiguration", nil},
		{"data store", DataStore, "DataStoreConfiguration", nil},
		{"no valid service account", Server, "ServerConfiguration", func(d *DSC) { d.NoServiceAccount = true }},
		{"neither update nor license", Server, "ServerConfiguration", func(d *DSC) { d.Updating = false }},
		{"the download failed, the old file lies there", Server, "ServerConfiguration", func(d *DSC) { d.PFX = nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newDSC(t, test.product, nil)
			before := b.site.machines[0].served.Load()
			_, pfx := leafIn(t)
			log, err := b.apply(test.configuration, func(d *DSC) {
				d.PFX = pfx
				if test.change != nil {
					test.change(d)
				}
			})
			if err != nil || b.restarts() != 0 || b.site.machines[0].served.Load() != before {
				t.Errorf("%d restarts, changed %v, %v\n%s", b.restarts(), b.site.machines[0].served.Load() != before, err, log)
			}
		})
	}
}

// A configuration of Notebook on one tier does run, and binds IIS when the Web
// Adaptor is used.
func TestDSCBindsIIS(t *testing.T) {
	b := newDSC(t, Notebook, nil)
	iis := startIIS(t, b.site)
	b.host = NewHost(b.ground, "vm1.example.net", []*Site{b.site}, iis)
	leaf, pfx := leafIn(t)
	log, err := b.apply("NotebookServerSingleTierConfiguration", func(d *DSC) { d.PFX, d.WebAdaptor = pfx, true })
	if err != nil || b.restarts() != 2 {
		t.Fatalf("%d restarts, %v\n%s", b.restarts(), err, log)
	}
	for _, port := range []string{"443", "11443"} {
		if got := served(t, b.ground, "vm1.example.net:"+port); got == nil || !got.Equal(leaf.certificate) {
			t.Errorf("port %s serves %v", port, got)
		}
	}
}

// What throws, and what is swallowed.
func TestDSCFailures(t *testing.T) {
	t.Run("no password", func(t *testing.T) {
		b := newDSC(t, Server, nil)
		_, pfx := leafIn(t)
		if _, err := b.apply("ServerConfiguration", func(d *DSC) { d.PFX, d.PFXPassword = pfx, "Placeholder" }); err == nil || !strings.Contains(err.Error(), "null-valued") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("wrong administrator", func(t *testing.T) {
		b := newDSC(t, Server, nil)
		if _, err := b.apply("ServerConfiguration", func(d *DSC) { d.Password = "wrong" }); err == nil || !strings.Contains(err.Error(), "token") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a refused import throws and leaves the machine on the temporary alias", func(t *testing.T) {
		b := newDSC(t, Server, nil)
		_, pfx := leafIn(t)
		b.ground.Faults.Add(ground.Fault{Name: "html", Step: "delete"}) // so that the alias is still there
		log, err := b.apply("ServerConfiguration", func(d *DSC) { d.PFX = pfx })
		if err == nil || !strings.Contains(err.Error(), "Importing CA certificate failed.") || b.active() != "ApplicationGateway-temp" {
			t.Errorf("serves %s, %v\n%s", b.active(), err, log)
		}
	})
	t.Run("an import without response is a warning, and success is reported with the wrong certificate", func(t *testing.T) {
		b := newDSC(t, Server, nil)
		_, pfx := leafIn(t)
		go func() { // the second import
			for b.restarts() == 0 && b.Context().Err() == nil {
				time.Sleep(time.Millisecond)
			}
			b.ground.Faults.Add(ground.Fault{Name: "reset", Step: "import"})
		}()
		log, err := b.apply("ServerConfiguration", func(d *DSC) { d.PFX = pfx })
		if err != nil || b.active() != "ApplicationGateway-temp" || b.site.machines[0].keystore["applicationgateway"] != nil ||
			!strings.Contains(log, "no response") || !strings.Contains(log, "attempt 5") {
			t.Errorf("serves %s, %v\n%s", b.active(), err, log)
		}
	})
	t.Run("unknown", func(t *testing.T) {
		b := newDSC(t, Server, nil)
		if _, err := b.apply("Server", nil); err == nil {
			t.Error("it is no configuration")
		}
	})
}

// Every peer is imported by what it serves now, under its name and port.
func TestDSCImportsWhatItsPeersServe(t *testing.T) {
	b := newDSC(t, Server, nil)
	startPortal(t, b.ground, nil)
	log, err := b.apply("GISServerMultiTierConfiguration", func(d *DSC) { d.ImportFrom = []string{"portal1.example.net:7443", "nobody.example.net:7443"} })
	if m := b.site.machines[0]; err != nil || m.keystore["portal1.example.net-7443"] == nil || !strings.Contains(log, "nobody.example.net:7443 does not answer") {
		t.Errorf("%v\n%s", err, log)
	}
}

// A GeoEvent that runs is restarted after an edit, and takes the new certificate.
func TestDSCRestartsGeoEvent(t *testing.T) {
	b := newDSC(t, Server, func(s *Spec) { s.Also = []int{6143} })
	leaf, pfx := leafIn(t)
	log, err := b.apply("GISServerSingleTierConfiguration", func(d *DSC) { d.PFX = pfx })
	if got := served(t, b.ground, "vm1.example.net:6143"); err != nil || got == nil || !got.Equal(leaf.certificate) || b.ground.Ledger.Count(ground.ServiceRestart) != 1 {
		t.Errorf("GeoEvent serves %v, %v\n%s", got, err, log)
	}
}

// Its sleeps are the world's: an external renewal costs a Server three minutes
// and more, most of it in vain.
func TestDSCTakesTheWorldsTime(t *testing.T) {
	b := newDSC(t, Server, nil)
	began := b.ground.Clock.Elapsed()
	if _, err := b.apply("ServerConfiguration", func(d *DSC) { d.Public = issue(t, nil, "gis.example.com", nil).certificate.Raw }); err != nil {
		t.Fatal(err)
	}
	if took := b.ground.Clock.Elapsed() - began; took < 3*time.Minute {
		t.Errorf("it took %v", took)
	}
	c := newClient(t, b.ground, "https://vm1.example.net:6443/arcgis").signIn("/admin/generateToken")
	if got := fmt.Sprint(c.post("/admin/machines/VM1.EXAMPLE.NET/status", url.Values{"f": {"json"}})["realTimeState"]); got != "STARTED" {
		t.Errorf("the machine is %s", got)
	}
}
