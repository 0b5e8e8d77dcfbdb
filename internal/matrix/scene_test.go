package matrix_test

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// scene is a world in a bubble, with one deployment that is rotated and one
// journal that all processes of a case share.
type scene struct {
	t     *testing.T
	world *sim.World
	found deployment.Deployment
	// path of the journal.
	path string
	// person is somebody who is neither the client nor broken.
	person *worldtest.Visitor
}

// newScene starts a world. It ends with the bubble.
func newScene(t *testing.T, options sim.Options) *scene {
	t.Helper()
	options.InMemory = true
	if options.Current.Key == "" {
		options.Current.Key, options.Machines.Key = "p256", "p256" // RSA is a third of all the work
	}
	world := worldtest.Start(t, options)
	s := &scene{t: t, world: world, path: t.TempDir() + "/journal.db"}
	s.person = worldtest.EnterBy(t, world.Dial, nil, s.environment(), cloud.Options{})
	found, err := deployment.Find(t.Context(), s.person.Azure, deployment.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range found.Deployments {
		if d.Domain == world.Deployments()[0].Domain {
			s.found = d
			return s
		}
	}
	t.Fatal("the world's first deployment was not found")
	return nil
}

// environment is that of outside, or of inside where nothing is outside.
func (s *scene) environment() []sim.Variable {
	if s.world.Deployments()[0].PublicIP == "" {
		return s.world.InsideEnvironment()
	}
	return s.world.Environment()
}

// served is the fingerprint of what the deployment serves now, looked at past
// everything of ours.
func (s *scene) served() string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	cabling := s.world.Ground().Inside // also leads outside
	raw, err := cabling.DialContext(ctx, "tcp", net.JoinHostPort(s.found.Domain, "443"))
	if err != nil {
		return "nothing: " + err.Error()
	}
	connection := tls.Client(raw, &tls.Config{ServerName: s.found.Domain, InsecureSkipVerify: true})
	defer connection.Close()
	if err := connection.HandshakeContext(ctx); err != nil {
		return "nothing: " + err.Error()
	}
	return pki.Fingerprint(connection.ConnectionState().PeerCertificates[0])
}

// gateway is the gateway as it is now.
func (s *scene) gateway() *cloud.Gateway {
	s.t.Helper()
	document, err := s.person.Azure.Get(s.t.Context(), s.found.GatewayID, cloud.GatewayAPI)
	if err != nil {
		s.t.Fatal(err)
	}
	gateway, err := cloud.ParseGateway(document)
	if err != nil {
		s.t.Fatal(err)
	}
	return gateway
}

// put is a change of the gateway by hand, waited for.
func (s *scene) put(document cloud.Document) {
	s.t.Helper()
	operation, err := s.person.Azure.Put(s.t.Context(), s.found.GatewayID, cloud.GatewayAPI, document, "")
	if err == nil {
		_, err = operation.Wait(s.t.Context())
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// settled waits until no change of the gateway is under way.
func (s *scene) settled() *cloud.Gateway {
	s.t.Helper()
	for began := time.Now(); time.Since(began) < 2*time.Hour; time.Sleep(5 * time.Second) {
		if gateway := s.gateway(); gateway.ProvisioningState() != "Updating" {
			time.Sleep(30 * time.Second) // the instances follow one by one
			return gateway
		}
	}
	s.t.Fatal("the gateway does not come to rest")
	return nil
}

// inside is a network from inside the virtual network.
func (s *scene) inside(dial egress.Dialer) *egress.Network {
	s.t.Helper()
	network, _ := worldtest.Network(s.t, s.world.InsideEnvironment())
	return network.WithDialer(dial)
}
