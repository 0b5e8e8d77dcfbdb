package rollout_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// settings are the security settings of every site, as the world has them.
func settings(world *sim.World) map[string]string {
	all := map[string]string{}
	for _, s := range world.Sites() {
		for _, name := range []string{"Protocol", "HSTSEnabled", "sslProtocols", "cipherSuites"} {
			all[s.Product()+" "+strings.Join(s.Machines(), ",")+" "+name] = s.Setting(name)
		}
	}
	return all
}

// services are the restarts of services that somebody asked for, as the world
// recorded them.
func services(world *sim.World) []string {
	var list []string
	for _, event := range world.Ground().Ledger.Events() {
		if event.Kind == ground.ServiceRestart {
			name, _, _ := strings.Cut(event.Object, ".")
			list = append(list, strings.ToLower(name)+" "+event.Detail)
		}
	}
	slices.Sort(list)
	return list
}

func unchanged(t *testing.T, what string, before, after map[string]string) {
	t.Helper()
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}
