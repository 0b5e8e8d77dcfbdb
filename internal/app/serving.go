package app

import (
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Serving says in one line what clients get by the state.
func Serving(state rotation.State) string {
	for _, o := range state.Wire {
		if leaf := o.Leaf(); leaf != nil {
			return o.Target + " serves " + SummaryText(pki.Describe(leaf))
		}
	}
	return "unknown: no endpoint could be reached"
}
