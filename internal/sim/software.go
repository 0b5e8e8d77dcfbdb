package sim

import (
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

// Host is what is installed on a virtual machine, by its FQDN; nil when no
// machine of the world has that name.
func (w *World) Host(fqdn string) *site.Host {
	for _, p := range w.places {
		for _, m := range p.allMachines() {
			if strings.EqualFold(p.fqdn(m), fqdn) {
				return site.NewHost(w.ground, p.fqdn(m), w.sites, nil)
			}
		}
	}
	return nil
}
