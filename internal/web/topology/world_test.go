package topology_test

import (
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/onlooker"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/topology"
)

var draw = flag.String("draw", "", "write the drawings as pages into this `directory`, to be looked at")

// TestEveryWorldIsDrawn draws each deployment of each world, with its machines
// looked at and not.
func TestEveryWorldIsDrawn(t *testing.T) {
	for _, world := range sim.WorldDocs() {
		t.Run(world.Name, func(t *testing.T) {
			t.Parallel()
			drawn := 0
			for _, state := range statesOf(t, world.Name) {
				bare := state
				bare.Way, bare.Machines = "", nil
				for _, s := range []rotation.State{state, bare} {
					picture := topology.Of(s, certificatePage)
					check(t, picture, s.At)
					hasEverything(t, picture, s)
					drawn++
				}
				keep(t, world.Name+"-"+state.Gateway.Name(), topology.Of(state, certificatePage), state.At)
				keep(t, world.Name+"-"+state.Gateway.Name()+"-bare", topology.Of(bare, certificatePage), state.At)
			}
			if drawn == 0 && world.Name != "v1" { // which has no gateway
				t.Error("nothing was drawn")
			}
		})
	}
}

func certificatePage(sha256 string) string { return "/certificates/" + sha256 }

// statesOf observes every deployment of a world that has a gateway, from inside
// its network.
func statesOf(t *testing.T, name string) []rotation.State {
	t.Helper()
	world := worldtest.Start(t, sim.Options{World: name, Scale: 600, Current: sim.CurrentCertificate{Key: "p256"}, Machines: sim.MachineState{Key: "p256"}})
	return onlooker.In(t, world).States(t)
}

// hasEverything holds the drawing against what there is in the world.
func hasEverything(t *testing.T, p topology.Picture, state rotation.State) {
	t.Helper()
	for _, shape := range []topology.Shape{topology.Wide, topology.Narrow} {
		svg := textsOf(t, string(p.SVG(state.At, shape)))
		var names []string
		for _, l := range state.Listeners {
			names = append(names, l.Names...)
			names = append(names, l.Name)
		}
		for _, m := range state.Places() {
			names = append(names, strings.Join(m.Roles, ", "))
			if state.Deployment.Generation != deployment.GitOps {
				names = append(names, m.Name)
			} else {
				names = append(names, strings.Split(m.Host, ".")[0]+"."+strings.Split(m.Host, ".")[1])
			}
		}
		for _, v := range state.Vaulted {
			names = append(names, v.Name)
		}
		for _, name := range append(names, state.Gateway.Name()) {
			if !strings.Contains(svg, name) {
				t.Errorf("%s: %q is not in the drawing", state.Deployment.Name, name)
			}
		}
	}
	for _, m := range state.Machines {
		if m.Report == nil {
			continue
		}
		box := find(t, p.Machines, topology.MachineName(state, m))
		for _, seen := range m.Report.Components {
			if len(seen.Chain) > 0 && !hasRow(box, topology.Serves, strings.TrimPrefix(seen.Product.Name(), "ArcGIS ")) {
				t.Errorf("%s: what %s serves is not in the drawing", box.Title, seen.Product.Name())
			}
		}
	}
}

func find(t *testing.T, boxes []topology.Box, title string) topology.Box {
	t.Helper()
	for _, b := range boxes {
		if b.Title == title {
			return b
		}
	}
	t.Fatalf("there is no box called %q", title)
	return topology.Box{}
}

func hasRow(b topology.Box, kind topology.Kind, text string) bool {
	for _, r := range b.Rows {
		if r.Kind == kind && strings.Contains(r.Text, text) {
			return true
		}
	}
	return false
}

// keep writes a drawing as a page, where that is asked for.
func keep(t *testing.T, name string, p topology.Picture, at time.Time) {
	t.Helper()
	if *draw == "" {
		return
	}
	address, err := pages.Asset("style.css")
	if err != nil {
		t.Fatal(err)
	}
	style := httptest.NewRecorder()
	pages.Assets().ServeHTTP(style, httptest.NewRequest("GET", address, nil))
	for shape, suffix := range map[topology.Shape]string{topology.Wide: "", topology.Narrow: "-narrow"} {
		page := "<!doctype html><meta charset=utf-8><style>" + style.Body.String() + "</style>" + string(p.SVG(at, shape))
		if err := os.WriteFile(filepath.Join(*draw, name+suffix+".html"), []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
