package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

const axeFile = "../javascript/node_modules/axe-core/axe.min.js"

// axeScript is axe-core, as npm has installed it beside the other strangers in
// JavaScript.
func axeScript(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile(axeFile)
	switch {
	case err == nil:
		return string(script)
	case os.Getenv("CARTOUCHE_STRANGERS") == "required":
		t.Fatalf("axe-core is required: npm ci in test/strangers/javascript: %v", err)
	}
	t.Skipf("axe-core is not installed: npm ci in test/strangers/javascript: %v", err)
	return ""
}

// alsoExamined examines a page in a test that is about something else: without
// axe-core it goes on, and the tests that are about pages say that it is missing.
func (c *tab) alsoExamined(name string) {
	c.t.Helper()
	if _, err := os.Stat(axeFile); err == nil || os.Getenv("CARTOUCHE_STRANGERS") == "required" {
		c.examiner()(name)
	}
}

// violation is what axe-core found, with where.
type violation struct {
	ID, Impact, Help string
	Nodes            []string
}

// runAxe finds what is serious on the page as it is shown now. In the dark only
// colours can be other than in the light.
const runAxe = `axe.run(document, {...(matchMedia("(prefers-color-scheme: dark)").matches ? {runOnly: ["color-contrast", "link-in-text-block"]} : {}), resultTypes: ["violations"]}).then((found) => JSON.stringify(found.violations
	.filter((v) => v.impact === "serious" || v.impact === "critical")
	.map((v) => ({ID: v.id, Impact: v.impact, Help: v.help, Nodes: v.nodes.slice(0, 4).map((n) => n.html.slice(0, 200) + " " + (n.any[0]?.message || ""))}))))`

// screens are how pages are looked at. Forced colours are the few that somebody has
// chosen for everything: there axe-core has nothing to say of contrast.
var screens = []struct {
	scheme string
	width  int64
	forced bool
	axe    bool
}{
	{"light", 1280, false, true}, {"dark", 1280, false, true}, {"light", 320, false, true}, {"dark", 320, false, true},
	{"light", 3840, false, false}, {"dark", 1280, true, false},
}

func (c *tab) screen(scheme string, width int64, forced bool) {
	c.t.Helper()
	colours := "none"
	if forced {
		colours = "active"
	}
	if _, err := chromedp.Call(c.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}, {Name: "forced-colors", Value: colours}},
	}); err != nil {
		c.fatal(err)
	}
	c.do(chromedp.EmulateViewport(width, 900))
	ask(c, chromedp.Evaluate[bool](`Promise.all(document.getAnimations().filter((a) => a instanceof CSSTransition).map((a) => a.finished.catch(() => 0))).then(() => true)`, chromedp.EvalAwaitPromise))
}

// withoutEdge are the buttons and fields that nothing sets off from the text around
// them where all backgrounds are the same.
const withoutEdge = `[...document.querySelectorAll("button:not(.link), .button, input:not([type=hidden], [type=radio], [type=checkbox], [type=range]), select, textarea")]
	.filter((e) => e.checkVisibility() && !e.closest(".drop") && !(parseFloat(getComputedStyle(e).borderTopWidth) >= 1 && getComputedStyle(e).borderTopStyle !== "none"))
	.map((e) => e.outerHTML.slice(0, 120))`

// TestEveryPageIsForEverybody: axe-core finds nothing serious on any page, in light
// and dark, on a wide screen and on one of 320 pixels, where nothing has to be
// scrolled sideways. With CARTOUCHE_PICTURES a picture of each is written there.
func TestEveryPageIsForEverybody(t *testing.T) {
	t.Parallel()
	_ = axeScript(t) // or else nothing is begun
	addresses, _ := pages(t, "--world", "ha", "--scale", "60")
	c := chrome(t)
	c.comeIn(<-addresses)
	tour := &tour{tab: c, simulated: true}
	tour.file, tour.password = c.practice("renewed.pfx")
	tour.expired, _ = c.practice("expired.pfx")
	tour.siteAdmin, tour.siteAdminPassword = c.login("Site administrator"), c.login("its password")
	seen, examine := 0, c.examiner()
	tour.visit = func(name string) {
		t.Helper()
		examine(name)
		seen++
	}
	tour.through()
	if seen < 30 {
		t.Errorf("only %d pages were seen", seen)
	}
}

// examiner looks at the page that is open, on every screen.
func (c *tab) examiner() func(name string) {
	c.t.Helper()
	axe, directory := axeScript(c.t), os.Getenv("CARTOUCHE_PICTURES")
	if directory != "" {
		if err := os.MkdirAll(directory, 0o755); err != nil {
			c.t.Fatal(err)
		}
	}
	return func(name string) {
		c.t.Helper()
		c.quiet(name)
		if ask(c, chromedp.Evaluate[bool](`typeof axe === "undefined"`)) {
			ask(c, chromedp.Evaluate[bool](axe+"; true"))
		}
		for _, screen := range screens {
			c.screen(screen.scheme, screen.width, screen.forced)
			on := fmt.Sprintf("%s, %s, %d pixels", name, screen.scheme, screen.width)
			if screen.axe {
				c.axe(on)
			}
			if wide := c.width(); wide > screen.width {
				c.t.Errorf("%s: the page is %d pixels wide", on, wide)
			}
			if screen.forced {
				on += ", forced colours"
				for _, element := range ask(c, chromedp.Evaluate[[]string](withoutEdge)) {
					c.t.Errorf("%s: nothing shows where this begins and ends: %s", on, element)
				}
			}
			if directory == "" {
				continue
			}
			colours := screen.scheme
			if screen.forced {
				colours = "forced"
			}
			picture := filepath.Join(directory, fmt.Sprintf("%s-%d-%s.png", name, screen.width, colours))
			if err := os.WriteFile(picture, ask(c, chromedp.FullScreenshot(100)), 0o600); err != nil {
				c.t.Fatal(err)
			}
		}
		c.screen("light", 1280, false)
	}
}

// axe wants nothing serious to be found on the page as it is shown now.
func (c *tab) axe(on string) {
	c.t.Helper()
	var found []violation
	if err := json.Unmarshal([]byte(ask(c, chromedp.Evaluate[string](runAxe, chromedp.EvalAwaitPromise))), &found); err != nil {
		c.fatal(err)
	}
	for _, v := range found {
		c.t.Errorf("%s: %s %s: %s\n\t%s", on, v.Impact, v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
	}
}
