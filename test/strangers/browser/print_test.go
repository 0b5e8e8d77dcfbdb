package browser

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/cartouche-gis/cartouche/internal/sim"
)

// An A4 sheet without its margins of 15 mm, in the browser's pixels.
const paperWidth, paperHeight = 680, 1009

// notForPaper are what is seen of a page and has no place on paper, told by what it is.
const notForPaper = `(() => {
	const found = [], name = (e) => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") + (e.className && e.className.baseVal === undefined ? "." + e.className : "") + " " + (e.innerText || "").trim().slice(0, 40);
	const light = (c) => { const [r, g, b, a] = c.match(/[\d.]+/g).map(Number); return a === 0 || 0.2126 * r + 0.7152 * g + 0.0722 * b > 235; };
	for (const e of document.querySelectorAll("body, body *")) {
		if (!e.checkVisibility()) continue;
		const style = getComputedStyle(e), box = e.getBoundingClientRect();
		if (box.width < 2 || box.height < 2) continue;
		if (e.matches("button, .button, input:not([type=hidden]), select, textarea, nav, .top, .bottom, .skip")) found.push("for a screen: " + name(e));
		if (box.width > 40 && box.height > 16 && !e.closest("svg") && !light(style.backgroundColor)) found.push("dark: " + style.backgroundColor + " " + name(e));
		if (box.right > PAPER + 1 && (e.tagName === "svg" || !e.closest("svg"))) found.push("wider than the paper: " + Math.round(box.right) + " " + name(e));
		if (e.tagName === "TABLE" && style.display !== "table") found.push("no table: " + name(e));
		if (e.tagName === "TR" && style.display !== "table-row") found.push("no row of a table: " + name(e));
		if (style.breakInside === "avoid" && box.height > HEIGHT / 2) found.push("leaves a page half empty: " + Math.round(box.height) + " " + name(e));
	}
	return found;
})()`

// printed wants a page to be fit for paper, whichever colours a person prefers.
func (c *tab) printed(name string) {
	c.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		if _, err := chromedp.Call(c.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		}); err != nil {
			c.fatal(err)
		}
		c.do(chromedp.EmulateViewport(paperWidth, paperHeight))
		found := ask(c, chromedp.Evaluate[[]string](strings.NewReplacer("PAPER", fmt.Sprint(paperWidth), "HEIGHT", fmt.Sprint(paperHeight)).Replace(notForPaper)))
		for _, what := range found[:min(len(found), 6)] { // what holds one is found, too
			c.t.Errorf("%s, %s, on paper: %s", name, scheme, what)
		}
		if directory := os.Getenv("CARTOUCHE_PICTURES"); directory != "" {
			if err := os.WriteFile(filepath.Join(directory, name+"-print-"+scheme+".png"), ask(c, chromedp.FullScreenshot(100)), 0o600); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	c.screen("light", 1280, false)
}

// What somebody puts into a folder, or hands to somebody else, is fit for paper.
func TestWhatIsPrinted(t *testing.T) {
	t.Parallel()
	world := start(t, sim.Options{World: "ha"})
	file, password := newFile(t, world)
	c := chrome(t)
	c.comeIn(pagesOf(t, world))
	c.leave(chromedp.Click(`a[href^="/deployments/"]`))
	deployment := c.path()
	c.do(chromedp.SendKeys("#site-admin", environment(world)["CARTOUCHE_SITE_ADMIN"]), chromedp.SendKeys("#site-admin-password", environment(world)["CARTOUCHE_SITE_ADMIN_PASSWORD"]))
	c.press("Look")
	c.printed("deployment")
	c.press("Renew")
	c.reviewed(world, file, password)
	c.printed("review")
	c.press("Rehearse it first")
	c.at("/rehearsals/*")
	c.printed("rehearsal")
	c.press("Back to the review")
	c.press("Renew the certificate")
	c.verified()
	run := c.path()
	c.printed("run")
	c.open(strings.Replace(run, "/runs/", "/history/", 1))
	c.printed("changes")
	c.open("/history")
	c.printed("history")
	c.open(deployment + "/clean?now=1")
	c.printed("clean")
	copied := ask(c, chromedp.Evaluate[string](fmt.Sprintf("fetch(%q).then((answer) => answer.text())", run+"/evidence"), chromedp.EvalAwaitPromise))
	if status := c.goTo(c.base + run + "/evidence"); status != http.StatusOK {
		t.Errorf("the page of evidence: %d", status)
	}
	c.do(chromedp.Navigate("file://" + write(t, "evidence.html", []byte(copied)))) // no script runs on it, not even ours
	c.printed("evidence")
}
