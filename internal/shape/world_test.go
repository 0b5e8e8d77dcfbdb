package shape_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/shape"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// observed is a deployment of a world as somebody inside of its network sees it.
type observed struct {
	world *sim.World
	roots *pki.Roots
	state rotation.State
}

func start(t *testing.T, world string) *sim.World {
	t.Helper()
	return worldtest.Start(t, sim.Options{World: world, Scale: 300, Current: sim.CurrentCertificate{Key: "p256"}, Machines: sim.MachineState{Key: "p256"}})
}

// observe looks at every deployment of a world that has a gateway.
func observe(t *testing.T, world *sim.World) []observed {
	t.Helper()
	visitor := worldtest.Enter(t, world.InsideEnvironment(), cloud.Options{})
	found, err := deployment.Find(t.Context(), visitor.Azure, deployment.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	roots := pki.MozillaRoots().With(visitor.Network.NamedRoots()...)
	var list []observed
	for _, d := range found.Deployments {
		if d.CannotUpdate != "" {
			continue
		}
		runner := &rotation.Runner{
			Azure: visitor.Azure, Network: visitor.Network, Looker: &handshake.Looker{Network: visitor.Network}, Way: reach.NewDirect(visitor.Network, nil),
			Vault: func(uri string) (*cloud.VaultClient, error) {
				return cloud.NewVaultClient(visitor.Cloud, uri, visitor.Credential, cloud.Options{Client: visitor.Client})
			},
			Credentials: rotation.Credentials{SiteAdmin: visitor.Variables["CARTOUCHE_SITE_ADMIN"], SiteAdminPassword: secret.New(visitor.Variables["CARTOUCHE_SITE_ADMIN_PASSWORD"])},
		}
		state, err := runner.Observe(t.Context(), d, rotation.Asked{})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, observed{world, roots, state})
	}
	return list
}

// A shape survives being written and read again.
func TestEveryWorldHasAShape(t *testing.T) {
	t.Parallel()
	for _, world := range sim.Worlds() {
		t.Run(world, func(t *testing.T) {
			t.Parallel()
			for _, o := range observe(t, start(t, world)) {
				s, err := shape.Of(o.state, o.roots)
				if err != nil {
					t.Fatal(err)
				}
				var first, second bytes.Buffer
				if err := s.Write(&first); err != nil {
					t.Fatal(err)
				}
				read, err := shape.Read(bytes.NewReader(first.Bytes()))
				if err != nil {
					t.Fatalf("%s: %v\n%s", o.state.Deployment.Name, err, first.Bytes())
				}
				if err := read.Write(&second); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
					t.Errorf("%s: another one after reading (%v)", o.state.Deployment.Name, err)
				}
				if len(s.LeftOut) > 0 {
					t.Errorf("%s: left out: %q", o.state.Deployment.Name, s.LeftOut)
				}
				for _, c := range s.Certificates {
					if c.NotAfter.Before(time.Unix(0, 0)) || c.Issuer == "" {
						t.Errorf("%s: %+v", o.state.Deployment.Name, c)
					}
				}
			}
		})
	}
}
