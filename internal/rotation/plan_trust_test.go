package rotation

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

// keystore is a component as it was seen, with what is in its keystore.
func keystore(product machine.Product, port int, role string, entries ...machine.Entry) machine.Seen {
	own := machine.Entry{Alias: "applicationgateway", SHA256: strings.Repeat("0", 64)}
	return machine.Seen{
		Component: machine.Component{Product: product, Port: port}, Role: role, Healthy: true,
		Alias: own.Alias, Entries: append([]machine.Entry{own}, entries...),
	}
}

// trustedAs is an entry that trusts a certificate.
func trustedAs(alias string, bundle *pki.Bundle) machine.Entry {
	return machine.Entry{Alias: alias, Trusted: true, SHA256: pki.Fingerprint(bundle.Leaf)}
}

func rootAs(alias string, ca testCA) machine.Entry {
	return machine.Entry{Alias: alias, Trusted: true, SHA256: pki.Fingerprint(ca.root)}
}

// vm is a machine of a site that was looked at.
func vm(name, site string, components ...machine.Seen) Machine {
	m := Machine{
		Machine: reach.Machine{ID: "/vm/" + name, Name: name, Host: strings.ToLower(name) + ".internal", Site: site},
		Report:  &machine.Report{Components: components},
	}
	for _, seen := range components {
		m.Components = append(m.Components, seen.Component)
	}
	return m
}

// inSites gives a state the machines of a deployment with further sites.
func inSites(state State, machines ...Machine) State {
	state.Deployment.ServerContext, state.Deployment.PortalContext = "server", "portal"
	state.Way, state.Machines = reach.Direct, machines
	return state
}

// unknownTo is a goal whose root no public list has.
func unknownTo(bundle *pki.Bundle) Goal {
	return Goal{Bundle: bundle, Roots: pki.MozillaRoots(), Now: today, File: "/new.pfx"}
}

// TestTrustBeforeUse is what is done at the machines for a certificate, by what
// is in their keystores.
func TestTrustBeforeUse(t *testing.T) {
	ca, other := newTestCA(t), newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	document := gatewayDocument(t, certificates("frontendCert", old), httpsListener("https", "frontendCert", domain))
	short := pki.Fingerprint(ca.root)[:8]
	pinned := trustedAs("appgw-externaldnscercert", old)
	knowing, not := rootAs("contoso-root", ca), rootAs("another", other)

	for name, test := range map[string]struct {
		goal     Goal
		machines []Machine
		// imports and restarts are "machine port", in order.
		imports, restarts, pins []string
		refused                 string
		trust                   string
	}{
		"a public root: pinned entries are refreshed, and nothing restarts": {
			goal: goalOf(ca, renewed),
			machines: []Machine{
				vm("S0", "server", keystore(machine.Server, 6443, "", pinned)),
				vm("P0", "portal", keystore(machine.Portal, 7443, "primary", pinned)),
			},
			pins: []string{"S0 6443", "P0 7443"}, trust: "refreshed after the proof, without a restart",
		},
		"a private root that every keystore knows": {
			goal: unknownTo(renewed),
			machines: []Machine{
				vm("S0", "server", keystore(machine.Server, 6443, "", knowing)),
				vm("P0", "portal", keystore(machine.Portal, 7443, "primary", not, knowing)),
			},
			trust: "in the keystores of all that verify it (2)",
		},
		"a private root that one machine lacks: only that one restarts": {
			goal: unknownTo(renewed),
			machines: []Machine{
				vm("S0", "server", keystore(machine.Server, 6443, "", knowing)),
				vm("S1", "server", keystore(machine.Server, 6443, "", not, pinned)),
			},
			imports: []string{"S1 6443"}, restarts: []string{"S1"}, pins: []string{"S1 6443"}, trust: "S1 restarts",
		},
		"a private root never seen: further sites, hosting server, standby, primary": {
			goal: unknownTo(renewed),
			machines: []Machine{
				vm("P0", "portal", keystore(machine.Portal, 7443, "primary")),
				vm("P1", "portal", keystore(machine.Portal, 7443, "standby")),
				vm("S0", "server", keystore(machine.Server, 6443, "")),
				vm("S1", "server", keystore(machine.Server, 6443, "")),
				vm("N0", "notebooks", keystore(machine.Notebook, 11443, "")),
				vm("I0", "image", keystore(machine.Server, 6443, "")),
			},
			imports:  []string{"N0 11443", "I0 6443", "S0 6443", "S1 6443", "P1 7443", "P0 7443"},
			restarts: []string{"N0", "I0", "S0", "S1", "P1", "P0"}, trust: "all of them restart",
		},
		"one machine with all: the server first": {
			goal:     unknownTo(renewed),
			machines: []Machine{vm("A", "server", keystore(machine.Portal, 7443, "primary"), keystore(machine.Server, 6443, ""))},
			imports:  []string{"A 6443", "A 7443"}, restarts: []string{"A"}, trust: "A restarts",
		},
		"only the old leaf is pinned": {
			goal:     unknownTo(renewed),
			machines: []Machine{vm("S0", "server", keystore(machine.Server, 6443, "", pinned))},
			imports:  []string{"S0 6443"}, restarts: []string{"S0"}, pins: []string{"S0 6443"}, trust: "because Java reads its trust store only when it starts",
		},
		"a machine that could not be looked at": {
			goal: unknownTo(renewed),
			machines: []Machine{
				vm("S0", "server", keystore(machine.Server, 6443, "", knowing)),
				{Machine: reach.Machine{Name: "S1", Host: "s1.internal", Components: []machine.Component{{Product: machine.Server, Port: 6443}}}, Trouble: "it is off"},
			},
			refused: "trust-not-seen",
		},
		"a keystore of which an entry could not be read": {
			goal:     unknownTo(renewed),
			machines: []Machine{vm("S0", "server", keystore(machine.Server, 6443, "", machine.Entry{Alias: "x", Trouble: "no answer"}))},
			refused:  "trust-not-seen",
		},
		"a machine without a keystore verifies nothing": {
			goal:     unknownTo(renewed),
			machines: []Machine{vm("S0", "server", keystore(machine.Server, 6443, "", knowing)), vm("D0", "server", machine.Seen{Component: machine.Component{Product: machine.DataStore, Port: 2443}})},
			trust:    "in the keystores of all that verify it (1)",
		},
		"an old release that tells SHA-1 only": {
			goal: unknownTo(renewed),
			machines: []Machine{vm("S0", "server", keystore(machine.Server, 6443, "",
				machine.Entry{Alias: "root", Trusted: true, SHA1: strings.ToLower(pki.Thumbprint(ca.root))}))},
			trust: "in the keystores of all that verify it (1)",
		},
		"a private key is not trusted by that": {
			goal:     unknownTo(renewed),
			machines: []Machine{vm("S0", "server", keystore(machine.Server, 6443, "", machine.Entry{Alias: "root", SHA256: pki.Fingerprint(ca.root)}))},
			imports:  []string{"S0 6443"}, restarts: []string{"S0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := NewPlan(inSites(stateOf(t, document, domain), test.machines...), test.goal)
			if err != nil {
				t.Fatal(err)
			}
			var imports, pins []string
			for _, need := range plan.Trusting {
				if len(need.Imports) != 1 || need.Imports[0].Alias != "cartouche-root-"+short {
					t.Errorf("%s gets %v, want the root as cartouche-root-%s", need.Machine, need.Imports, short)
				}
				imports = append(imports, need.Machine+" "+portText(need.Port))
			}
			for _, pin := range plan.Pinned {
				pins = append(pins, pin.Machine+" "+portText(pin.Port))
				if !slices.Equal(pin.Was, old.Leaf.Raw) || pin.SHA256 != pki.Fingerprint(renewed.Leaf) {
					t.Errorf("pinned entry of %s: %+v, want from the old leaf to the new", pin.Machine, pin)
				}
			}
			if diff := cmp.Diff(test.imports, imports); diff != "" {
				t.Errorf("imports (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.pins, pins); diff != "" {
				t.Errorf("pinned entries (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.restarts, nilIfEmpty(restarting(plan.Trusting))); diff != "" {
				t.Errorf("restarts (-want +got):\n%s", diff)
			}
			if ready := plan.Ready(); test.refused == "" && ready != nil {
				t.Errorf("the plan is not ready: %v", ready)
			} else if test.refused != "" && (!plan.Obstacles.Has(test.refused) || ready == nil) {
				t.Errorf("ready = %v, obstacles %v, want %s", ready, plan.Obstacles, test.refused)
			}
			if plan.Refused() {
				t.Errorf("the certificate is refused, with which nothing is wrong: %v", plan.Findings)
			}
			if !strings.Contains(plan.Trust, test.trust) {
				t.Errorf("trust: %s\nwant in it: %s", plan.Trust, test.trust)
			}
			var again Plan
			if data, err := json.Marshal(plan); err != nil || json.Unmarshal(data, &again) != nil || again.computeHash() != plan.Hash {
				t.Errorf("the plan does not survive a round trip through JSON: %v", err)
			}
		})
	}
}

func nilIfEmpty(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

func portText(port int) string { return strconv.Itoa(port) }

// TestTrustComesFirstAndPinsLast is the order of a plan.
func TestTrustComesFirstAndPinsLast(t *testing.T) {
	ca := newTestCA(t)
	old := ca.issue(9, domain)
	state := inSites(stateOf(t, gatewayDocument(t, certificates("frontendCert", old), httpsListener("https", "frontendCert", domain)), domain),
		vm("S0", "server", keystore(machine.Server, 6443, "", trustedAs("AppGW-ExternalDNSCerCert", old))))

	plan, err := NewPlan(state, unknownTo(ca.issue(90, domain)))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []StepKind
	for _, step := range plan.Steps {
		kinds = append(kinds, step.Kind)
		if restarts := step.Kind == StepTrust; restarts != (len(step.Restarts) > 0) {
			t.Errorf("step %s restarts %v", step.Kind, step.Restarts)
		}
	}
	if want := []StepKind{StepTrust, StepSwitch, StepProve, StepPin}; !slices.Equal(kinds, want) {
		t.Errorf("steps %v, want %v", kinds, want)
	}
}

// TestWithoutMachinesNothingIsSaidOfThem: an external renewal needs none.
func TestWithoutMachinesNothingIsSaidOfThem(t *testing.T) {
	ca := newTestCA(t)
	state := stateOf(t, gatewayDocument(t, certificates("frontendCert", ca.issue(9, domain)), httpsListener("https", "frontendCert", domain)), domain)
	plan, err := NewPlan(state, unknownTo(ca.issue(90, domain)))
	if err != nil {
		t.Fatal(err)
	}
	if !plan.Findings.Has("root-not-known") || !plan.Refused() {
		t.Errorf("findings %v, want root-not-known as a refusal", plan.Findings)
	}
	if !strings.Contains(plan.Trust, "the machines were not looked at") {
		t.Errorf("trust: %s", plan.Trust)
	}
}

// TestCloudBuildersWayRestartsEveryMachine is the baseline.
func TestCloudBuildersWayRestartsEveryMachine(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	blind := func(name, site string, product machine.Product, port int) Machine {
		return Machine{Machine: reach.Machine{Name: name, Host: name, Site: site, Components: []machine.Component{{Product: product, Port: port}}}}
	}
	state := inSites(stateOf(t, gatewayDocument(t, certificates("frontendCert", old), httpsListener("https", "frontendCert", domain)), domain),
		blind("P0", "portal", machine.Portal, 7443), blind("S0", "server", machine.Server, 6443), blind("D0", "server", machine.DataStore, 2443))
	state.Way = reach.DSC

	plan, err := NewPlan(state, goalOf(ca, renewed))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"S0", "P0"}, plan.step(StepTrust).Restarts); diff != "" {
		t.Errorf("restarts (-want +got):\n%s", diff)
	}
	for _, need := range plan.Trusting {
		if need.Imports[0].Alias != pinnedAlias || need.Imports[0].SHA256 != pki.Fingerprint(renewed.Leaf) {
			t.Errorf("%s gets %v, want the new leaf as %s", need.Machine, need.Imports, pinnedAlias)
		}
	}
	if !strings.Contains(plan.Trust, "restarts each") {
		t.Errorf("trust: %s", plan.Trust)
	}
}

// A run that died between import and restart leaves keystores that look right.
func TestWhatWasImportedAndNotReadIsStillToRestart(t *testing.T) {
	ca := newTestCA(t)
	state := inSites(stateOf(t, gatewayDocument(t, certificates("frontendCert", ca.issue(9, domain)), httpsListener("https", "frontendCert", domain)), domain),
		vm("S0", "server", keystore(machine.Server, 6443, "", rootAs("cartouche-root", ca))),
		vm("S1", "server", keystore(machine.Server, 6443, "", rootAs("cartouche-root", ca))))
	state.pending = []unrestarted{{"s1.internal", 6443, pki.Fingerprint(ca.root)}}

	plan, err := NewPlan(state, unknownTo(ca.issue(90, domain)))
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Trusting) != 1 || plan.Trusting[0].Machine != "S1" || len(plan.Trusting[0].Imports) != 0 || !plan.Trusting[0].Restarts {
		t.Errorf("trusting %+v, want a restart of S1 and no import", plan.Trusting)
	}
}

// TestTheLastHealthyMachineIsNotRestarted: its neighbours must be up.
func TestTheLastHealthyMachineIsNotRestarted(t *testing.T) {
	ca := newTestCA(t)
	state := inSites(stateOf(t, gatewayDocument(t, certificates("frontendCert", ca.issue(9, domain)), httpsListener("https", "frontendCert", domain)), domain),
		vm("S0", "server", keystore(machine.Server, 6443, "")), vm("S1", "server", keystore(machine.Server, 6443, "", rootAs("root", ca))))
	for health, refused := range map[string]bool{"Up": false, "Down": true} {
		state.Backends = []cloud.BackendServer{
			{Pool: "server", Address: "S0.internal", Health: "Up"}, {Pool: "server", Address: "S1.internal", Health: health},
			{Pool: "portal", Address: "p0.internal", Health: "Down"},
		}
		plan, err := NewPlan(state, unknownTo(ca.issue(90, domain)))
		if err != nil {
			t.Fatal(err)
		}
		if got := plan.Obstacles.Has("last-healthy-machine"); got != refused {
			t.Errorf("with the neighbour %s: refused %t, want %t: %v", health, got, refused, plan.Obstacles)
		}
	}
}
