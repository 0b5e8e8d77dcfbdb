package reach_test

import (
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// place is a simulated world with what a person has who works in it.
type place struct {
	*sim.World
	t        testing.TB
	azure    *cloud.ResourceManager
	outside  *egress.Network
	inside   *egress.Network
	found    []deployment.Deployment
	variable map[string]string
}

func newPlace(t testing.TB, options sim.Options) *place {
	t.Helper()
	if options.Scale == 0 {
		options.Scale = 300
	}
	if options.Current.Key == "" {
		options.Current.Key, options.Machines.Key = "p256", "p256"
	}
	world := worldtest.Start(t, options)
	visitor := worldtest.Enter(t, world.Environment(), cloud.Options{PollInterval: time.Second})
	p := &place{World: world, t: t, outside: visitor.Network, azure: visitor.Azure, variable: visitor.Variables}
	p.inside, _ = worldtest.Network(t, world.InsideEnvironment())
	found, err := deployment.Find(t.Context(), p.azure, deployment.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	p.found = found.Deployments
	return p
}

// deployment is the one with this name.
func (p *place) deployment(name string) deployment.Deployment {
	p.t.Helper()
	for _, d := range p.found {
		if d.Name == name {
			return d
		}
	}
	p.t.Fatalf("there is no deployment %s", name)
	return deployment.Deployment{}
}
