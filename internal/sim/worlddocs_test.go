package sim_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/sim"
)

func TestEveryWorldIsDescribed(t *testing.T) {
	var described []string
	for _, doc := range sim.WorldDocs() {
		if doc.What == "" || len(doc.What) > 70 {
			t.Errorf("%s: %q", doc.Name, doc.What)
		}
		described = append(described, doc.Name)
	}
	slices.Sort(described)
	if diff := cmp.Diff(sim.Worlds(), described); diff != "" {
		t.Errorf("worlds (-files +described):\n%s", diff)
	}
}
