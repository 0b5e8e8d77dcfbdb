package rollout_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rollout"
)

// Entries of a rollout that a later one has replaced were not left by a run that
// was cut off: to take them up would give every machine an older certificate.
func TestWhatALaterRolloutReplacedIsNotTakenUp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ earlier, later string }{
		"of another day":   {"tls-20261101-0a1b2c3d", "tls-20261120-0a1b2c3d"},
		"of the same day":  {"tls-20261120-ffffffff", "tls-20261120-00000000"},
		"half of a second": {"tls-20261101-0a1b2c3d", "tls-20261120-0a1b2c3d"},
	} {
		s := newSet(t, reach.Direct, "11.4", "server S0 server", "server S1 server")
		key, _ := worldtest.Keys()(2048)
		begins := today.AddDate(0, 0, -20)
		for n, alias := range []string{test.earlier, test.later} {
			begins = begins.Add(time.Hour)
			root, err := pki.NewRoot(key, "Cartouche ent "+alias, begins, 3650)
			if err != nil {
				t.Fatal(err)
			}
			document, err := s.state.Gateway.WithTrustedRoot(alias+"-root", root.Certificate, []string{"server-6443-setting"})
			if err != nil {
				t.Fatal(err)
			}
			if s.state.Gateway, err = cloud.ParseGateway(document); err != nil {
				t.Fatal(err)
			}
			for i, at := range []string{"S0", "S1"} {
				seen := s.seen(at, machine.Server)
				leaf, err := root.Issue(key, []string{strings.ToLower(at) + ".corp"}, begins, 397)
				if err != nil {
					t.Fatal(err)
				}
				if n == 1 && i == 1 && name == "half of a second" {
					continue // the later one did not come as far, and this machine serves the earlier
				}
				seen.Chain, seen.Alias = [][]byte{leaf.Leaf.Raw}, alias
				seen.Entries = append(seen.Entries, machine.Entry{
					Alias: alias, SHA256: pki.Fingerprint(leaf.Leaf), Issuer: root.Certificate.Subject.String(), NotBefore: leaf.Leaf.NotBefore, NotAfter: leaf.Leaf.NotAfter,
				})
			}
		}
		if plan := s.plan(rollout.Goal{}); plan.Resumed {
			t.Errorf("%s: %s is taken up, and %s is served", name, plan.Alias, test.later)
		}
	}
}

// A service takes its server's certificate, so it restarts when that gets a
// file, and no file is for the service alone.
func TestAServiceFollowsTheFileOfItsServer(t *testing.T) {
	t.Parallel()
	key := worldtest.RSAKey()
	root, err := pki.NewRoot(key, "Company", today.AddDate(-1, 0, 0), 3650)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(name string) *pki.Bundle {
		bundle, err := root.Issue(key, []string{name, "g0.corp"}, today.AddDate(0, 0, -10), 300)
		if err != nil {
			t.Fatal(err)
		}
		return bundle
	}
	server := issue("server")
	for name, bundles := range map[string]map[string]*pki.Bundle{
		"a file for servers only":          {"server": server},
		"another one that names a service": {"server": server, "geoevent": issue("geoevent")},
	} {
		plan := newSet(t, reach.Agent, "11.4", "realtime G0 server,geoevent").plan(rollout.Goal{Source: rollout.FromPFX, Bundles: bundles})
		if diff := cmp.Diff([]string{"G0 server alias", "G0 geoevent follows"}, told(plan)); diff != "" {
			t.Errorf("%s: %s", name, diff)
			continue
		}
		if got := plan.Ports[1].SHA256; got != pki.Fingerprint(server.Leaf) {
			t.Errorf("%s: the service is to serve %s, its server %s", name, got, plan.Ports[0].SHA256)
		}
	}
	// And who has no file for the server leaves the service alone.
	if plan := newSet(t, reach.Agent, "11.4", "realtime G0 server,geoevent").plan(rollout.Goal{Source: rollout.FromPFX, Bundles: map[string]*pki.Bundle{"geoevent": server}}); len(plan.Ports) != 0 {
		t.Errorf("%v", told(plan))
	}
}

// withWay adds a way of the gateway: a pool, and a setting that trusts a root.
func (s *set) withWay(name string, port int, root string, pool map[string]any) {
	s.t.Helper()
	document := s.state.Gateway.Document()
	properties := document["properties"].(map[string]any)
	id := func(list, name string) map[string]any {
		return map[string]any{"id": gatewayID + "/" + list + "/" + name}
	}
	add := func(list string, child map[string]any) { properties[list] = append(properties[list].([]any), child) }
	add("backendAddressPools", map[string]any{"name": name, "properties": pool})
	add("backendHttpSettingsCollection", map[string]any{"name": name, "properties": map[string]any{
		"port": json.Number(fmt.Sprint(port)), "protocol": "Https", "trustedRootCertificates": []any{id("trustedRootCertificates", root)},
	}})
	add("requestRoutingRules", map[string]any{"name": name, "properties": map[string]any{
		"httpListener": id("httpListeners", "https"), "backendAddressPool": id("backendAddressPools", name), "backendHttpSettings": id("backendHttpSettingsCollection", name),
	}})
	var err error
	if s.state.Gateway, err = cloud.ParseGateway(document); err != nil {
		s.t.Fatal(err)
	}
}

// trustsToo puts a second authority beside a setting's own, so that cleaning
// the first would leave one.
func (s *set) trustsToo(setting string) {
	s.t.Helper()
	key, _ := worldtest.Keys()(2048)
	other, err := pki.NewRoot(key, "Other", today, 100)
	if err != nil {
		s.t.Fatal(err)
	}
	document, err := s.state.Gateway.WithTrustedRoot("otherRoot", other.Certificate, []string{setting})
	if err != nil {
		s.t.Fatal(err)
	}
	if s.state.Gateway, err = cloud.ParseGateway(document); err != nil {
		s.t.Fatal(err)
	}
}

// A root of the gateway stays as long as anybody may need it whom nobody has seen.
func TestARootThatOthersMayNeedStays(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*set){
		"another deployment's machine": func(s *set) {
			s.withWay("theirs", 6443, "oldRoot", map[string]any{"backendAddresses": []any{map[string]any{"fqdn": "x0.corp"}}})
		},
		"network interfaces of whoever": func(s *set) {
			s.withWay("theirs", 6443, "oldRoot", map[string]any{"backendIPConfigurations": []any{map[string]any{
				"id": "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/x/providers/Microsoft.Network/networkInterfaces/x0/ipConfigurations/ip",
			}}})
		},
		"another port of our machine": func(s *set) {
			s.withWay("theirs", 8443, "oldRoot", map[string]any{"backendAddresses": []any{map[string]any{"fqdn": "s0.corp"}}})
		},
	} {
		s, run := rolled(t, func(s *set) {
			change(s)
			s.trustsToo("theirs")
		})
		cleaning := rollout.CleanPlan(s.state, []journal.Run{run})
		if slices.Contains(cleaning.Roots, "oldRoot") || !strings.Contains(strings.Join(cleaning.Kept, "\n"), "theirs") {
			t.Errorf("%s: roots %v, kept %q", name, cleaning.Roots, cleaning.Kept)
		}
	}
}

// Portal and Server verify the gateway's certificate with the same keystores: an
// authority that a rollout brought may be the external certificate's by now.
func TestTheAuthorityOfTheExternalCertificateStays(t *testing.T) {
	t.Parallel()
	key, _ := worldtest.Keys()(2048)
	company, err := pki.NewRoot(key, "Cartouche ent tls-20250101-00000000", today.AddDate(-2, 0, 0), 3650)
	if err != nil {
		t.Fatal(err)
	}
	external, err := company.Issue(key, []string{"gis.example.com"}, today, 100)
	if err != nil {
		t.Fatal(err)
	}
	s, run := rolled(t, func(s *set) {
		for _, at := range []string{"S0", "S1"} {
			entries := s.seen(at, machine.Server).Entries
			entries[len(entries)-1].SHA256 = pki.Fingerprint(company.Certificate)
		}
		s.state.Wire = []handshake.Observation{{Target: "gis.example.com:443"}}
		s.state.Wire[0].Chain = append(s.state.Wire[0].Chain, external.Leaf)
	})
	cleaning := rollout.CleanPlan(s.state, []journal.Run{run})
	for _, entry := range cleaning.Entries {
		if entry.Alias == "tls-20250101-00000000-root" {
			t.Errorf("%s would no longer trust the certificate that clients are served", entry.Machine)
		}
	}
}

// A machine of 12.1 that did not replace in place after all has kept its old
// entry, whatever the plan said: there is a way back.
func TestWhatWasNotReplacedInPlaceCanBeTakenBack(t *testing.T) {
	t.Parallel()
	s, run := rolled(t, nil)
	var kept map[string]any
	if err := json.Unmarshal(run.Before, &kept); err != nil {
		t.Fatal(err)
	}
	for _, port := range kept["ports"].([]any) {
		port.(map[string]any)["how"], port.(map[string]any)["alias"] = "in-place", "ApplicationGateway"
	}
	run.Before, _ = json.Marshal(kept)
	plan, err := rollout.UndoPlan(s.state, run, today)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Ports) != 2 || plan.Obstacles.Has("no-way-back") || plan.Ports[0].How != rollout.ByAlias || plan.Ports[0].Alias != "applicationgateway" {
		t.Errorf("%v %+v", told(plan), plan.Obstacles)
	}
	cleaned := false
	for _, entry := range rollout.CleanPlan(s.state, []journal.Run{run}).Entries {
		cleaned = cleaned || entry.Alias == "applicationgateway"
	}
	if !cleaned {
		t.Error("what was replaced is not cleaned")
	}
}

// The cipher suites that ArcGIS offers by itself authenticate by RSA: a machine
// with an EC key would agree with nobody.
func TestAKeyThatNoCipherSuiteFits(t *testing.T) {
	t.Parallel()
	key := worldtest.RSAKey()
	root, err := pki.NewRoot(key, "Company", today.AddDate(-1, 0, 0), 3650)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := root.Issue(curve, []string{"s0.corp"}, today, 300)
	if err != nil {
		t.Fatal(err)
	}
	goal := rollout.Goal{Source: rollout.FromPFX, Bundles: map[string]*pki.Bundle{"": bundle}}
	s := newSet(t, reach.Direct, "11.4", "server S0 server")
	if diff := cmp.Diff([]string{"key-not-rsa"}, refusals(s.plan(goal))); diff != "" {
		t.Error(diff)
	}
	s.seen("S0", machine.Server).Settings = map[string]string{"cipherSuites": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_RSA_WITH_AES_128_GCM_SHA256"}
	if got := refusals(s.plan(goal)); len(got) != 0 {
		t.Errorf("with suites for it: %v", got)
	}
}

// GeoEvent serves what its server does: where the server's key was replaced in
// place, no restart brings GeoEvent's old certificate back.
func TestAServiceStaysWithItsServerThatHasNoWayBack(t *testing.T) {
	t.Parallel()
	s := newSet(t, reach.Agent, "12.1", "realtime G0 server,geoevent")
	plan := s.plan(rollout.Goal{})
	key, _ := worldtest.Keys()(2048)
	root, err := pki.NewRoot(key, "New Root", today, 3650)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := root.Issue(key, []string{"new.corp"}, today, 397)
	if err != nil {
		t.Fatal(err)
	}
	for i, port := range plan.Ports {
		if port.How != rollout.InPlace && port.How != rollout.Follows {
			t.Fatalf("%s changes by %s", port.Product, port.How)
		}
		plan.Ports[i].SHA256 = pki.Fingerprint(leaf.Leaf)
		s.seen(port.Machine, port.Product).Chain = [][]byte{leaf.Leaf.Raw}
	}
	before, err := json.Marshal(map[string]any{"kind": rollout.PlanKind, "source": "issue", "alias": plan.Alias, "ports": plan.Ports})
	if err != nil {
		t.Fatal(err)
	}
	back, err := rollout.UndoPlan(s.state, journal.Run{ID: "run", Outcome: "verified", GatewayID: gatewayID, DeploymentID: "dep", Before: before}, today)
	if err != nil {
		t.Fatal(err)
	}
	stay := 0
	for _, obstacle := range back.Obstacles {
		if obstacle.Code == "no-way-back" {
			stay++
		}
	}
	if len(plan.Ports) != 2 || len(back.Ports) != 0 || stay != 2 {
		t.Errorf("%d ports went; there go back: %v; %+v", len(plan.Ports), told(back), back.Obstacles)
	}
}
