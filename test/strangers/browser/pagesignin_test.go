package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/cartouche-gis/cartouche/internal/sim"
)

// TestAPersonSignsInToThePagesByACode: nobody is signed in at first. The code is typed
// on Microsoft's page, in another tab, and the pages go on by themselves.
func TestAPersonSignsInToThePagesByACode(t *testing.T) {
	t.Parallel()
	_ = axeScript(t)
	world := start(t, sim.Options{World: "ha"})
	variables := environment(world)
	for _, name := range []string{"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_SUBSCRIPTION_ID"} {
		delete(variables, name)
	}
	addresses, _ := pagesIn(t, variables)
	c := chrome(t, chromedp.ProxyServer(variables["HTTPS_PROXY"]), chromedp.Flag("ignore-certificate-errors-spki-list", strings.Join(served(t, world), ",")))
	examine := c.examiner()
	c.comeIn(<-addresses)
	c.open("/history") // of this computer: nobody has to be signed in
	c.open("/")
	c.at("/sign-in")
	examine("sign-in")
	c.do(chromedp.Click(`input[name=way][value=browser]`))
	c.leave(chromedp.Click("main form button"))
	c.untilSaid("Sign in on Microsoft’s page")
	examine("signing-in-browser")
	c.press("Cancel")
	c.wants("The sign-in was cancelled")
	c.do(chromedp.Click(`input[name=way][value=device-code]`))
	c.leave(chromedp.Click("main form button"))
	c.untilSaid("Type the code")
	examine("signing-in-code")
	code := ask(c, chromedp.Text(".code-big"))
	address := ask(c, chromedp.Evaluate[string](`document.querySelector("main a[target=_blank]").href`))
	person, microsoft := world.People()[0], c.another()
	microsoft.do(chromedp.Navigate(address), chromedp.WaitVisible("#otc"), chromedp.SendKeys("#otc", code+enter), chromedp.WaitVisible("#passwd"),
		chromedp.SendKeys("#login", person.User), chromedp.SendKeys("#passwd", person.Password+enter), chromedp.WaitVisible("[name=accept]"), chromedp.Click("[name=accept]"))
	c.until("that the pages go on", `!location.pathname.includes("/sign-in/signing") && document.readyState === "complete" && document.querySelector(".code-big") === null`)
	c.settle() // there is one tenant, and no subscription has to be chosen
	c.wants(person.User, world.Deployments()[0].Domain)
	c.open("/sign-in")
	c.wants("You are signed in", person.User)
	examine("signed-in-person")
	c.press("Change the tenant")
	examine("tenant")
	c.open("/subscription")
	examine("subscription")
	c.press("Next")
	c.open("/sign-in")
	c.do(chromedp.Click("//summary[normalize-space()='Sign out']"))
	c.leave(chromedp.Click(`form[action="/sign-out"] button`))
	c.open("/")
	c.at("/sign-in")
}
