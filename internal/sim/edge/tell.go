package edge

import (
	"crypto/x509"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// Tell tells the world's watchers what every instance serves now.
func (g *Gateway) Tell() {
	g.applying.Lock()
	defer g.applying.Unlock()
	for _, instance := range g.instances {
		g.tell(instance)
	}
}

// tell tells the world's watchers what an instance serves and trusts.
func (g *Gateway) tell(instance *instance) {
	config := instance.config.Load()
	if config == nil || !g.ground.Watchers.Watched() {
		return
	}
	now := ground.GatewayServes{Gateway: g.name, Instance: instance.number, Disturbed: config.disturbed}
	for _, listener := range config.listeners {
		if listener.certificate != nil {
			now.Listeners = append(now.Listeners, ground.ListenerServes{Name: listener.name, Hosts: listener.hosts, Chain: listener.certificate.Certificate})
		}
	}
	for _, group := range config.backends {
		if group.tls {
			now.Backends = append(now.Backends, ground.BackendTrust{Pool: group.pool, Settings: group.settings, Addresses: group.addresses, Port: group.port, Trusts: group.trusts})
		}
	}
	g.ground.Watchers.Tell(now)
}

// trusts is verify for what a backend would send, under the name that requests
// are sent with.
func (b *backendGroup) trusts(address string, chain [][]byte) error {
	var certificates []*x509.Certificate
	for _, der := range chain {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		certificates = append(certificates, certificate)
	}
	return b.verify(certificates, b.nameFor(b.target(address)))
}
