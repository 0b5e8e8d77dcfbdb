package matrix_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// process is a Cartouche that runs in a scene: connections and a handle of the
// journal of its own, which end when it is killed.
type process struct {
	scene   *scene
	visitor *worldtest.Visitor
	// network leads outside, inner inside the virtual network; all dials of both
	// are the process's own.
	network, inner *egress.Network
	journal        *journal.Journal
	// breaks is asked at every request; nil is nothing. Set it before use.
	breaks *breaker
	// report is told what a run says.
	report func(rotation.Event)
	// closing is what a way to the machines said of what it could not remove.
	closing error
	// others are who else does something meanwhile.
	others *others
	// holder is by whom the deployment is claimed; nobody claims it when it is empty.
	holder lease.Holder
	// ahead is how far the process's own clock goes before the world's.
	ahead time.Duration

	// died is closed when the process is killed.
	died chan struct{}

	mu   sync.Mutex
	dead bool
	// asleep is until when the process sleeps.
	asleep time.Time
	conns  map[net.Conn]bool
	// buried is closed when the case is over: what waits may end then.
	buried chan struct{}
}

// errDead is what the goroutines of a killed process get.
var errDead = errors.New("this process was killed")

// process starts a client. It ends with the bubble.
func (s *scene) process() *process {
	s.t.Helper()
	return s.processAt(s.path)
}

// processAt is one with another journal, as a process on another computer has.
func (s *scene) processAt(journalPath string) *process {
	s.t.Helper()
	p := &process{scene: s, conns: map[net.Conn]bool{}, buried: make(chan struct{}), died: make(chan struct{})}
	p.visitor = worldtest.EnterBy(s.t, p.dial, func(inner http.RoundTripper) http.RoundTripper { return &wire{p, inner} }, s.environment(), cloud.Options{})
	p.network, p.inner = p.visitor.Network, s.inside(p.dial)
	var err error
	if p.journal, err = journal.Open(s.t.Context(), journalPath); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(p.bury)
	return p
}

// runner is the process's Runner, with the patience for production.
func (p *process) runner() *rotation.Runner {
	v := p.visitor
	return &rotation.Runner{
		Azure: v.Azure, Vault: func(uri string) (*cloud.VaultClient, error) {
			return cloud.NewVaultClient(v.Cloud, uri, v.Credential, cloud.Options{Client: v.Client})
		},
		Network: p.network, Looker: &handshake.Looker{Network: p.network}, Journal: p.journal, Now: p.now,
		Credentials: rotation.Credentials{
			SiteAdmin:         v.Variables["CARTOUCHE_SITE_ADMIN"],
			SiteAdminPassword: secret.New(v.Variables["CARTOUCHE_SITE_ADMIN_PASSWORD"]),
		},
	}
}

func (p *process) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Add(p.ahead)
}

// adjust changes the process's own clock.
func (p *process) adjust(by time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ahead += by
}

// kill ends the process as SIGKILL does, as far as anybody outside can see: its
// connections are cut for good and its journal is closed. See alive.
func (p *process) kill() {
	p.mu.Lock()
	conns := p.conns
	if !p.dead {
		close(p.died)
	}
	p.dead, p.conns = true, nil
	p.mu.Unlock()
	for conn := range conns {
		cut(conn)
	}
	_ = p.journal.Close()
}

// bury ends what waits in a process, and closes the journal of one that was not killed.
func (p *process) bury() {
	p.mu.Lock()
	select {
	case <-p.buried:
	default:
		close(p.buried)
	}
	p.mu.Unlock()
	p.visitor.Client.CloseIdleConnections()
	_ = p.journal.Close()
}

// sleep stops the process for a while, as the lid of a notebook does: whatever
// goroutine asks the network for something waits until it is opened.
func (p *process) sleep(d time.Duration) {
	p.mu.Lock()
	p.asleep = time.Now().Add(d)
	p.mu.Unlock()
	_ = p.alive()
}

// alive is an error in a process that was killed. In one that sleeps it returns
// when that is awake.
//
// What goes on in a killed process is given errors and not stopped: it may hold
// locks that others of it wait for, and a goroutine that waits for a lock stops
// the clock of the bubble. It cannot do anything any more that shows outside.
func (p *process) alive() error {
	p.mu.Lock()
	dead, asleep := p.dead, time.Until(p.asleep)
	p.mu.Unlock()
	switch {
	case dead:
		return errDead
	case asleep <= 0:
		return nil
	}
	select {
	case <-time.After(asleep):
	case <-p.died:
	case <-p.buried:
		return errDead
	}
	return p.alive()
}

func (p *process) killed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// cut resets a connection.
func cut(conn net.Conn) {
	if abrupt, ok := conn.(interface{ SetLinger(int) error }); ok {
		_ = abrupt.SetLinger(0)
	}
	_ = conn.Close()
}

func (p *process) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if err := p.alive(); err != nil {
		return nil, err
	}
	conn, err := p.scene.world.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		cut(conn)
	} else {
		p.conns[conn] = true
	}
	return &line{Conn: conn, process: p}, nil
}

// line is a connection of a process.
type line struct {
	net.Conn
	process *process
}

// Write sees for whom a proxy is asked; Azure is broken at its requests.
func (l *line) Write(b []byte) (int, error) {
	if target, ok := connectTo(b); ok && !ofAzure(target) && l.process.breaks.connects(l.process, target) {
		cut(l.Conn)
	}
	return l.Conn.Write(b)
}

// connectTo is the target of a CONNECT request.
func connectTo(request []byte) (string, bool) {
	text, found := strings.CutPrefix(string(request[:min(len(request), 300)]), "CONNECT ")
	target, _, whole := strings.Cut(text, " ")
	return target, found && whole
}

// ofAzure tells whether a host is one of Azure's.
func ofAzure(target string) bool {
	for _, name := range []string{"login.", "management.", ".vault.", ".blob."} {
		if strings.HasPrefix(target, name) || strings.HasPrefix(name, ".") && strings.Contains(target, name) {
			return true
		}
	}
	return false
}

func (l *line) Close() error {
	l.process.mu.Lock()
	delete(l.process.conns, l.Conn)
	l.process.mu.Unlock()
	return l.Conn.Close()
}

// wire is how a process sends its requests to Azure.
type wire struct {
	process *process
	inner   http.RoundTripper
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := w.process.alive(); err != nil {
		return nil, err
	}
	answer, err := w.process.breaks.roundTrip(w.process, r, w.inner)
	if dead := w.process.alive(); dead != nil {
		if answer != nil {
			answer.Body.Close()
		}
		return nil, dead
	}
	return answer, err
}

func (w *wire) CloseIdleConnections() {
	if idle, ok := w.inner.(interface{ CloseIdleConnections() }); ok {
		idle.CloseIdleConnections()
	}
}
