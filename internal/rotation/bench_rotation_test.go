package rotation_test

import (
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// hurried is a world, and patience to match, in which waiting costs nearly
// nothing: what is left is work, Cartouche's and the world's.
func hurried(b *testing.B, world string) *bench {
	rig := newBench(b, sim.Options{World: world, Scale: 1e6})
	rig.runner.Patience = fast
	rig.runner.Patience.Interval = time.Millisecond
	rig.runner.Patience.Backoff = time.Millisecond
	return rig
}

// BenchmarkObserve reads everything that a rotation depends on, over TCP and
// TLS: the gateway, its address, backend health, locks, permissions, the
// handshakes, Portal and Server.
func BenchmarkObserve(b *testing.B) {
	for _, world := range []string{"single", "ha"} {
		b.Run(world, func(b *testing.B) {
			rig := hurried(b, world)
			b.ReportAllocs()
			for b.Loop() {
				rig.observe()
			}
		})
	}
}

// BenchmarkPlan judges the certificate and plans; it touches no network.
func BenchmarkPlan(b *testing.B) {
	for _, world := range []string{"single", "ha"} {
		b.Run(world, func(b *testing.B) {
			rig := hurried(b, world)
			state := rig.observe()
			b.ReportAllocs()
			for b.Loop() {
				if plan := rig.plan(state); len(plan.Moves) == 0 {
					b.Fatal("there is nothing to do")
				}
			}
		})
	}
}

// BenchmarkRotation observes, plans, writes and proves. Every round has a new
// certificate; issuing it, and removing the entry that the round left behind,
// are not counted.
func BenchmarkRotation(b *testing.B) {
	for _, world := range []string{"single", "ha"} {
		b.Run(world, func(b *testing.B) {
			rig := hurried(b, world)
			ledger := rig.world.Ground().Ledger
			writes, rounds := 0, 0
			b.ReportAllocs()
			for b.Loop() {
				before := ledger.Count(ground.GatewayWrite)
				result := rig.rotate(b.Context())
				if result.Outcome != rotation.Verified {
					b.Fatalf("outcome = %s: %s", result.Outcome, result.Failure)
				}
				writes += ledger.Count(ground.GatewayWrite) - before
				rounds++
				b.StopTimer()
				rig.cleanUp()
				rig.renewGoal()
				b.StartTimer()
			}
			b.ReportMetric(float64(writes)/float64(rounds), "writes/op")
		})
	}
}

// cleanUp removes the entries that no listener uses.
func (b *bench) cleanUp() {
	b.t.Helper()
	runs, err := b.journal.Runs(b.t.Context(), b.found.ID, 10)
	if err != nil {
		b.t.Fatal(err)
	}
	state := b.observe()
	if _, err := b.runner.Clean(b.t.Context(), state, rotation.CleanPlan(state, runs)); err != nil {
		b.t.Fatal(err)
	}
}

// renewGoal asks the world's authority for the next certificate.
func (b *bench) renewGoal() {
	b.t.Helper()
	issued, err := b.world.Authority().Issue(authority.Spec{Names: b.found.Names(), NotAfter: time.Now().AddDate(0, 0, 198)})
	if err != nil {
		b.t.Fatal(err)
	}
	b.goal.Bundle = &pki.Bundle{Leaf: issued.Leaf, Key: issued.Key, Intermediates: issued.Chain}
}
