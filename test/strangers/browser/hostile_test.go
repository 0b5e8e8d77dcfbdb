package browser

import (
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/hostile"
)

// TestNamesDoNothingOnAnyPage: a world in which every name is out to do harm is
// found, looked at, renewed, taken back and cleaned. Nothing of a name acts, and the
// browser has nothing to complain of: no script was stopped by the policy either.
func TestNamesDoNothingOnAnyPage(t *testing.T) {
	t.Parallel()
	world := start(t, sim.Options{File: hostile.File, Scale: 60})
	variables := environment(world)
	c := chrome(t)
	c.comeIn(pagesOf(t, world))
	tour := &tour{tab: c, siteAdmin: variables["CARTOUCHE_SITE_ADMIN"], siteAdminPassword: variables["CARTOUCHE_SITE_ADMIN_PASSWORD"]}
	tour.file, tour.password = newFile(t, world)
	tour.visit = func(name string) {
		t.Helper()
		c.quiet(name)
		c.harmless()
		for _, width := range []int64{320, 1280} {
			c.screen("light", width, false)
			if is := c.width(); is > width {
				t.Errorf("%s, %d pixels: the page is %d pixels wide", name, width, is)
			}
		}
	}
	tour.through()
}
