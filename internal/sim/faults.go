package sim

import "github.com/cartouche-gis/cartouche/internal/sim/arm"

// FaultDoc describes one fault: its name, the steps at which it can strike,
// and what happens.
type FaultDoc struct{ Name, Steps, What string }

// Faults lists all faults of a world, for help texts.
func Faults() []FaultDoc {
	var out []FaultDoc
	for _, doc := range arm.Faults() {
		if doc.Steps == "any" {
			doc.Steps = "any request to Azure"
		}
		out = append(out, FaultDoc(doc))
	}
	return append(out,
		FaultDoc{"wrong-leaf", "edge", "the gateway serves some other leaf than it was given"},
		FaultDoc{"broken-chain", "edge", "the gateway serves the new leaf without its intermediates"},
		FaultDoc{"stale-instance", "edge", "one instance of the gateway keeps serving the old leaf for half an hour"},
		FaultDoc{"machine-does-not-return", "restart", "a machine that restarts stays away"},
	)
}

// Steps lists the requests to Azure at which faults can strike.
func Steps() []string { return append([]string{"token"}, arm.Steps()...) }
