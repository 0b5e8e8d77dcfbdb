package rotation_test

import (
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// The sign-in is lost at a moment and never comes back. Before the write was
// sent nothing can have changed, and that is said; afterwards nobody can be
// asked, and that is said, too, and nothing beyond it.
func TestASignInThatIsLostForGood(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Options{})
	pristine := b.get()
	for _, test := range []struct {
		name, at string
		want     rotation.Outcome
		writes   int
	}{
		{"before the write", "writing to the gateway", rotation.Unchanged, 0},
		{"after the write", "took the change", rotation.NotRestored, 1},
		{"in the proof", "handshakes in each", rotation.NotRestored, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := b.within(t)
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
			if told := strings.Join(result.NotRestored, "; "); strings.Contains(told, "not listed") {
				t.Errorf("nobody could be asked about backends, and it is said: %s", told)
			}
			if again := b.rotate(t.Context()); again.Outcome != rotation.Verified && again.Outcome != rotation.NothingToDo || b.served() != renewed {
				t.Errorf("the same command again: %s (%s)", again.Outcome, again.Failure)
			}
			b.put(pristine)
			b.waitUntilServed(pristine)
		})
	}
}
