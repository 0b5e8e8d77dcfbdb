// Package onlooker looks at the deployments of simulated worlds, for the tests of what
// shows a deployment, hands it on or copies it.
package onlooker

import (
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// Onlooker is somebody inside the network of a world, who looks at machines, too, and
// has the site administrator's login.
type Onlooker struct {
	Runner *rotation.Runner
	Roots  *pki.Roots
	Found  []deployment.Deployment
}

// In goes into a world, and finds its deployments.
func In(t testing.TB, world *sim.World) *Onlooker {
	t.Helper()
	visitor := worldtest.EnterBy(t, world.Dial, nil, world.InsideEnvironment(), cloud.Options{})
	found, err := deployment.Find(t.Context(), visitor.Azure, deployment.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	return &Onlooker{Found: found.Deployments, Roots: pki.MozillaRoots().With(visitor.Network.NamedRoots()...), Runner: &rotation.Runner{
		Azure: visitor.Azure, Network: visitor.Network, Looker: &handshake.Looker{Network: visitor.Network}, Way: reach.NewDirect(visitor.Network, nil),
		Vault: func(uri string) (*cloud.VaultClient, error) {
			return cloud.NewVaultClient(visitor.Cloud, uri, visitor.Credential, cloud.Options{Client: visitor.Client})
		},
		Credentials: rotation.Credentials{
			SiteAdmin: visitor.Variables["CARTOUCHE_SITE_ADMIN"], SiteAdminPassword: secret.New(visitor.Variables["CARTOUCHE_SITE_ADMIN_PASSWORD"]),
		},
	}}
}

// Look is the state of a deployment.
func (o *Onlooker) Look(t testing.TB, d deployment.Deployment) rotation.State {
	t.Helper()
	state, err := o.Runner.Observe(t.Context(), d, rotation.Asked{})
	if err != nil {
		t.Fatalf("%s: %v", d.Name, err)
	}
	return state
}

// States are those of all deployments that have a gateway.
func (o *Onlooker) States(t testing.TB) (states []rotation.State) {
	t.Helper()
	for _, d := range o.Found {
		if d.GatewayID != "" {
			states = append(states, o.Look(t, d))
		}
	}
	return states
}
