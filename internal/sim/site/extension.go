package site

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// extensionKind is a product that runs beside ArcGIS Server on the same
// machine, as a service of its own.
type extensionKind struct{ service, product string }

// extensions by port. Each takes ArcGIS Server's configured certificate when it
// starts itself, and at no other time; one that cannot load it falls back to
// the self-signed one. Sources: Esri's GeoEvent blog (community.esri.com,
// ba-p/889486); ArcGIS_Server_TLS of Esri/arcgis-powershell-dsc, which restarts
// the service ArcGISGeoEvent after an edit.
// guess: Workflow Manager does as GeoEvent does.
var extensions = map[int]extensionKind{
	6143:  {"ArcGISGeoEvent", "geoevent"},
	13443: {"WorkflowManager", "workflow"},
}

// extension is such a service on one machine.
type extension struct {
	extensionKind
	machine *machine
	port    int
	socket  socket
	served  atomic.Pointer[entry]
	running atomic.Bool
}

// start opens the extension's port with what ArcGIS Server is configured to serve.
func (e *extension) start() error {
	m := e.machine
	m.mu.Lock()
	next := m.configured()
	m.mu.Unlock()
	e.serve(next)
	e.tellServed()
	if err := e.socket.open(e, m.dialledAs(), []int{e.port}, func(string) (*entry, error) { return e.served.Load(), nil }); err != nil {
		return err
	}
	e.running.Store(true)
	return nil
}

func (e *extension) serve(next *entry) {
	if e.served.Swap(next) != next {
		e.machine.site.recordLeaf(e.machine.name, e.port, next)
	}
}

// restart is the service's stop and start.
func (e *extension) restart(ctx context.Context) error {
	world, name := e.machine.site.ground, e.machine.name
	world.Ledger.Record(ground.ServiceRestart, name, e.service)
	e.running.Store(false)
	e.socket.shut()
	e.machine.site.tellStops(e.machine, e.product, true)
	world.Ledger.Record(ground.MachineDown, name, e.product)
	if e.machine.takeFault("service-does-not-return", "restart-service") {
		return nil // Restart-Service has seen it start; it ended afterwards
	}
	if err := world.Clock.Wait(ctx, e.machine.site.spec.Options.DownFor); err != nil {
		return err
	}
	if err := e.start(); err != nil {
		return err
	}
	world.Ledger.Record(ground.MachineUp, name, e.product)
	return nil
}

// ServeHTTP answers as the machine does, whether ArcGIS Server itself is ready
// or not. guess: what these products show on other paths than their own.
func (e *extension) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.URL.Path = normalise(r.URL.Path)
	e.machine.mux.ServeHTTP(w, r)
}
