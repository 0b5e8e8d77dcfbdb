package rotation_test

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

// codes are those of what is found at the machines of a state, each once.
func (b *bench) codes(state rotation.State) []string {
	b.t.Helper()
	var list []string
	for _, finding := range rotation.MachineFindings(state, b.goal.Roots, state.At) {
		list = append(list, finding.Code)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// What is said of a world's machines is what is wrong with them, and nothing
// else: a healthy deployment raises no alarm, whoever made it.
func TestEveryWorldIsToldAsItIs(t *testing.T) {
	t.Parallel()
	for world, want := range map[string][]string{
		// Cloud Builder's DSC lets servers answer without TLS, too.
		"ha": {"http-enabled"}, "private": {"http-enabled"}, "gitops": {"http-enabled"},
		// Certificates that nobody looked after.
		"drift": {"entries-stale", "http-enabled", "internal-expired", "internal-expires-soon", "portal-aliases-differ", "trusted-root-expires"},
	} {
		t.Run(world, func(t *testing.T) {
			t.Parallel()
			worldtest.InBubble(t, func(t *testing.T) {
				b := newBench(t, sim.Options{World: world}).inside()
				b.runner.Network, b.runner.Looker.Network = b.network, b.network
				state := b.observe()
				if diff := cmp.Diff(want, b.codes(state)); diff != "" {
					t.Errorf("%s\n%v", diff, rotation.MachineFindings(state, b.goal.Roots, state.At))
				}
				for _, m := range state.Machines {
					if m.Report == nil && len(m.Components) > 0 {
						t.Errorf("%s was not seen: %s", m.Name, m.Trouble)
					}
				}
				if len(state.Backends) == 0 {
					t.Error("the gateway tells of no machine")
				}
				for _, server := range state.Backends {
					if strings.Trim(server.Address, "0123456789.") == "" {
						t.Errorf("%s is nobody's name", server.Address)
					}
				}
			})
		})
	}
}

// What goes wrong at machines and at the gateway is found, and gone when it is
// mended: the codes that no world has from the start.
func TestWhatGoesWrongAtMachinesIsFound(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "roles"}).inside()
		healthy := []string{"hsts-enabled", "internal-expired", "internal-expires-soon", "trusted-root-expires"}
		if diff := cmp.Diff(healthy, b.codes(b.observe())); diff != "" {
			t.Errorf("at first: %s", diff)
		}
		found := func(what string, state rotation.State, wanted ...string) {
			t.Helper()
			var more []string
			for _, code := range b.codes(state) {
				if !slices.Contains(healthy, code) {
					more = append(more, code)
				}
			}
			if diff := cmp.Diff(wanted, more); diff != "" {
				t.Errorf("%s: %s\n%v", what, diff, rotation.MachineFindings(state, b.goal.Roots, state.At))
			}
		}

		right := b.runner.Credentials.SiteAdminPassword
		b.runner.Credentials.SiteAdminPassword = secret.New("a wrong one")
		found("a wrong password", b.observe(), "keystore-not-read")
		b.runner.Credentials.SiteAdminPassword = right

		document := b.get()
		b.trustRootOfSomebodyElse("serverBackendSSLCert")
		// Nor is there anybody left who vouches for these servers.
		found("a trusted root that is nobody's", b.observe(), "backend-not-trusted", "keystore-not-read", "trusted-root-stale")
		old := b.get()
		old["properties"].(map[string]any)["trustedRootCertificates"] = document["properties"].(map[string]any)["trustedRootCertificates"]
		b.put(old)

		b.replaceByHand("ageServer-0")
		found("a server that got another certificate behind everybody's back", b.observe(), "backend-not-trusted", "service-lags")
	})
}

// trustRootOfSomebodyElse puts a root that is nobody's into a trusted entry.
func (b *bench) trustRootOfSomebodyElse(name string) {
	b.t.Helper()
	other, err := b.world.Authority().NewPrivate("Somebody else's")
	if err != nil {
		b.t.Fatal(err)
	}
	changed := b.get()
	for _, item := range changed["properties"].(map[string]any)["trustedRootCertificates"].([]any) {
		entry := item.(map[string]any)
		if entry["name"] == name {
			entry["properties"].(map[string]any)["data"] = base64.StdEncoding.EncodeToString(other.Certificate.Raw)
		}
	}
	b.put(changed)
}

// replaceByHand gives a server a certificate by way of its keystore, as a person
// would who does not think of the gateway.
func (b *bench) replaceByHand(host string) {
	b.t.Helper()
	state := b.observe()
	i := slices.IndexFunc(state.Machines, func(m rotation.Machine) bool { return m.Name == host })
	at := state.Machines[i].Machine
	issued, err := b.world.Authority().Issue(authority.Spec{Names: []string{at.Host}, Key: "p256", NotAfter: time.Now().AddDate(1, 0, 0), WithRoot: true})
	if err != nil {
		b.t.Fatal(err)
	}
	pfx, err := issued.PFX("Alnum0nly")
	if err != nil {
		b.t.Fatal(err)
	}
	job := b.runner.Job(state, at)
	leaf := pki.Fingerprint(issued.Leaf)
	job.Tasks = []machine.Task{
		{Kind: machine.Install, Port: 6443, Alias: "byhand", PFX: secret.New(string(pfx)), PFXPassword: secret.New("Alnum0nly"), Expect: leaf},
		{Kind: machine.Activate, Port: 6443, Alias: "byhand", Expect: leaf},
	}
	report, err := b.runner.Way.Do(context.Background(), at, job)
	if err != nil || report.Failed() != nil {
		b.t.Fatalf("%v %+v", err, report.Failed())
	}
}

// A renewal that nobody took to the machines leaves their pinned entries as they
// were; where nothing else vouches for the new one, that is told, too.
func TestARenewalThatDidNotReachTheMachinesIsFound(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "single"}).inside()
		if diff := cmp.Diff([]string{"http-enabled"}, b.codes(b.observe())); diff != "" {
			t.Errorf("at first: %s", diff)
		}
		way := b.runner.Way
		b.runner.Way = nil
		if result := b.rotate(t.Context()); result.Outcome != rotation.Verified {
			t.Fatalf("%+v", result)
		}
		b.runner.Way = way
		state := b.observe()
		if diff := cmp.Diff([]string{"http-enabled", "pin-stale"}, b.codes(state)); diff != "" {
			t.Error(diff)
		}
		b.goal.Roots = pki.MozillaRoots() // as if no list had the authority of this world
		if diff := cmp.Diff([]string{"external-not-trusted", "http-enabled", "pin-stale"}, b.codes(state)); diff != "" {
			t.Error(diff)
		}
	})
}
