// Package edge is the data plane of a simulated Application Gateway: real TLS
// listeners and a reverse proxy that follow the ARM document of the gateway.
// It reads Microsoft's public documentation only; what that leaves open is
// marked "guess:" and can be switched in Options.
package edge

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// Options switch what the documentation leaves open. The zero value is the
// likeliest reading. Set them before the first Apply.
type Options struct {
	// Instances is how many instances serve; 0 means 2, which is what Cloud
	// Builder's template asks for.
	Instances int
	// SwitchPause is the world's time between the switch of one instance and
	// the next; 0 means 5 s. guess: documented is only that updates roll
	// through the instances.
	SwitchPause time.Duration
	// StaleFor is how long the instance of fault stale-instance keeps what it
	// had; 0 means 30 minutes of the world.
	StaleFor time.Duration
	// NoRetry turns off that a request which reached no backend is tried on
	// the next healthy one. guess: seen on v2, not promised.
	NoRetry bool
	// HealthUpDown reports Up and Down, the words of the REST reference,
	// instead of Healthy and Unhealthy, which live gateways answer and which
	// learn.microsoft.com/azure/application-gateway/application-gateway-backend-health-troubleshooting shows.
	HealthUpDown bool
	// WellKnown are roots that the gateway trusts besides Mozilla's list when
	// an HTTP setting names no trusted root.
	WellKnown []*x509.Certificate
}

// Gateway is one gateway's data plane. Its methods are safe for concurrent use.
type Gateway struct {
	// Options are read at the first Apply.
	Options Options

	ground *ground.Ground
	name   string
	ctx    context.Context
	cancel context.CancelFunc
	public func() *x509.CertPool

	applying   sync.Mutex // one Apply at a time
	instances  []*instance
	endpoints  map[endpointKey]*endpoint
	generation int
	stopProbes context.CancelFunc
	wanted     atomic.Pointer[config]
	health     *healthTable
	next       atomic.Uint64 // the instance that takes the next connection
	background sync.WaitGroup
}

// instance is one of the machines of which a gateway consists: each has what
// it was last told, and for a while that may differ.
type instance struct {
	number int
	config atomic.Pointer[config]
}

// New makes a gateway that serves nothing yet. The name is used in the ledger.
func New(g *ground.Ground, name string) *Gateway {
	ctx, cancel := context.WithCancel(context.Background())
	gateway := &Gateway{
		ground: g, name: name, ctx: ctx, cancel: cancel,
		endpoints: map[endpointKey]*endpoint{},
		health:    newHealthTable(),
	}
	gateway.public = sync.OnceValue(gateway.publicRoots)
	return gateway
}

// Apply makes the data plane follow the ARM document of the gateway. certs maps
// the name of an sslCertificates entry to its key pair with the chain as the
// PFX held it. addresses maps the name of a frontendIPConfigurations entry to
// the address that clients dial; a private frontend may be left out.
//
// The first Apply opens the listeners; a later one switches the instances one
// after the other without dropping connections, and returns when the last has
// switched. An error means that nothing was changed, unless ctx ended during
// the switch: then the remaining instances switch in the background.
func (g *Gateway) Apply(ctx context.Context, tree map[string]any, certs map[string]tls.Certificate, addresses map[string]string) error {
	g.applying.Lock()
	defer g.applying.Unlock()
	if g.ctx.Err() != nil {
		return fmt.Errorf("apply to gateway %s: it is closed", g.name)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(g.ctx, cancel)()
	next, err := g.compile(tree, certs, addresses)
	if err != nil {
		return fmt.Errorf("apply to gateway %s: %w", g.name, err)
	}
	opened, err := g.openEndpoints(next)
	if err != nil {
		return fmt.Errorf("apply to gateway %s: %w", g.name, err)
	}

	previous := g.wanted.Load()
	first := previous == nil
	if first {
		for number := range max(1, cmp.Or(g.Options.Instances, 2)) {
			g.instances = append(g.instances, &instance{number: number})
		}
	}
	g.generation++
	g.wanted.Store(next)
	served := next
	changes := !first && next.leavesDiffer(previous)
	if changes {
		served = g.disturb(next)
	}
	stale := changes && g.takeFault("stale-instance")

	g.startProbes(next)
	err = g.switchInstances(ctx, served, first, stale)
	for _, endpoint := range opened {
		g.serve(endpoint)
	}
	g.closeEndpointsExcept(next)
	if previous != nil {
		previous.closeIdle()
	}
	return err
}

// Close stops serving and cuts the connections that are open.
func (g *Gateway) Close() error {
	g.cancel()
	g.applying.Lock()
	var problems []error
	for key, endpoint := range g.endpoints {
		problems = append(problems, endpoint.server.Close())
		delete(g.endpoints, key)
	}
	if config := g.wanted.Load(); config != nil {
		config.closeIdle()
	}
	g.applying.Unlock()
	g.background.Wait()
	return errors.Join(problems...)
}
