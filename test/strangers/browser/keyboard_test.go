package browser

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/cartouche-gis/cartouche/internal/sim"
)

// focus is where the keyboard is.
type focus struct {
	Name, ID, Tag       string
	Shown, InView, Next bool
}

// whereFocusIs tells it, and whether it comes after the last in the page's order.
const whereFocusIs = `(() => {
	const at = document.activeElement, box = at.getBoundingClientRect();
	const ringed = (e) => e && getComputedStyle(e).outlineStyle !== "none" && parseFloat(getComputedStyle(e).outlineWidth) >= 2;
	const next = !window.lastFocus || !!(window.lastFocus.compareDocumentPosition(at) & Node.DOCUMENT_POSITION_FOLLOWING);
	window.lastFocus = at;
	return {Name: (at.innerText || at.getAttribute("aria-label") || at.name || "").trim(), ID: at.id, Tag: at.tagName, Next: next,
		Shown: ringed(at) || ringed(at.closest("label")),
		InView: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth};
})()`

func (c *tab) key(keys string, options ...chromedp.KeyOption) {
	c.t.Helper()
	c.do(chromedp.KeyEvent(keys, options...))
}

// tabTo goes on with Tab until something with this name or #id has the focus. All
// that is passed must be seen to have it, and come in the order of the page.
func (c *tab) tabTo(wanted string) {
	c.t.Helper()
	var passed []string
	for range 60 {
		c.key(kb.Tab)
		at := ask(c, chromedp.Evaluate[focus](whereFocusIs))
		passed = append(passed, fmt.Sprintf("%s %q #%s", at.Tag, at.Name, at.ID))
		if at.Tag == "BODY" {
			continue // the browser's own bar, in a window that has one
		}
		if !at.Shown || !at.InView {
			c.t.Errorf("at %s the focus is not to be seen (ring %v, in view %v): %s", c.path(), at.Shown, at.InView, passed[len(passed)-1])
		}
		if !at.Next {
			c.t.Errorf("at %s the focus goes back: %q", c.path(), passed)
		}
		if at.Name == wanted || "#"+at.ID == wanted {
			return
		}
	}
	c.fatal(fmt.Sprintf("Tab does not lead to %q: %q", wanted, passed))
}

// enter presses Enter, or another key, on what leads to another page.
func (c *tab) enter(wanted string) {
	c.t.Helper()
	c.tabTo(wanted)
	c.leave(chromedp.KeyEvent(kb.Enter))
}

func TestTheWizardWithTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	world := start(t, sim.Options{World: "single"})
	variables := environment(world)
	file, password := newFile(t, world)
	c := chrome(t)
	c.comeIn(pagesOf(t, world))

	// The first stop is the way past the navigation.
	c.key(kb.Tab)
	if at := ask(c, chromedp.Evaluate[focus](whereFocusIs)); at.Name != "Skip to the content" || !at.Shown || !at.InView {
		t.Errorf("the first stop is %+v", at)
	}
	c.key(kb.Enter)
	c.until("the content", `document.activeElement.id === "main"`)
	ask(c, chromedp.Evaluate[bool]("!(window.lastFocus = null)"))
	c.enter("Renew")

	c.at("/renew/*/certificate")
	c.tabTo("#pfx")
	c.do(c.upload(file)) // the system's own window: Enter would open it
	c.tabTo("#password")
	c.key(password)
	c.leave(chromedp.KeyEvent(kb.Enter)) // in a field it sends the form
	c.wants("new.pfx can be used")
	c.enter("Go on with this certificate")
	c.at("/renew/*/credentials")
	c.tabTo("#site-admin")
	c.key(variables["CARTOUCHE_SITE_ADMIN"])
	c.tabTo("#site-admin-password")
	c.key(variables["CARTOUCHE_SITE_ADMIN_PASSWORD"])
	c.enter("Check, and make the plan")
	c.at("/renew/*/review")
	c.tabTo("Renew the certificate")
	c.leave(chromedp.KeyEvent(" "))
	c.verified()
	c.enter("Take it back")
	c.at("/runs/*/undo")
	c.enter("Leave it")
	c.at("/runs/*")
	c.tabTo("Each handshake")
	c.key(kb.Enter)
	c.until("what was folded", `document.querySelector("#proof-endpoints").open`)
}
