package rotation_test

import (
	"context"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// inside gives the runner a way to the machines, from inside the network.
func (b *bench) inside() *bench {
	b.t.Helper()
	network, _ := worldtest.Network(b.t, b.world.InsideEnvironment())
	b.network = network.WithDialer(b.dial)
	b.runner.Way = reach.NewDirect(b.network, nil)
	return b
}

// neverSeen makes the new certificate one of an authority that nobody in the
// world has ever heard of.
func (b *bench) neverSeen() *bench {
	b.t.Helper()
	issued := worldtest.NeverSeen(b.t, b.world, b.found.Names())
	b.goal.Bundle = &pki.Bundle{Leaf: issued.Leaf, Key: issued.Key, Intermediates: issued.Chain[:1], Root: issued.Chain[1]}
	return b
}

// entry finds an entry of a keystore by its alias.
func entry(t *testing.T, state rotation.State, host string, alias string) (machine.Entry, bool) {
	t.Helper()
	for _, m := range state.Machines {
		if m.Name != host || m.Report == nil {
			continue
		}
		for _, seen := range m.Report.Components {
			for _, e := range seen.Entries {
				if strings.EqualFold(e.Alias, alias) {
					return e, true
				}
			}
		}
	}
	return machine.Entry{}, false
}

// pinnedEverywhere tells which machines' pinned entries do not hold a leaf.
func pinnedEverywhere(t *testing.T, state rotation.State, leaf string) {
	t.Helper()
	looked := 0
	for _, m := range state.Machines {
		if m.Report == nil && len(m.Components) > 0 {
			t.Errorf("%s was not seen: %s", m.Name, m.Trouble)
		}
		if m.Report == nil {
			continue
		}
		for _, seen := range m.Report.Components {
			if !seen.HasKeystore() {
				continue
			}
			looked++
			if e, _ := entry(t, state, m.Name, "AppGW-ExternalDNSCerCert"); e.SHA256 != leaf {
				t.Errorf("%s port %d pins %q (%s), want %s", m.Name, seen.Port, e.SHA256, seen.Trouble, leaf)
			}
		}
	}
	if looked == 0 {
		t.Error("no keystore was looked at")
	}
}

// federation asks Portal again and again, through the gateway, to validate its
// servers, and remembers every judgement that is not success and every request
// that failed. Sites that have one machine are named.
type federation struct {
	stop func() (judged int, bad []string)
}

// oneAtATime holds the world's own record of who was down against the rule: of a
// role of one site one machine at most.
func (b *bench) oneAtATime() {
	b.t.Helper()
	roles := map[[2]string][]string{}
	for _, m := range b.observe().Machines {
		for _, c := range m.Components {
			role := [2]string{m.Site, string(c.Product)}
			roles[role] = append(roles[role], strings.ToUpper(m.Host))
		}
	}
	for role, machines := range roles {
		if down := b.world.Ground().Ledger.MostDown(role[1], machines...); down > 1 {
			b.t.Errorf("%d machines of %v were down at the same moment", down, role)
		}
	}
}

func (b *bench) probeFederation(alone ...string) federation {
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	var done sync.WaitGroup
	judged, bad := 0, []string{}
	client := b.runner.PinnedClient(b.served(), pki.Fingerprint(b.goal.Bundle.Leaf))
	done.Go(func() {
		portal := arcgis.NewPortal("https://"+b.found.Domain+"/"+b.found.PortalContext, client)
		for ; ctx.Err() == nil; time.Sleep(3 * b.pace) {
			failed := func(what string, err error) bool {
				if err != nil && ctx.Err() == nil { // not at the end of the test
					mu.Lock()
					bad = append(bad, what+": "+err.Error())
					mu.Unlock()
				}
				return err != nil
			}
			if failed("sign in", portal.SignIn(ctx, b.runner.Credentials.SiteAdmin, b.runner.Credentials.SiteAdminPassword)) {
				continue
			}
			servers, err := portal.FederatedServers(ctx)
			if failed("list the servers", err) {
				continue
			}
			for _, server := range servers {
				validation, err := portal.Validate(ctx, server)
				if failed("validate "+server.Name, err) {
					continue
				}
				mu.Lock()
				judged++
				said := strings.Join(validation.Messages, " ")
				// A site that has one machine is away while that restarts.
				if validation.Status != arcgis.Success && !(slices.Contains(alone, path.Base(server.URL)) && strings.Contains(said, "HTTP status 50")) {
					bad = append(bad, server.Name+": "+validation.Status+": "+said)
				}
				mu.Unlock()
			}
		}
	})
	stop := func() (int, []string) {
		cancel()
		done.Wait()
		return judged, bad
	}
	b.t.Cleanup(func() { stop() })
	return federation{stop}
}

// A renewal under a public authority needs no machine; when they are looked at,
// the entry in which Cloud Builder pins the leaf is kept fresh, and nothing restarts.
func TestARenewalRefreshesThePinnedEntriesWithoutARestart(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "ha"}).inside()
		old, renewed := b.served(), pki.Fingerprint(b.goal.Bundle.Leaf)

		result := b.rotate(t.Context())

		if result.Outcome != rotation.Verified || len(result.Left) > 0 {
			t.Fatalf("outcome = %s (%s), left %v", result.Outcome, result.Failure, result.Left)
		}
		if restarts := b.world.Ground().Ledger.Count(ground.MachineRestart); restarts != 0 || result.Restarts != 0 {
			t.Errorf("the world counted %d restarts, we %d; want none", restarts, result.Restarts)
		}
		pinnedEverywhere(t, b.observe(), renewed)

		// Going back puts them back.
		_, undone := b.takeBack(result.RunID)
		if undone.Outcome != rotation.Verified || b.served() != old {
			t.Fatalf("undo: %s (%s)", undone.Outcome, undone.Failure)
		}
		pinnedEverywhere(t, b.observe(), old)
	})
}

// TestAnAuthorityNeverSeenIsTrustedBeforeItIsUsed: every machine that verifies
// knows the root before the gateway serves a leaf below it.
func TestAnAuthorityNeverSeenIsTrustedBeforeItIsUsed(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "ha"}).inside().neverSeen()
		before := b.observe()
		probe := b.probeFederation("notebooks")
		observer := b.watch()
		old, renewed := b.served(), pki.Fingerprint(b.goal.Bundle.Leaf)

		result := b.rotate(t.Context())

		observer.onlyServed(t, old, renewed)
		judged, bad := probe.stop()
		if result.Outcome != rotation.Verified {
			t.Fatalf("outcome = %s (%s; %v), want verified", result.Outcome, result.Failure, result.NotRestored)
		}
		if judged < 10 || len(bad) > 0 {
			t.Errorf("federation was judged %d times, and %d times it was not valid: %v", judged, len(bad), bad)
		}
		restarted := map[string]int{}
		for _, event := range b.world.Ground().Ledger.Events() {
			if event.Kind == ground.MachineRestart {
				restarted[event.Object]++
			}
		}
		b.oneAtATime()
		if pools := b.observe().Gateway; len(pools.Away()) > 0 || !cmp.Equal(pools.Pools(), before.Gateway.Pools()) {
			t.Errorf("the pools are %v, and were %v", pools.Pools(), before.Gateway.Pools())
		}
		for name, times := range restarted {
			if times != 1 {
				t.Errorf("%s restarted %d times", name, times)
			}
		}
		if len(restarted) != 7 || result.Restarts != 7 {
			t.Errorf("restarted %v, we say %d; want each of the seven that verify", restarted, result.Restarts)
		}
		pinnedEverywhere(t, b.observe(), renewed)
		if plan := b.plan(b.observe()); !plan.NothingToDo() {
			t.Errorf("the same plan again: trusting %v, pinned %v, moves %v; want nothing to do", plan.Trusting, plan.Pinned, plan.Moves)
		}
	})
}

// The world "private" knows its authority on every machine, and our computer
// does not.
func TestAnAuthorityThatOnlyTheMachinesKnow(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "private"}).inside()
		b.runner.Network, b.runner.Looker = b.network, &handshake.Looker{Network: b.network}
		b.goal.Roots = b.goal.Roots.With(b.world.PrivateRoot()) // --roots
		state := b.observe()
		plan := b.plan(state)
		if err := plan.Ready(); err != nil {
			t.Fatalf("not ready: %v\n%s", err, plan.Trust)
		}
		if len(plan.Trusting) != 0 || !strings.Contains(plan.Trust, "in the keystores of all") {
			t.Errorf("trusting %v: %s", plan.Trusting, plan.Trust)
		}
		result, err := b.runner.Apply(t.Context(), plan, b.goal, state)
		if err != nil || result.Outcome != rotation.Verified {
			t.Fatalf("outcome = %s (%s), %v", result.Outcome, result.Failure, err)
		}
		if restarts := b.world.Ground().Ledger.Count(ground.MachineRestart); restarts != 0 {
			t.Errorf("%d restarts", restarts)
		}
	})
}

// TestFaultsOfTheTrustStep: whatever fails there, nothing is switched, and what
// is served is as before.
func TestFaultsOfTheTrustStep(t *testing.T) {
	for name, test := range map[string]struct {
		fault   string
		when    func(*bench, rotation.Event)
		outcome rotation.Outcome
		failure string
		writes  []int // one of these
	}{
		"an import that answers success and stores nothing": {
			fault: "import-vanishes@root-import", outcome: rotation.Restored, failure: "answered with success", writes: []int{0},
		},
		"a machine that is lost between import and restart": {
			fault: "machine-lost@root-import", outcome: rotation.PartlyRestored, failure: "", writes: []int{0, 2}, // another one may be out of its pool by then, and returns
		},
		"a restart that never ends": {
			fault: "machine-does-not-return@restart", outcome: rotation.PartlyRestored, failure: "restart", writes: []int{2}, // out of its pool and back
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			worldtest.InBubble(t, func(t *testing.T) {
				b := newBench(t, sim.Options{World: "ha"}).inside().neverSeen()
				old := b.served()
				b.fault(test.fault)
				result := b.rotate(t.Context())
				if result.Outcome != test.outcome || !strings.Contains(result.Failure, test.failure) {
					t.Errorf("outcome = %s (%s; %v), want %s because of %q", result.Outcome, result.Failure, result.NotRestored, test.outcome, test.failure)
				}
				if writes := b.world.Ground().Ledger.Count(ground.GatewayWrite); !slices.Contains(test.writes, writes) || b.served() != old {
					t.Errorf("%d gateway writes, served %s; want the old leaf untouched", writes, b.served())
				}
				if away := b.observe().Gateway.Away(); len(away) > 0 {
					t.Errorf("machines are out of their pools: %v", away)
				}
			})
		})
	}
}

// A wrong site administrator is found out before anything is imported.
func TestAWrongAdministratorImportsNothing(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "single"}).inside().neverSeen()
		b.runner.Credentials.SiteAdminPassword = secret.New("wrong")
		state := b.observe()
		plan := b.plan(state)
		if !plan.Obstacles.Has("trust-not-seen") || plan.Ready() == nil {
			t.Errorf("obstacles %v, want trust-not-seen", plan.Obstacles)
		}
		if i := slices.IndexFunc(plan.Obstacles, func(f pki.Finding) bool { return f.Code == "trust-not-seen" }); i >= 0 {
			t.Log(plan.Obstacles[i].Sentence)
		}
	})
}

// A run that ends between import and restart leaves keystores that look right
// and components that do not trust. The journal knows.
func TestARunThatEndsBetweenImportAndRestartIsTakenUp(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "single"}).inside().neverSeen()
		old := b.served()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		b.runner.Report = func(event rotation.Event) {
			if event.Phase == rotation.PhaseTrust && strings.Contains(event.Text, "restarts, so that") {
				cancel()
			}
		}
		first := b.rotate(ctx)
		if first.Outcome != rotation.Restored || !first.Interrupted || len(first.Left) == 0 || b.served() != old {
			t.Fatalf("outcome = %s (%s), left %v; want restored, with what was imported left", first.Outcome, first.Failure, first.Left)
		}

		b.runner.Report = nil
		state := b.observe()
		plan := b.plan(state)
		if len(plan.Trusting) == 0 {
			t.Fatalf("nothing restarts, although nobody has read what was imported: %s", plan.Trust)
		}
		for _, need := range plan.Trusting {
			if len(need.Imports) > 0 || !need.Restarts {
				t.Errorf("%s port %d: imports %v, restarts %t; want only the restart", need.Machine, need.Port, need.Imports, need.Restarts)
			}
		}
		second, err := b.runner.Apply(t.Context(), plan, b.goal, state)
		if err != nil || second.Outcome != rotation.Verified {
			t.Fatalf("second run: %s (%s), %v", second.Outcome, second.Failure, err)
		}
		if again := b.plan(b.observe()); !again.NothingToDo() {
			t.Errorf("a third run would trust %v, pin %v, move %v", again.Trusting, again.Pinned, again.Moves)
		}
	})
}
