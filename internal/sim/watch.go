package sim

import (
	"github.com/cartouche-gis/cartouche/internal/sim/witness"
)

// Watch lets a witness watch the world from now on.
func (w *World) Watch(allow witness.Allow) *witness.Witness {
	roots := w.authority.Roots()
	for _, root := range w.publicRoots() {
		roots.AddCert(root)
	}
	if private := w.PrivateRoot(); private != nil {
		roots.AddCert(private)
	}
	return witness.New(witness.World{Ground: w.ground, Roots: roots, Tell: w.tell, Documents: w.manager.Documents}, allow)
}

// tell tells the watchers everything that is true now.
func (w *World) tell() {
	for _, gateway := range w.gateways {
		gateway.Tell()
	}
	for _, site := range w.sites {
		site.Tell()
	}
	for _, host := range w.hosts {
		if iis := host.IIS(); iis != nil {
			iis.Tell()
		}
	}
}
