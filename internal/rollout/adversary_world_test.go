package rollout_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// dying is a way that ends its process: after the n-th job was done nothing
// comes back any more, and nobody cleans up.
type dying struct {
	reach.Way
	mu   sync.Mutex
	jobs int
	died chan struct{}
	// buried is closed when the test is over: what hangs may end then.
	buried chan struct{}
}

func (d *dying) Do(ctx context.Context, at reach.Machine, job machine.Job) (machine.Report, error) {
	if d.may(ctx) != nil {
		return machine.Report{}, errKilled
	}
	report, err := d.Way.Do(ctx, at, job)
	d.mu.Lock()
	d.jobs--
	dies := d.jobs == 0
	d.mu.Unlock()
	if dies {
		d.die()
	}
	return report, err
}

// die hangs, as dead as a goroutine can be in a bubble, which waits for all.
func (d *dying) die() {
	close(d.died)
	<-d.buried
}

// may lets nothing be sent any more once the test is over.
func (d *dying) may(context.Context) error {
	select {
	case <-d.buried:
		return errKilled
	default:
		return nil
	}
}

// killedAfter begins a run and kills it after the n-th job, or, for 0, when the
// gateway has taken its first write.
func (b *bench) killedAfter(jobs int) (rollout.Plan, string) {
	b.t.Helper()
	state, goal := b.observe(), fresh()
	plan := b.plan(state, goal)
	way := &dying{Way: b.runner.Rotation.Way, jobs: jobs, died: make(chan struct{}), buried: make(chan struct{})}
	dead := *b.runner.Rotation
	dead.Way, dead.May = way, way.may
	if jobs == 0 {
		dead.Report = func(event rotation.Event) {
			if strings.Contains(event.Text, "the gateway took the change") {
				way.die()
			}
		}
	}
	victim := &rollout.Runner{Rotation: &dead, Patience: b.runner.Patience}
	var group sync.WaitGroup
	group.Go(func() { _, _ = victim.Apply(context.WithoutCancel(b.t.Context()), plan, goal, state) })
	b.t.Cleanup(func() { close(way.buried); group.Wait() })
	<-way.died
	b.settled()
	runs, err := b.journal.Runs(b.t.Context(), "", 1)
	if err != nil || len(runs) != 1 {
		b.t.Fatalf("the journal has %v, %v", runs, err)
	}
	return plan, runs[0].ID
}

// settled waits until the gateway has carried out what a dead process sent.
func (b *bench) settled() {
	b.t.Helper()
	for range 500 {
		document, err := b.runner.Rotation.Azure.Get(b.t.Context(), b.found.GatewayID, cloud.GatewayAPI)
		if err != nil {
			b.t.Fatal(err)
		}
		if gateway, err := cloud.ParseGateway(document); err == nil && gateway.ProvisioningState() == "Succeeded" {
			return
		}
		time.Sleep(2 * time.Second)
	}
	b.t.Fatal("the gateway does not come to rest")
}

// A process that is killed after any of its steps: the same command again
// finishes, with one authority, and undo brings the old certificates back.
func TestARunThatWasKilledAfterAnyStep(t *testing.T) {
	t.Parallel()
	for jobs := range 5 { // the root; prepared; one machine's server; its portal; validated
		t.Run(fmt.Sprintf("after job %d", jobs), func(t *testing.T) {
			t.Parallel()
			worldtest.InBubble(t, func(t *testing.T) {
				b := newBench(t, sim.Options{World: "single"})
				first := b.observe()
				plan, run := b.killedAfter(jobs)
				before := map[string]string{}
				for _, port := range plan.Ports {
					before[portAt(port)] = port.Before
				}
				if jobs%2 == 1 { // half of them goes back, and goes on from there
					if _, undone := b.takeBack(run); undone.Outcome != rotation.Verified && undone.Outcome != rotation.NothingToDo {
						t.Fatalf("undo: %+v", undone)
					}
					if diff := cmp.Diff(before, b.leaves(plan)); diff != "" {
						t.Errorf("after undo: %s", diff)
					}
				}
				again, result := b.roll(t.Context(), fresh())
				if result.Outcome != rotation.Verified {
					t.Fatalf("again: %+v", result)
				}
				now := b.leaves(plan)
				for at, leaf := range now {
					if leaf == before[at] {
						t.Errorf("%s serves what it did", at)
					}
				}
				if jobs > 0 && jobs < 4 && (!again.Resumed || again.Alias != plan.Alias) {
					t.Errorf("resumed %t as %s, the run that was cut off made %s", again.Resumed, again.Alias, plan.Alias)
				}
				if diff := cmp.Diff(first.Gateway.Pools(), b.observe().Gateway.Pools()); diff != "" {
					t.Errorf("the pools: %s", diff)
				}
			})
		})
	}
}

// filesFor is a goal that gives one site a certificate of an authority of its own.
func (b *bench) filesFor(site string, state rotation.State) rollout.Goal {
	b.t.Helper()
	key := worldtest.RSAKey()
	root, err := pki.NewRoot(key, "Company "+rand.Text()[:6], time.Now(), 100)
	if err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, at := range state.Machines {
		names = append(names, strings.ToLower(at.Host))
	}
	bundle, err := root.Issue(key, names, time.Now(), 90)
	if err != nil {
		b.t.Fatal(err)
	}
	return rollout.Goal{Source: rollout.FromPFX, Now: time.Now(), Bundles: map[string]*pki.Bundle{site: bundle}}
}

// Two runs from two computers: each waits while the other has a machine out of
// its pool, so that never two of a role are down. Whoever comes last on a machine
// is served, and the other says so: it does not claim what is not.
func TestTwoRunsAtOnce(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "ha"})
		state := b.observe()
		stop := b.traffic()
		var results [2]rollout.Result
		var plans [2]rollout.Plan
		var both sync.WaitGroup
		for i := range results {
			goal := b.filesFor("image", state) // one site is enough, and quick
			plans[i] = b.plan(state, goal)
			both.Go(func() {
				own := *b.runner.Rotation
				own.Journal, own.Report = nil, nil // on a computer of its own
				runner := &rollout.Runner{Rotation: &own, Patience: b.runner.Patience}
				var err error
				if results[i], err = runner.Apply(t.Context(), plans[i], goal, state); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		stop()
		b.oneAtATime(state)
		for i, result := range results {
			t.Logf("%d: %s %s %q", i, result.Outcome, result.Failure, result.NotRestored)
			if result.Outcome != rotation.Verified {
				continue
			}
			now := b.leaves(plans[i])
			for j, port := range plans[i].Ports {
				if result.Machines[j].After != now[portAt(port)] {
					t.Errorf("run %d is verified, and %s serves %.8s, not its %.8s", i, portAt(port), now[portAt(port)], result.Machines[j].After)
				}
			}
		}
		if away := b.observe().Gateway.Away(); len(away) != 0 {
			t.Errorf("machines are out of their pools: %v", away)
		}
	})
}

// A portal that could not validate its servers before need not do so after: what
// was not known to be well is not made worse.
func TestAValidationThatFailedBeforeFailsNothing(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "single"})
		b.fault("unavailable@federation-validate*10000")
		goal := fresh()
		state, plan, before := b.ready(goal)
		result, err := b.runner.Apply(t.Context(), plan, goal, state)
		if err != nil || result.Outcome != rotation.Verified {
			t.Fatalf("%v %+v", err, result)
		}
		b.serveTheirNew(result, before, plan)
	})
}
