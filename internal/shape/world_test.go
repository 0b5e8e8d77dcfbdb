package shape_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/onlooker"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
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
	o := onlooker.In(t, world)
	var list []observed
	for _, d := range o.Found {
		if d.CannotUpdate == "" {
			list = append(list, observed{world, o.Roots, o.Look(t, d)})
		}
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
