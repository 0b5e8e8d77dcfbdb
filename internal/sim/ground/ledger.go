package ground

import (
	"slices"
	"sync"
	"time"
)

// Kinds of events that tests and the demo count.
const (
	GatewayWrite      = "gateway-write"      // a PUT that a gateway accepted
	MachineRestart    = "machine-restart"    // a machine's web server went down
	MachineDown       = "machine-down"       // a product (detail) of a machine no longer answers
	MachineUp         = "machine-up"         // it is healthy again
	MachineLeaf       = "machine-leaf"       // a port of a machine ("NAME:port") serves another leaf, by SHA-256
	ServiceRestart    = "service-restart"    // somebody restarted a service (detail) of a machine
	Federation        = "federation"         // a portal validated a server: "status adminUrl"
	LeafServed        = "leaf-served"        // a gateway instance began to serve another leaf
	TagWrite          = "tag-write"          // the tags of a resource group were changed
	VaultWrite        = "vault-write"        // something in a Key Vault was changed
	OperationFinished = "operation-finished" // an asynchronous operation ended
	ListenerState     = "listener-state"     // a look at Key Vault disabled or enabled listeners
	FaultHappened     = "fault"              // a fault was taken
)

// Event is one thing that happened in a world.
type Event struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Object string    `json:"object"`
	Detail string    `json:"detail,omitempty"`
}

// Ledger remembers what happened in a world. It belongs to the world, not to
// the client, which is why tests may believe it.
type Ledger struct {
	watchers *Watchers // see every event; nil for nobody
	mu       sync.Mutex
	events   []Event
}

// Record adds an event.
func (l *Ledger) Record(kind, object, detail string) {
	event := Event{At: time.Now(), Kind: kind, Object: object, Detail: detail}
	l.mu.Lock()
	l.events = append(l.events, event)
	l.mu.Unlock()
	l.watchers.Tell(event)
}

// Events returns everything so far, oldest first.
func (l *Ledger) Events() []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

// Count says how many events of a kind there were.
func (l *Ledger) Count(kind string) int {
	count := 0
	for _, event := range l.Events() {
		if event.Kind == kind {
			count++
		}
	}
	return count
}
