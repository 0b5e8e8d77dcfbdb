package site

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
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
	served atomic.Pointer[entry]

	mu        sync.Mutex
	keystore  map[string]*entry // lower-case alias (S12)
	active    string            // as last posted (S12)
	trusted   []*x509.Certificate
	adminURL  string
	startedAt time.Time
	listeners []net.Listener
	server    *http.Server
	closed    bool

	restarting bool // a restart is under way
	goingDown  bool // it has read no alias yet, so that it will see later ones
	again      bool // another must follow
}

func newMachine(s *Site, spec MachineSpec) *machine {
	m := &machine{
		site: s, spec: spec, host: strings.ToLower(spec.Name), name: strings.ToUpper(spec.Name),
		keystore: map[string]*entry{},
	}
	m.adminURL = fmt.Sprintf("https://%s:%d/%s/admin", m.name, s.product.port, s.spec.Context)
	m.mux = m.routes()
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

// up opens the port with the certificate that is configured now, and puts the
// trusted certificates of the keystore in force (S19: read at start only).
func (m *machine) up() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errors.New("the site is closed")
	}
	// Without its alias a machine would not serve TLS; keytool's default is
	// what Esri's break-glass procedure goes back to (support.esri.com 000021911).
	entry := m.keystore[strings.ToLower(m.active)]
	if entry == nil || entry.key == nil {
		entry = m.keystore[m.site.product.defaultAlias]
	}
	m.served.Store(entry)
	m.trusted = nil
	for _, entry := range m.keystore {
		if entry.key == nil {
			m.trusted = append(m.trusted, entry.leaf)
		}
	}
	m.startedAt = time.Now()
	m.server = &http.Server{
		Handler: m, ReadHeaderTimeout: 30 * time.Second,
		ErrorLog: slog.NewLogLogger(m.site.ground.Log.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn)
		},
	}
	for _, at := range m.endpoints() {
		listening, err := m.site.ground.Inside.Listen(at.name, at.port)
		if err != nil {
			return err
		}
		secure := tls.NewListener(listening, &tls.Config{
			MinVersion: tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				return m.served.Load().pair(), nil
			},
			SessionTicketsDisabled: true, // a resumed session would show no certificate
			NextProtos:             []string{"http/1.1"},
		})
		m.listeners = append(m.listeners, listening)
		server := m.server
		m.site.background.Go(func() { _ = server.Serve(secure) })
	}
	return nil
}

type endpoint struct {
	name string
	port int
}

func (m *machine) endpoints() []endpoint {
	var list []endpoint
	for _, name := range m.dialledAs() {
		for _, port := range append([]int{m.site.product.port}, m.site.spec.Also...) {
			list = append(list, endpoint{name, port})
		}
	}
	return list
}

func (m *machine) dialledAs() []string {
	names := append([]string{m.host, shortName(m.host)}, m.spec.Names...)
	slices.Sort(names)
	return slices.Compact(names)
}

// shut closes the port and cuts the connections.
func (m *machine) shut() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ready.Store(false)
	for _, listener := range m.listeners {
		_ = listener.Close()
	}
	m.listeners = nil
	if m.server != nil {
		_ = m.server.Close()
	}
}

// down shuts the machine for good.
func (m *machine) down() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.shut()
}

// restart lets the web server go down and come back in the background: it
// answers as before for a while, then refuses connections, then answers 503,
// then is healthy with the certificate that is configured by then (S15, S17).
func (m *machine) restart(reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return
	case m.restarting && m.goingDown:
		return // it will see what was changed
	case m.restarting:
		m.again = true
		return
	}
	m.restarting, m.goingDown = true, true
	m.site.background.Go(func() {
		for again := true; again; {
			err := m.restartOnce(reason)
			m.mu.Lock()
			if err != nil {
				m.site.ground.Log.Debug("machine stays down", "machine", m.name, "reason", err)
				m.again = false
			}
			again = m.again
			m.again, m.restarting, m.goingDown = false, again, again
			m.mu.Unlock()
		}
	})
}

func (m *machine) restartOnce(reason string) error {
	world, options := m.site.ground, m.site.spec.Options
	if err := world.Clock.Wait(m.site.ctx, options.AnswerFor); err != nil {
		return err
	}
	m.shut()
	world.Ledger.Record(ground.MachineRestart, m.name, reason)
	if world.Faults.Take("machine-does-not-return", "restart") {
		world.Ledger.Record(ground.FaultHappened, m.name, "machine-does-not-return@restart")
		return errors.New("fault machine-does-not-return")
	}
	if err := world.Clock.Wait(m.site.ctx, options.DownFor); err != nil {
		return err
	}
	m.mu.Lock()
	m.goingDown = false
	m.mu.Unlock()
	if err := m.up(); err != nil {
		return err
	}
	if err := world.Clock.Wait(m.site.ctx, options.WarmFor); err != nil {
		return err
	}
	m.ready.Store(true)
	return nil
}
