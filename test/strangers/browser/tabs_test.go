package browser

import (
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/cartouche-gis/cartouche/internal/sim"
)

// Browsers keep six connections to one place. Seven tabs that follow a run are no
// reason that an eighth does not come, since only the one that is looked at listens;
// and one that is looked at again shows what happened meanwhile.
func TestEightTabsFollowARun(t *testing.T) {
	t.Parallel()
	world := start(t, sim.Options{World: "single"})
	letGo := held(world)
	c := chrome(t)
	c.comeIn(pagesOf(t, world))
	c.renewed(t, world)
	run := c.path()
	var last *tab
	for range 7 {
		last = c.another(chromedp.WithNewWindow(false))
		last.open(run)
	}
	last.wants("The run is going on at this moment.")
	letGo()
	last.verified()
	if hidden := ask(c, chromedp.Evaluate[bool]("document.hidden")); !hidden {
		t.Fatal("the first tab is to be seen, so this test shows nothing")
	}
	c.wants("The run is going on at this moment.") // as nobody sees
	if _, err := chromedp.Call(c.ctx, page.BringToFront, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	c.verified()
}
