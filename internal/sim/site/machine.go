package site

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// machine is one machine: a keystore, the alias that is configured, and the
// certificate that is served, which follows the alias only at a restart.
type machine struct {
	site  *Site
	spec  MachineSpec
	host  string // FQDN, lower-case
	name  string // machineName: FQDN, upper-case
	mux   *http.ServeMux
	ready atomic.Bool // false while the web server warms up
	// served is what TLS handshakes show.
	served     atomic.Pointer[entry]
	socket     socket
	extensions []*extension

	mu        sync.Mutex
	keystore  map[string]*entry // lower-case alias (S12)
	active    string            // as last posted (S12)
	trusted   []*x509.Certificate
	adminURL  string
	heap      heap
	startedAt time.Time
	stores    map[string]*entry // of a Data Store: by option of its tool

	restarting bool // a restart is under way
	goingDown  bool // it has read no alias yet, so that it will see later ones
	again      bool // another must follow
	waiting    []chan struct{}
}

func newMachine(s *Site, spec MachineSpec) *machine {
	m := &machine{
		site: s, spec: spec, host: strings.ToLower(spec.Name), name: strings.ToUpper(spec.Name),
		socket: socket{site: s}, keystore: map[string]*entry{}, stores: map[string]*entry{}, heap: defaultHeap,
	}
	m.adminURL = fmt.Sprintf("https://%s:%d/%s/admin", m.name, s.product.port, s.spec.Context)
	m.mux = m.routes()
	for _, port := range s.spec.Also {
		if kind, own := extensions[port]; own {
			m.extensions = append(m.extensions, &extension{extensionKind: kind, machine: m, port: port, socket: socket{site: s}})
		}
	}
	return m
}

// keepName makes the machine's name resolve when the world gave it no address,
// so that connections to a machine that is down are refused and its name is
// not unknown.
func (m *machine) keepName(number int) {
	if inside := m.site.ground.Inside; len(inside.Lookup(m.host)) == 0 {
		inside.Name(m.host, fmt.Sprintf("192.0.2.%d", number+1))
	}
}

// configured is the entry that a web server which starts now will serve.
// Without its alias it would not serve TLS; keytool's default is what Esri's
// break-glass procedure goes back to (support.esri.com 000021911). The caller
// holds mu.
func (m *machine) configured() *entry {
	found := m.keystore[strings.ToLower(m.active)]
	if found == nil || found.key == nil {
		found = m.keystore[m.site.product.defaultAlias]
	}
	return found
}

// up opens the port with the certificate that is configured now, and puts the
// trusted certificates of the keystore in force (S19: read at start only).
func (m *machine) up() error {
	m.mu.Lock()
	m.serve(m.configured())
	m.tellServed()
	m.trusted = m.trustedEntries()
	m.startedAt = time.Now()
	m.mu.Unlock()
	return m.socket.open(m, m.dialledAs(), m.ports(), func(string) (*entry, error) { return m.served.Load(), nil })
}

// serve makes later handshakes show an entry.
func (m *machine) serve(next *entry) {
	if m.served.Swap(next) != next {
		m.site.recordLeaf(m.name, m.site.product.port, next)
	}
}

// recordLeaf tells the ledger what a port of a machine serves from now on.
func (s *Site) recordLeaf(name string, port int, serves *entry) {
	sum := sha256.Sum256(serves.leaf.Raw)
	s.ground.Ledger.Record(ground.MachineLeaf, fmt.Sprintf("%s:%d", name, port), hex.EncodeToString(sum[:]))
}

// trustedEntries are the certificates without a key. The caller holds mu.
func (m *machine) trustedEntries() []*x509.Certificate {
	var list []*x509.Certificate
	for _, entry := range m.keystore {
		if entry.key == nil {
			list = append(list, entry.leaf)
		}
	}
	return list
}

// ports are those of the machine's own process: extensions have their own.
func (m *machine) ports() []int {
	list := []int{m.site.product.port}
	for _, port := range m.site.spec.Also {
		if _, own := extensions[port]; !own {
			list = append(list, port)
		}
	}
	return list
}

func (m *machine) dialledAs() []string {
	names := append([]string{m.host, shortName(m.host)}, m.spec.Names...)
	slices.Sort(names)
	return slices.Compact(names)
}

// shut closes the port and cuts the connections; the ledger takes note.
// restart tells that somebody asked for it.
func (m *machine) shut(restart bool) {
	m.ready.Store(false)
	m.socket.shut()
	m.site.tellStops(m, m.site.spec.Product, restart)
	m.site.ground.Ledger.Record(ground.MachineDown, m.name, m.site.spec.Product)
}

// healthy ends a restart.
func (m *machine) healthy() {
	m.ready.Store(true)
	m.site.ground.Ledger.Record(ground.MachineUp, m.name, m.site.spec.Product)
}

// close shuts the machine for good.
func (m *machine) close() {
	m.ready.Store(false)
	m.socket.close()
	for _, e := range m.extensions {
		e.socket.close()
	}
}

// pace is how long the parts of a restart last: the machine answers as before
// for a while, then refuses connections, then answers 503, then is healthy with
// the certificate that is configured by then (S15, S17).
type pace struct{ answer, down, warm time.Duration }

// restart is one that a change asked for. It happens in the background.
func (m *machine) restart(reason string) {
	options := m.site.spec.Options
	m.begin(reason, pace{options.AnswerFor, options.DownFor, options.WarmFor})
}

// begin begins a restart, unless one is under way that will see what was
// changed. What it returns is closed when the web server has started, healthy
// or not.
func (m *machine) begin(reason string, at pace) <-chan struct{} {
	started := make(chan struct{})
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.site.ctx.Err() != nil {
		close(started)
		return started
	}
	m.waiting = append(m.waiting, started)
	switch {
	case m.restarting && m.goingDown:
		return started // it will see what was changed
	case m.restarting:
		m.again = true
		return started
	}
	m.restarting, m.goingDown = true, true
	m.site.background.Go(func() {
		for again := true; again; {
			err := m.restartOnce(reason, at)
			m.mu.Lock()
			if err != nil {
				m.site.ground.Log.Debug("machine stays down", "machine", m.name, "reason", err)
				m.again = false
			}
			again = m.again
			m.again, m.restarting, m.goingDown = false, again, again
			m.mu.Unlock()
		}
		m.tellStarted()
	})
	return started
}

// tellStarted lets go on whoever waits for the web server to start.
func (m *machine) tellStarted() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, started := range m.waiting {
		close(started)
	}
	m.waiting = nil
}

func (m *machine) restartOnce(reason string, at pace) error {
	world := m.site.ground
	if err := world.Clock.Wait(m.site.ctx, at.answer); err != nil {
		return err
	}
	world.Ledger.Record(ground.MachineRestart, m.name, reason)
	m.shut(true)
	if m.takeFault("machine-does-not-return", "restart") {
		return errors.New("fault machine-does-not-return")
	}
	if err := world.Clock.Wait(m.site.ctx, at.down); err != nil {
		return err
	}
	m.mu.Lock()
	m.goingDown = false
	m.mu.Unlock()
	if err := m.up(); err != nil {
		return err
	}
	m.tellStarted()
	if m.takeFault("machine-stays-sick", "restart") {
		return errors.New("fault machine-stays-sick")
	}
	if err := world.Clock.Wait(m.site.ctx, at.warm); err != nil {
		return err
	}
	m.healthy()
	return nil
}

// lose lets a machine go off a moment from now and stay away until somebody
// restarts it.
func (m *machine) lose() {
	m.site.background.Go(func() {
		if m.site.ground.Clock.Wait(m.site.ctx, 2*time.Second) == nil {
			m.shut(false)
		}
	})
}

func (m *machine) takeFault(name, step string) bool {
	if !m.site.ground.Faults.Take(name, step) {
		return false
	}
	m.site.ground.Ledger.Record(ground.FaultHappened, m.name, name+"@"+step)
	return true
}

// listening tells whether the machine's own port is open.
func (m *machine) listening() bool {
	m.socket.mu.Lock()
	defer m.socket.mu.Unlock()
	return len(m.socket.listeners) > 0
}
