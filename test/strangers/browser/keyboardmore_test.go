package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/cartouche-gis/cartouche/internal/sim"
)

// anew begins a page of which Tab starts at its top.
func (c *tab) anew(path string) {
	c.t.Helper()
	c.open(path)
	ask(c, chromedp.Evaluate[bool]("!(window.lastFocus = null)"))
}

// choose goes to a file's field, into which the system's own window puts a file.
func (c *tab) choose(field, file string) {
	c.t.Helper()
	c.tabTo(field)
	c.do(chromedp.SetUploadFiles(field, []string{file}))
}

func (c *tab) typeInto(field, text string) {
	c.t.Helper()
	c.tabTo(field)
	c.key(text)
}

// saved writes what the pages give as a file.
func (c *tab) saved(path, name string) (file string) {
	c.t.Helper()
	text := ask(c, chromedp.Evaluate[string](fmt.Sprintf("fetch(%q).then((answer) => answer.text())", path), chromedp.EvalAwaitPromise))
	return write(c.t, name, []byte(text))
}

// A file is put into a vault, a renewal is rehearsed, saved and taken from its plan,
// and what was done is looked up, all without a mouse.
func TestWaysBesideTheRenewalWithTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	world := start(t, sim.Options{World: "ha", Version: "12.0"})
	variables := environment(world)
	file, password := newFile(t, world)
	c := chrome(t)
	c.comeIn(pagesOf(t, world))

	c.anew("/upload")
	c.enter("Choose the vault")
	c.typeInto("vault", " ") // the first one
	c.enter("Look into it")
	c.typeInto("#name", "maps")
	c.choose("#pfx", file)
	c.typeInto("#password", password)
	c.leave(chromedp.KeyEvent(kb.Enter))
	c.at("/upload/*/review")
	c.tabTo("Put it there")
	c.tabTo("Back")
	c.anew(c.path())
	c.enter("Put it there")
	c.at("/uploaded/*")
	c.enter("To the deployments")

	c.press("Renew")
	c.reviewed(world, file, password)
	plan := c.saved(strings.Replace(c.path(), "/review", "/plan.json", 1), "plan.json")
	c.anew(c.path())
	c.tabTo("Rehearse it first")
	c.tabTo("#fault")
	c.enter("Rehearse")
	c.at("/rehearsals/*")
	c.enter("Rehearse again")
	c.at("/renew/*/review")

	c.open("/")
	c.press("Renew")
	renewal := strings.TrimSuffix(c.path(), "/certificate")
	c.anew(renewal + "/deployment")
	c.tabTo("Carry out a plan that was saved")
	c.key(kb.Enter)
	c.choose("#plan-file", plan)
	c.choose("#plan-pfx", file)
	c.typeInto("#plan-password", password)
	c.enter("Use this plan")
	c.at("/renew/*/credentials")
	c.typeInto("#site-admin", variables["CARTOUCHE_SITE_ADMIN"])
	c.typeInto("#site-admin-password", variables["CARTOUCHE_SITE_ADMIN_PASSWORD"])
	c.enter("Check, and make the plan")
	c.wants("This is the plan that was saved")
	c.enter("Renew the certificate")
	c.verified()

	c.anew("/history")
	c.tabTo("#deployment")
	c.enter(ask(c, chromedp.Evaluate[string](`document.querySelector("a[href^='/history/']").innerText.trim()`)))
	c.at("/history/*")

	// The machines' own DSC takes more logins than other ways.
	c.open("/")
	c.press("Renew")
	renewal = strings.TrimSuffix(c.path(), "/certificate")
	c.anew(renewal + "/certificate")
	c.tabTo("More choices")
	c.key(kb.Enter)
	c.do(chromedp.Click(`input[name=reach][value=dsc]`)) // arrows would: it is one group
	c.enter("Use these choices")
	c.do(c.upload(file), chromedp.SendKeys("#password", password))
	c.press("Check the file")
	c.press("Go on with this certificate")
	c.anew(c.path())
	for _, login := range [][2]string{
		{"#site-admin", "CARTOUCHE_SITE_ADMIN"}, {"#site-admin-password", "CARTOUCHE_SITE_ADMIN_PASSWORD"},
		{"#service-account", "CARTOUCHE_SERVICE_ACCOUNT"}, {"#service-account-password", "CARTOUCHE_SERVICE_ACCOUNT_PASSWORD"},
		{"#server-pfx-password", "CARTOUCHE_SERVER_PFX_PASSWORD"}, {"#portal-pfx-password", "CARTOUCHE_PORTAL_PFX_PASSWORD"},
	} {
		c.typeInto(login[0], variables[login[1]])
	}
	c.alsoExamined("renew-credentials-dsc")
	c.enter("Check, and make the plan")
	c.at("/renew/*/review")
	c.alsoExamined("renew-review-dsc")
}

// The claim of another computer is looked at and broken without a mouse.
func TestAClaimIsBrokenWithTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	there, c, letGo := workedOnElsewhere(t)
	c.anew(c.path() + "/claim")
	c.typeInto("sure", " ")
	c.enter("Break the claim")
	c.untilSaid("The claim is broken")
	letGo()
	there.untilSaid("What clients got at the end")
}
