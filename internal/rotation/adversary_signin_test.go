package rotation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// The sign-in is lost at a moment and never comes back. Before the write was
// sent nothing can have changed, and that is said; afterwards nobody can be
// asked, and that is said, too, and nothing beyond it.
func TestASignInThatIsLostForGood(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, at string
		want     rotation.Outcome
		writes   int
	}{
		{"before the write", "writing to the gateway", rotation.Unchanged, 0},
		{"while the write is carried out", "took the change", rotation.NotKnown, 1}, // the old one is served, and nobody knows how long
		{"after the write", "carried the change out", rotation.PartlyRestored, 1},   // by then the new one is served
		{"in the proof", "handshakes in each", rotation.PartlyRestored, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			worldtest.InBubble(t, func(t *testing.T) {
				b := newBench(t, sim.Options{})
				old, renewed := b.served(), pki.Fingerprint(b.goal.Bundle.Leaf)
				b.runner.Report = func(event rotation.Event) {
					if strings.Contains(event.Text, test.at) {
						b.world.Ground().Faults.Add(ground.Fault{Name: "unauthorized", Step: "*", Times: -1})
					}
				}
				result := b.rotate(t.Context())
				b.runner.Report = nil
				b.world.Ground().Faults.Clear()
				if result.Outcome != test.want || result.GatewayWrites != test.writes || result.Failure == "" {
					t.Errorf("outcome %s with %d writes (%s; %v), want %s with %d", result.Outcome, result.GatewayWrites, result.Failure, result.NotRestored, test.want, test.writes)
				}
				if served := b.served(); result.After == nil || result.After.SHA256 != served {
					t.Errorf("the result says that %+v is served, and %s is", result.After, served)
				} else if test.writes == 0 && served != old {
					t.Errorf("%s is served, which nobody wrote", served)
				}
				if told := strings.Join(rotation.Sentences(slices.Concat(result.NotRestored, result.Unknown)), "; "); strings.Contains(told, "not listed") {
					t.Errorf("nobody could be asked about backends, and it is said: %s", told)
				}
				b.settled()
				if again := b.rotate(t.Context()); again.Outcome != rotation.Verified && again.Outcome != rotation.NothingToDo || b.served() != renewed {
					t.Errorf("the same command again: %s (%s)", again.Outcome, again.Failure)
				}
			})
		})
	}
}

// The network is gone after the write, and does not come back: nothing was seen
// to be different and nothing is proved. That is neither "restored" nor its
// opposite, and each thing that nobody could see is listed with how to find out.
func TestANetworkThatIsGoneLeavesTheOutcomeUnknown(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		b.runner.Report = func(event rotation.Event) {
			if strings.Contains(event.Text, "took the change") {
				for _, host := range []ground.Fault{{Name: "unauthorized", Step: "*", Times: -1}, {Name: "edge-reset", Step: "edge", Times: -1}} {
					b.world.Ground().Faults.Add(host)
				}
			}
		}
		result := b.rotate(t.Context())
		if result.Outcome != rotation.NotKnown || len(result.NotRestored) > 0 || result.GatewayWrites != 1 {
			t.Fatalf("outcome %s with %d writes (%s; %v), want unknown", result.Outcome, result.GatewayWrites, result.Failure, result.NotRestored)
		}
		asked := map[string]rotation.Difference{}
		for _, d := range result.Unknown {
			if asked[d.What] = d; d.Now == "" || d.Was == "" || d.Next != "cartouche verify "+b.found.Domain {
				t.Errorf("%+v does not say what it was, why nobody knows, and what to do", d)
			}
		}
		if len(asked) < 2 {
			t.Errorf("unknown: %v, want the listener and each endpoint", result.Unknown)
		}
	})
}
