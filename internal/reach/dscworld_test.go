package reach_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// What applies to the way of Cloud Builder: it replaces what a machine serves
// and what it trusts of the gateway, each machine restarts for it, and the
// artifacts are gone afterwards. What came of it is looked at directly, because
// DSC itself cannot look.
func TestDSCConforms(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sim.Options{World: "ha", Version: "12.0"})
	d := p.deployment("ent")
	storage, err := reach.StorageOf(t.Context(), p.azure, d)
	if err != nil {
		t.Fatal(err)
	}
	options := reach.DSCOptions{Azure: p.azure, Deployment: d, Storage: storage,
		Service: reach.Login{User: p.variable["CARTOUCHE_SERVICE_ACCOUNT"], Password: secret.New(p.variable["CARTOUCHE_SERVICE_ACCOUNT_PASSWORD"])}}
	t.Run("a failure is no success", func(t *testing.T) { failingDSC(t, p, options) })
	way := reach.NewDSC(options)
	look := reach.NewDirect(p.inside, nil)
	a, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	external, err := a.Issue(authority.Spec{Names: []string{"maps.example.com"}, Key: "p256"})
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, m := range reach.Machines(d, nil) {
		if m.Name != "entServer-0" && m.Name != "entPortal-Sec" {
			continue
		}
		tried++
		s := &suite{place: p, way: look, at: m}
		s.wire(t)
		port := m.Components[0].Port
		next, _ := s.issued(t)
		pfx, err := next.PFX(pfxPassword)
		if err != nil {
			t.Fatal(err)
		}
		expect := pki.Fingerprint(next.Leaf)
		job := s.job(
			machine.Task{Kind: machine.Trust, Port: port, Alias: "AppGW-ExternalDNSCerCert", Certificate: external.Leaf.Raw},
			machine.Task{Kind: machine.Install, Port: port, Alias: "ApplicationGateway", PFX: secret.New(string(pfx)), PFXPassword: secret.New(pfxPassword), Expect: expect},
			machine.Task{Kind: machine.Activate, Port: port, Alias: "ApplicationGateway", Expect: expect})
		restarts := p.Ground().Ledger.Count(ground.MachineRestart)
		report, err := way.Do(t.Context(), m, job)
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		if got := states(report); got != "trust done, install done, activate done" {
			t.Errorf("%s: %s", m.Name, got)
		}
		if again := p.Ground().Ledger.Count(ground.MachineRestart) - restarts; again < 1 {
			t.Errorf("%s did not restart", m.Name)
		}
		s.pins = append(s.pins, expect)
		// It comes back after its last restart.
		var c machine.Seen
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if c = seen(t, s.do(t, s.job()), port); c.Healthy {
				break
			}
		}
		if leaf(t, c) != expect || !strings.EqualFold(c.Alias, "ApplicationGateway") {
			t.Errorf("%s serves %s by %s, want %s (%s)", m.Name, leaf(t, c), c.Alias, expect, c.Trouble)
		}
		fingerprint := pki.Fingerprint(external.Leaf)
		if !slices.ContainsFunc(c.Entries, func(e machine.Entry) bool { return e.Trusted && e.SHA256 == fingerprint }) {
			t.Errorf("%s does not trust the gateway's certificate", m.Name)
		}
	}
	if tried != 2 {
		t.Errorf("%d machines were tried", tried)
	}
	if err := way.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
	(&suite{place: p}).nothingLeft(t)
}

// failingDSC: a failure of DSC is no success. A wrong site administrator makes
// the configuration fail.
func failingDSC(t *testing.T, p *place, options reach.DSCOptions) {
	options.ServerPassword = secret.New("any")
	way := reach.NewDSC(options)
	s := &suite{place: p, way: way, at: p.server()}
	job := s.job(machine.Task{Kind: machine.Trust, Port: 6443, Alias: "AppGW-ExternalDNSCerCert", Certificate: []byte("no certificate")})
	job.Password = secret.New("canary-wrong")
	_, err := way.Do(t.Context(), s.at, job)
	wantError(t, err, reach.ExtensionFailed, true)
	if err := way.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
	s.nothingLeft(t)
	if held := p.Holding("canary-wrong"); len(held) > 0 {
		t.Errorf("the password is held by %v", held)
	}
}
