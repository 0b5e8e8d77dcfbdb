package ground

import (
	"maps"
	"net/http"
	"slices"
	"sync"
)

// Watchers are told what becomes true in a world by whoever makes it true, at
// that instant, so that nothing that lasts a moment only escapes them.
type Watchers struct {
	mu   sync.Mutex
	all  map[int]func(Sight)
	next int
}

// Add lets watch see everything from now on, one sight at a time. Whoever tells
// may hold locks of the world: watch keeps what it is given and asks nobody.
func (w *Watchers) Add(watch func(Sight)) (remove func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[int]func(Sight){}
	}
	number := w.next
	w.next++
	w.all[number] = watch
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, number)
	}
}

// Tell lets the watchers see s.
func (w *Watchers) Tell(s Sight) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, number := range slices.Sorted(maps.Keys(w.all)) {
		w.all[number](s)
	}
}

// Watched tells whether anybody watches, for those to whom telling is work.
func (w *Watchers) Watched() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.all) > 0
}

// Sight is one of the types below, or an Event.
type Sight interface{ sight() }

// GatewayServes is everything that one instance of a gateway serves and trusts
// from now on.
type GatewayServes struct {
	Gateway   string
	Instance  int
	Listeners []ListenerServes
	Backends  []BackendTrust
	// Disturbed tells that a fault of the gateway itself made it so.
	Disturbed bool
}

// ListenerServes is one TLS listener of an instance.
type ListenerServes struct {
	Name  string
	Hosts []string // as configured, with patterns; none for a basic listener
	Chain [][]byte // DER, as it is sent
}

// BackendTrust is what an instance demands of the machines of one pool.
type BackendTrust struct {
	Pool, Settings string
	Addresses      []string // names or addresses of the machines, as configured
	Port           int
	// Trusts is the gateway's own rule: nil when it would take the chain (DER, as
	// sent) from the machine of that address.
	Trusts func(address string, chain [][]byte) error
}

// MachineServes is what a port of a machine serves from now on. It is told at
// every start, too, when it is the same as before.
type MachineServes struct {
	Machine string   // upper-case FQDN
	Names   []string // under which it is dialled, lower-case
	Product string
	Port    int
	Chain   [][]byte // DER, as it is sent
}

// MachineStops is that a product of a machine no longer answers. The Event
// MachineUp tells that it is healthy again.
type MachineStops struct {
	Machine, Product string // as in MachineServes
	// Role is what only one machine at a time may be missing of: the site and the product.
	Role string
	// Restart tells that somebody asked for it; else it was lost.
	Restart bool
}

// Holds is everything that an object is set to from now on, by names with
// slashes: of a machine its keystore ("keystore/<alias>" with the SHA-256 of
// the certificate) and its settings, of a site its security settings.
type Holds struct {
	Object string // "machine NAME (product)", "site PRODUCT NAME"
	Values map[string]string
}

// DocumentKept is a resource as a GET shows it from now on; Document is nil when
// it is gone. Whoever sees it changes nothing of it.
type DocumentKept struct {
	ID       string
	Document map[string]any
	// ByHand tells that the world's owner changed it past every client.
	ByHand bool
}

// RequestCame is a request that reached a service of the world.
type RequestCame struct {
	Method, URL string // with scheme and host
	Header      http.Header
}

func (DocumentKept) sight()  {}
func (RequestCame) sight()   {}
func (GatewayServes) sight() {}
func (Holds) sight()         {}
func (MachineStops) sight()  {}
func (MachineServes) sight() {}
func (Event) sight()         {}
