package rollout_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

func TestFromTwelveOneOnNothingRestarts(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "ha", Version: "12.1"})
		goal := fresh()
		state, plan, before := b.ready(goal)
		for _, port := range plan.Ports {
			if inPlace := port.Product != machine.Notebook; (port.How == rollout.InPlace) != inPlace {
				t.Errorf("%s at %s changes by %s", port.Product, port.Machine, port.How)
			}
		}
		stop := b.traffic()
		result, err := b.runner.Apply(t.Context(), plan, goal, state)
		stop()
		if err != nil || result.Outcome != rotation.Verified {
			t.Fatalf("%v %+v", err, result)
		}
		b.serveTheirNew(result, before, plan)
		for name, n := range b.restarts() {
			if name[:3] != "nbk" { // its admin API has no such operation
				t.Errorf("%s restarted %d times", name, n)
			}
		}

		// What was replaced in place has no old key to go back to, and that is said.
		run, err := b.journal.Run(t.Context(), result.RunID)
		if err != nil {
			t.Fatal(err)
		}
		back, err := rollout.UndoPlan(b.observe(), run, time.Now())
		if err != nil || !back.Obstacles.Has("no-way-back") || len(back.Ports) != 1 {
			t.Errorf("%v %+v", err, back.Obstacles)
		}
	})
}

func TestOldKeysAreKeptOnTwelveOneIfThatIsWanted(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "single", Version: "12.1"})
		goal := fresh()
		goal.KeepOld = true
		before := b.leaves(b.plan(b.observe(), goal))
		plan, result := b.roll(t.Context(), goal)
		if result.Outcome != rotation.Verified || result.Restarts != 2 {
			t.Fatalf("%+v", result)
		}
		b.serveTheirNew(result, before, plan)
		if _, undone := b.takeBack(result.RunID); undone.Outcome != rotation.Verified {
			t.Fatalf("%+v", undone)
		}
		if diff := cmp.Diff(before, b.leaves(plan)); diff != "" {
			t.Error(diff)
		}
	})
}

// Where the federation names a machine, its portal verifies that machine's own
// certificate. The portals restart first, and so know the new authority before a
// server serves under it: the federation is valid at every instant.
func TestAPortalThatVerifiesMachinesItselfComesFirst(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		worldtest.Long(t)
		b := newBench(t, sim.Options{World: "drift"})
		state := b.observe()
		goal := fresh()
		plan := b.plan(state, goal)
		if first := plan.Ports[0]; first.Product != machine.Portal || first.Role != "standby" {
			t.Errorf("first comes %+v", first)
		}
		before := b.leaves(plan)
		bad := b.validations()
		result, err := b.runner.Apply(t.Context(), plan, goal, state)
		if err != nil || result.Outcome != rotation.Verified {
			t.Fatalf("%v %+v", err, result)
		}
		for _, validated := range bad() {
			t.Errorf("meanwhile: %v", validated)
		}
		b.serveTheirNew(result, before, plan)
	})
}

// validations asks a portal again and again, from inside, how it sees its servers;
// what could not be asked because the server itself was away does not count.
func (b *bench) validations() (bad func() []string) {
	ctx, cancel := context.WithCancel(context.Background())
	state := b.observe()
	var found []string
	var group sync.WaitGroup
	group.Go(func() {
		for ; ctx.Err() == nil; time.Sleep(5 * time.Second) {
			for _, at := range state.Machines {
				for _, c := range at.Components {
					if c.Product != machine.Portal {
						continue
					}
					job := b.runner.Rotation.Job(state, at.Machine)
					job.Components, job.Tasks = []machine.Component{c}, []machine.Task{{Kind: machine.ValidateFederation, Port: c.Port}}
					report, _ := b.runner.Rotation.Way.Do(ctx, at.Machine, job)
					for _, task := range report.Tasks {
						for _, one := range task.Federation {
							for _, message := range one.Messages {
								if contains(message, "PKIX", "certificate") {
									found = append(found, at.Name+": "+message)
								}
							}
						}
					}
				}
			}
		}
	})
	return func() []string { cancel(); group.Wait(); return found }
}

// Everything at once, on the machines themselves: the tool of the data stores,
// IIS, and the services that take their server's certificate. What the world has
// says so, beside what is served: HTTPS only, HSTS, protocols and ciphers are as
// they were, and each service was restarted once.
func TestEveryProductIsRolledOutOnTheMachinesThemselves(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "roles", Scripts: true})
		was := settings(b.world)
		b.runner.Rotation.Way = onMachines{t, b.world, b.runner.Rotation.Network}
		goal := fresh()
		state, plan, before := b.ready(goal)
		result, err := b.runner.Apply(t.Context(), plan, goal, state)
		if err != nil || result.Outcome != rotation.Verified {
			t.Fatalf("%v %+v", err, result)
		}
		b.serveTheirNew(result, before, plan)
		b.oneAtATime(state)
		hows := map[rollout.How]int{}
		for _, port := range plan.Ports {
			hows[port.How]++
		}
		if diff := cmp.Diff(map[rollout.How]int{rollout.ByAlias: 11, rollout.ByTool: 2, rollout.InIIS: 1, rollout.Follows: 2}, hows); diff != "" {
			t.Error(diff)
		}
		unchanged(t, "security settings", was, settings(b.world))
		if diff := cmp.Diff([]string{"ageserver-0 ArcGISGeoEvent", "awfserver-0 WorkflowManager"}, services(b.world)); diff != "" {
			t.Errorf("restarts of services: %s", diff)
		}
		for machine, n := range b.restarts() {
			if n != 1 {
				t.Errorf("%s restarted %d times", machine, n)
			}
		}
	})
}

// Esri's Terraform modules put machines into pools by network interface, and
// issue their certificates for addresses: the gateway trusts the new root first,
// and each machine is seen well before the next.
func TestADeploymentOfTerraformIsRolledOut(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "gitops"})
		plan, result := b.roll(t.Context(), fresh())
		if result.Outcome != rotation.Verified || len(plan.Ports) != 4 || result.Restarts != 4 {
			t.Fatalf("%+v of %d ports", result, len(plan.Ports))
		}
		if len(plan.Roots) != 1 || len(plan.Roots[0].Settings) != 2 {
			t.Errorf("the gateway's roots: %+v", plan.Roots)
		}
		for _, server := range b.observe().Backends {
			if !server.Up() || net.ParseIP(server.Address) != nil {
				t.Errorf("the gateway sees %s as %s", server.Address, server.Health)
			}
		}
		if _, undone := b.takeBack(result.RunID); undone.Outcome != rotation.Verified {
			t.Fatalf("%+v", undone)
		}
	})
}

func TestLeafsOfACompanysOwnAuthority(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "single"})
		key := worldtest.RSAKey()
		authority, err := pki.NewRoot(key, "Company Root", time.Now(), 3650)
		if err != nil {
			t.Fatal(err)
		}
		goal := rollout.Goal{Source: rollout.FromAuthority, Authority: &pki.Authority{Certificate: authority.Certificate}, Now: time.Now(), Keys: worldtest.Keys()}
		state := b.observe()
		plan := b.plan(state, goal) // the key is not needed for this
		if _, err := b.runner.Apply(t.Context(), plan, goal, state); err == nil {
			t.Error("it was applied without the authority's key")
		}
		before := b.leaves(plan)
		goal.Authority = authority
		result, err := b.runner.Apply(t.Context(), plan, goal, state)
		if err != nil || result.Outcome != rotation.Verified {
			t.Fatalf("%v %+v", err, result)
		}
		b.serveTheirNew(result, before, plan)
	})
}

func TestFilesByWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "single"})
		state := b.observe()
		key := worldtest.RSAKey()
		root, err := pki.NewRoot(key, "Files Root", time.Now(), 3650)
		if err != nil {
			t.Fatal(err)
		}
		host := state.Machines[0].Host
		portal, err := root.Issue(key, []string{host}, time.Now(), 300)
		if err != nil {
			t.Fatal(err)
		}
		goal := rollout.Goal{Source: rollout.FromPFX, Bundles: map[string]*pki.Bundle{"portal": portal}, Now: time.Now()}
		plan := b.plan(state, goal)
		if len(plan.Ports) != 1 || plan.Ports[0].SHA256 != pki.Fingerprint(portal.Leaf) || !plan.Obstacles.Has("port-without-file") {
			t.Fatalf("%+v %+v", plan.Ports, plan.Obstacles)
		}
		result, err := b.runner.Apply(t.Context(), plan, goal, state)
		if err != nil || result.Outcome != rotation.Verified {
			t.Fatalf("%v %+v", err, result)
		}
		if got := b.leaf(host, 7443); got != pki.Fingerprint(portal.Leaf) {
			t.Errorf("the portal serves %s", got)
		}
		if again, result := b.roll(t.Context(), goal); !again.NothingToDo() || result.Outcome != rotation.NothingToDo || result.Restarts != 0 {
			t.Errorf("the same files again: %+v", result)
		}
	})
}

// On every version: what is there is seen, replaced, and taken back. What the
// Data Store's tool has replaced, by either of its names, has no way back.
func TestEveryVersionIsRolledOutAndTakenBack(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"10.8.1", "10.9.1", "11.1", "11.3", "11.5", "12.0", "12.1"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			worldtest.InBubble(t, func(t *testing.T) {
				b := newBench(t, sim.Options{World: "single", Version: version, Scripts: true, Machines: sim.MachineState{Protocol: "HTTPS", HSTS: true}})
				b.runner.Rotation.Way = onMachines{t, b.world, b.runner.Rotation.Network}
				was := settings(b.world)
				goal := fresh()
				goal.KeepOld = true // also where an entry can be replaced in place
				state := b.observe()
				plan := b.plan(state, goal)
				before := b.leaves(plan)
				result, err := b.runner.Apply(t.Context(), plan, goal, state)
				if err != nil || result.Outcome != rotation.Verified || result.Restarts != 2 {
					t.Fatalf("%v %+v", err, result)
				}
				b.serveTheirNew(result, before, plan)
				if len(plan.Ports) != 3 || plan.Ports[2].How != rollout.ByTool {
					t.Errorf("%+v", plan.Ports)
				}

				back, undone := b.takeBack(result.RunID)
				if undone.Outcome != rotation.Verified || !back.Obstacles.Has("no-way-back") {
					t.Fatalf("%+v\n%+v", back, undone)
				}
				for at, leaf := range b.leaves(plan) {
					if old := leaf == before[at]; old == strings.HasSuffix(at, ":2443") {
						t.Errorf("%s: old %t", at, old)
					}
				}
				unchanged(t, "security settings", was, settings(b.world))
			})
		})
	}
}

// A 12.1 that does not know the operation after all: the entry is brought in
// beside the old one, and machines restart one at a time, out of their pools.
func TestWhereReplacingInPlaceIsNotKnownMachinesRestartInTurn(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		worldtest.Long(t)
		options := sim.Options{World: "ha", Version: "12.1"}
		options.Guesses.Sites.NoUpdate = true
		b := newBench(t, options)
		goal := fresh()
		state, plan, before := b.ready(goal)
		stop := b.traffic()
		result, err := b.runner.Apply(t.Context(), plan, goal, state)
		stop()
		if err != nil || result.Outcome != rotation.Verified {
			t.Fatalf("%v %+v", err, result)
		}
		b.serveTheirNew(result, before, plan)
		b.oneAtATime(state)
		if restarts := b.restarts(); len(restarts) != 7 || result.Restarts != 7 {
			t.Errorf("restarts: %v, told %d", restarts, result.Restarts)
		}
		if away := b.observe().Gateway.Away(); len(away) != 0 {
			t.Errorf("machines are out of their pools: %v", away)
		}
		if _, undone := b.takeBack(result.RunID); undone.Outcome != rotation.Verified {
			t.Errorf("undo: %+v", undone)
		}
		if diff := cmp.Diff(before, b.leaves(plan)); diff != "" {
			t.Errorf("after undo: %s", diff)
		}
	})
}
