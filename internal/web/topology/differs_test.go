package topology_test

import (
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/topology"
)

// TestWhatIsServedAgainstWhatIsConfigured changes what was seen, one thing at a
// time, and expects a word at the box that it is about.
func TestWhatIsServedAgainstWhatIsConfigured(t *testing.T) {
	t.Parallel()
	state := statesOf(t, "single")[0]
	seen := state.Machines[0].Report.Components[0]
	other := topology.ChainOf(seen)
	if len(other) == 0 {
		t.Fatal("the machine served nothing to go by")
	}
	served := func(change func(i int, o *handshake.Observation)) rotation.State {
		changed := state
		changed.Wire = append([]handshake.Observation(nil), state.Wire...)
		for i := range changed.Wire {
			change(i, &changed.Wire[i])
		}
		return changed
	}
	atMachine := func(change func(*machine.Seen)) rotation.State {
		changed, report, component := state, *state.Machines[0].Report, seen
		change(&component)
		report.Components = []machine.Seen{component}
		changed.Machines = append([]rotation.Machine(nil), state.Machines...)
		changed.Machines[0].Report = &report
		return changed
	}
	for _, c := range []struct {
		name  string
		state rotation.State
		boxes func(topology.Picture) []topology.Box
		want  string
	}{
		{"as it is", state, everything, ""},
		{"another certificate at every address", served(func(_ int, o *handshake.Observation) { o.Chain = other }), listeners, "not what is configured"},
		{"another one for a client", served(func(_ int, o *handshake.Observation) { o.Chain = other }), names, "which is not for it"},
		{"another one at some address", served(func(i int, o *handshake.Observation) {
			if i == 0 {
				o.Chain = other
			}
		}), listeners, "serves different ones"},
		{"nobody answers", served(func(_ int, o *handshake.Observation) { o.Chain, o.Failure = nil, "connection refused" }), names, "no answer: connection refused"},
		{"a port does not answer", atMachine(func(s *machine.Seen) { s.Chain = nil }), machines, "no answer"},
		{"the alias is gone", atMachine(func(s *machine.Seen) { s.Alias = "gone" }), machines, "configured: gone, which is not there"},
		{"a restart would change it", atMachine(func(s *machine.Seen) {
			s.Alias, s.Entries = "next", []machine.Entry{{Alias: "next", SHA256: strings.Repeat("0", 64)}}
		}), machines, "configured: next"},
	} {
		var got []string
		for _, box := range c.boxes(topology.Of(c.state, certificatePage)) {
			for _, row := range box.Rows {
				if row.Kind == topology.Differs {
					got = append(got, row.Text)
				}
			}
		}
		if all := strings.Join(got, "\n"); c.want == "" && all != "" || !strings.Contains(all, c.want) {
			t.Errorf("%s: marked is %q, want %q", c.name, all, c.want)
		}
	}
}

func listeners(p topology.Picture) []topology.Box { return p.Listeners }
func names(p topology.Picture) []topology.Box     { return p.Names }
func machines(p topology.Picture) []topology.Box  { return p.Machines }

func everything(p topology.Picture) []topology.Box {
	all := append([]topology.Box{p.Gateway}, p.Listeners...)
	return append(append(append(append(all, p.Names...), p.Machines...), p.Pools...), p.Vaults...)
}
