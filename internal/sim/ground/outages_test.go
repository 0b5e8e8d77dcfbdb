package ground_test

import (
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

func TestOutagesAreCountedByProductAndMoment(t *testing.T) {
	t.Parallel()
	var l ground.Ledger
	for _, e := range [][3]string{
		{ground.MachineDown, "A", "server"}, {ground.MachineDown, "A", "portal"}, {ground.MachineUp, "A", "server"},
		{ground.MachineDown, "B", "server"}, {ground.MachineDown, "C", "server"}, {ground.MachineDown, "C", "server"}, {ground.MachineUp, "B", "server"},
	} {
		l.Record(e[0], e[1], e[2])
	}
	outages := l.Outages()
	if len(outages) != 4 || outages[0].To.IsZero() || !outages[1].To.IsZero() || outages[2].To.IsZero() || !outages[3].To.IsZero() {
		t.Errorf("outages: %+v", outages)
	}
	for _, want := range []struct {
		product  string
		machines []string
		most     int
	}{{"server", []string{"A", "B"}, 1}, {"server", []string{"A", "B", "C"}, 2}, {"portal", []string{"A"}, 1}, {"datastore", []string{"A"}, 0}} {
		if got := l.MostDown(want.product, want.machines...); got != want.most {
			t.Errorf("%s of %v: %d at once, want %d", want.product, want.machines, got, want.most)
		}
	}
}
