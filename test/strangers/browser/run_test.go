package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/cartouche-gis/cartouche/internal/sim"
)

// Everything happens in the pages here, the fault too.
func TestAFailureThatRestoresAndARunThatIsTakenBack(t *testing.T) {
	t.Parallel()
	addresses, _ := pages(t, "--world", "single", "--scale", "300")
	c := chrome(t)
	c.comeIn(<-addresses)
	file, password := c.practice("renewed.pfx")
	admin, adminPassword := c.login("Site administrator"), c.login("its password")
	c.leave(chromedp.Click(`//button[starts-with(normalize-space(), "Let it happen") and contains(., "another certificate than it was given")]`))
	c.wants("wrong-leaf", "edge", "once")
	renew := func() {
		t.Helper()
		c.open("/")
		c.press("Renew")
		c.do(c.upload(file), chromedp.SendKeys("#password", password))
		c.press("Check the file")
		c.press("Go on with this certificate")
		c.giveLogins(admin, adminPassword)
		c.press("Renew the certificate")
	}
	renew()
	c.untilSaid("The run failed. What was served before is back, and that was proved.")
	c.wants("restored", "What clients got at the end", "The certificate from before.", "Run again")
	c.alsoExamined("run-restored")
	c.press("What changed")
	c.wants("restored", "The run failed. What was served before is back")

	renew() // nothing goes wrong this time
	c.verified()
	c.wants("The certificate that this run brings.")
	c.press("Take it back")
	c.at("/runs/*/undo")
	c.wants("Served now", "Going back to", "Nothing has been changed yet.")
	c.press("Take it back")
	c.at("/runs/*")
	c.wants("Taking run")
	c.untilSaid("What clients got at the end")
	c.wants("verified", "is served again, and that was proved.", "The certificate from before, which this run has brought back.")
	c.open("/world")
	c.wants("nothing went wrong for anybody")
	if !strings.Contains(c.text(), "0\nrestarts of machines") {
		c.fatal("machines restarted")
	}
}

// A run goes on whatever happens to the tab that began it.
func TestReloadAndTwoTabsInMidRun(t *testing.T) {
	t.Parallel()
	world := start(t, sim.Options{World: "single"})
	letGo := held(world)
	c := chrome(t)
	c.comeIn(pagesOf(t, world))
	c.renewed(t, world)
	run := c.path()
	c.until("a step that is being done", `document.querySelector(".steps .doing") !== null`)
	going := func(c *tab) {
		t.Helper()
		c.wants("going on", "The run is going on at this moment.", "What clients get now", "Stop this run…")
	}
	going(c)
	c.leave(chromedp.Reload())
	going(c)
	second := c.another()
	second.open(run)
	going(second)
	c.open("/history") // the first tab leaves
	c.wants("going on")
	letGo()
	second.verified()
	c.open(run)
	c.verified()
	for _, tab := range []*tab{c, second} {
		tab.untilSaid("The evidence of this run is unsigned.") // which is written last
	}
	shown := `document.querySelector("main").innerText`
	if one, other := ask(c, chromedp.Evaluate[string](shown)), ask(second, chromedp.Evaluate[string](shown)); one != other {
		t.Errorf("one tab shows\n%s\nthe other\n%s", one, other)
	}
}
