package sim_test

import (
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

func TestAFaultThatCannotHappenIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"wrnog@edge":             `there is no fault "wrnog"`,
		"wrong-leaf@gateway-put": `cannot happen at "gateway-put"`,
		"throttle@gateway-pu":    `cannot happen at "gateway-pu"`,
		"conflict@vault-import":  `cannot happen at "vault-import"`,
	} {
		fault, err := ground.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		world, err := sim.Start(t.Context(), sim.Options{World: "single", Faults: []ground.Fault{fault}})
		if err == nil {
			_ = world.Close()
			t.Errorf("%s: the world started", text)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
