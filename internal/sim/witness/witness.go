// Package witness watches a simulated world for what a client of it must never
// let happen. It belongs to the world: it sees what gateways and machines
// serve, trust and hold at the instant they begin to, in between of what any
// client asks, and knows nothing of clients but what they may do (Allow).
//
// What it holds against the world are the invariants of a rotation:
//
//	I1  every external listener serves an allowed leaf, its chain complete and valid
//	I2  every gateway instance trusts what each machine behind it serves, restarts aside
//	I3  no certificate, root or key entry that was in use is removed before Cleaning
//	I4  of one role one machine at most is restarting, and no backend pool is emptied
//	I6  no secret is in an address, a header or a document that stays (Leaks)
//	I7  no setting changes that may not (Allow.Touch)
//
// I5, that a run tells the truth about its end, is the client's to say and the
// test's to judge.
//
// Nothing here waits or looks again after a while: it is told.
package witness

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// Allow is what a client of the world may do. The zero value allows an external
// rotation that leaves nothing but the leaf that is served now; AlsoLeaf adds
// the new one.
type Allow struct {
	// Leaves are SHA-256 fingerprints (hex, any spelling) that listeners may serve
	// beside what they served at the beginning.
	Leaves []string
	// Touch are the patterns of what may change; nil is External. See Patterns.
	Touch []string
	// Roots are further authorities that visitors' computers know.
	Roots []*x509.Certificate
	// Down is how many machines of a role may restart at a time; 0 is 1.
	Down int
}

// World is what a witness needs of a world beside its sights. Both are asked
// without any lock of the witness.
type World struct {
	Ground *ground.Ground
	// Roots are those of visitors' computers, public and the company's own.
	Roots *x509.CertPool
	// Tell lets everything be told once that is true now.
	Tell func()
	// Documents are all resources as a GET shows them, by id.
	Documents func() map[string]map[string]any
}

// Witness has watched a world since New.
type Witness struct {
	world  World
	remove func()

	mu      sync.Mutex
	began   time.Duration // of the world's time
	begun   bool          // what was there at the beginning is known
	stopped bool
	touch   []string
	down    int
	clean   bool // a client said that it cleans
	said    map[string]bool
	found   []string

	external external
	inside   inside
	roles    roles
	settings settings
	vaults   vaults
	seen     seen
}

// New begins to watch. What is wrong in the world already is not held against
// anybody.
func New(world World, allow Allow) *Witness {
	w := &Witness{
		world: world, began: world.Ground.Clock.Elapsed(), touch: slices.Clone(allow.Touch), down: max(allow.Down, 1), said: map[string]bool{},
		external: newExternal(world.Roots, allow.Leaves), inside: newInside(), roles: newRoles(), settings: newSettings(), seen: newSeen(),
	}
	if allow.Touch == nil {
		w.touch = slices.Clone(External)
	}
	w.remove = world.Ground.Watchers.Add(w.see)
	world.Tell()
	documents := world.Documents()
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, document := range documents {
		w.settings.document(w, ground.DocumentKept{ID: id, Document: document})
		w.seen.document(document)
	}
	w.begun = true
	return w
}

// AlsoLeaf allows a further leaf, by its SHA-256 fingerprint.
func (w *Witness) AlsoLeaf(fingerprint string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.external.allowed[plain(fingerprint)] = true
}

// AlsoTouch allows further settings to change. See Patterns.
func (w *Witness) AlsoTouch(patterns ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.touch = append(w.touch, patterns...)
}

// Cleaning says that from now on a client removes, as it was asked to, what was
// in use and no longer is.
func (w *Witness) Cleaning() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clean = true
}

// ByHand is what a person does to the world meanwhile, past the client or as
// another one: how it is afterwards is what the client must keep.
func (w *Witness) ByHand(do func()) {
	w.mu.Lock()
	w.settings.byHand++
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.settings.byHand--
	}()
	do()
}

// Violations are sentences about what was not to happen, oldest first, each
// with the world's time since the beginning and the object. None means that
// every invariant has held until now.
func (w *Witness) Violations() []string {
	w.look()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.found)
}

// LeftBehind is what may be otherwise for a while only and is so now, as
// sentences: machines out of their pools, resources that are new, tags of runs.
func (w *Witness) LeftBehind() []string {
	documents := w.world.Documents()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.settings.left(documents)
}

// Stop ends the watch; Violations stay.
func (w *Witness) Stop() {
	w.look()
	w.remove()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
}

// look compares what nobody tells at once.
func (w *Witness) look() {
	documents := w.world.Documents()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	for id, document := range documents {
		w.settings.document(w, ground.DocumentKept{ID: id, Document: document})
		w.seen.document(document)
	}
	w.settings.gone(w, documents)
}

// see takes one sight.
func (w *Witness) see(sight ground.Sight) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	switch sight := sight.(type) {
	case ground.GatewayServes:
		w.external.serves(w, sight)
		w.inside.gateway(w, sight)
	case ground.MachineServes:
		w.inside.machine(w, sight)
	case ground.MachineStops:
		w.inside.stops(sight)
		w.roles.stops(w, sight)
	case ground.Holds:
		w.settings.holds(w, sight)
	case ground.DocumentKept:
		w.settings.document(w, sight)
		w.seen.document(sight.Document)
	case ground.RequestCame:
		w.seen.request(sight)
	case ground.Event:
		switch sight.Kind {
		case ground.MachineUp:
			w.roles.up(sight.Object, sight.Detail)
		case ground.VaultWrite:
			w.vaults.wrote(w, sight.Object, sight.Detail)
		}
	}
}

// say writes a violation down, once. The caller holds mu.
func (w *Witness) say(invariant, format string, args ...any) {
	sentence := invariant + ": " + fmt.Sprintf(format, args...)
	if !w.begun || w.said[sentence] {
		return
	}
	w.said[sentence] = true
	after := (w.world.Ground.Clock.Elapsed() - w.began).Round(time.Second)
	w.found = append(w.found, fmt.Sprintf("after %s, %s", after, sentence))
}

// plain is a fingerprint in lower-case hex without colons.
func plain(fingerprint string) string {
	return strings.ToLower(strings.NewReplacer(":", "", " ", "").Replace(fingerprint))
}
