package matrix_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/journal"
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
	// ahead is how far the process's own clock goes before the world's.
	ahead time.Duration

	mu    sync.Mutex
	dead  bool
	conns map[net.Conn]bool
	// buried is closed when the case is over: what is frozen may end then.
	buried chan struct{}
}

// errDead is what the goroutines of a killed process get when the case is over.
var errDead = errors.New("this process was killed")

// process starts a client. It ends with the bubble.
func (s *scene) process() *process {
	s.t.Helper()
	p := &process{scene: s, conns: map[net.Conn]bool{}, buried: make(chan struct{})}
	p.visitor = worldtest.EnterBy(s.t, p.dial, s.world.Environment(), cloud.Options{})
	p.visitor.Client.Transport = &wire{p, p.visitor.Client.Transport}
	p.network, p.inner = p.visitor.Network, s.inside(p.dial)
	var err error
	if p.journal, err = journal.Open(s.t.Context(), s.path); err != nil {
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

// kill ends the process as SIGKILL does: its connections are cut, its journal
// is closed, and whatever goroutine asks the network for something stops there.
// None stops in the middle of reading or writing: it would hold locks.
func (p *process) kill() {
	p.mu.Lock()
	conns := p.conns
	p.dead, p.conns = true, nil
	p.mu.Unlock()
	for conn := range conns {
		cut(conn)
	}
	_ = p.journal.Close()
}

// bury lets the goroutines of a process that was killed end, and closes the
// journal of one that was not.
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

// alive returns at once in a process that lives. In one that was killed it
// returns an error, but not before the case is over.
func (p *process) alive() error {
	p.mu.Lock()
	dead := p.dead
	p.mu.Unlock()
	if !dead {
		return nil
	}
	<-p.buried
	return errDead
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
