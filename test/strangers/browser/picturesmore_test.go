package browser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// picturesDirectory is where pictures are wanted.
func picturesDirectory(t *testing.T) string {
	t.Helper()
	directory := os.Getenv("CARTOUCHE_DOCS_PICTURES")
	if directory == "" {
		t.Skip("CARTOUCHE_DOCS_PICTURES names no directory for the pictures of docs/pages.md")
	}
	return directory
}

// TestPicturesOfWhatIsSeldomSeen makes those of pages that the way through a renewal
// does not meet: what takes long, other tenants, machines, and another computer's run.
func TestPicturesOfWhatIsSeldomSeen(t *testing.T) {
	c := &camera{directory: picturesDirectory(t)}
	world := start(t, sim.Options{World: "single", Scale: 20})
	variables := map[string]string{}
	for _, variable := range world.InsideEnvironment() {
		variables[variable.Name] = variable.Value
	}
	addresses, _ := pagesIn(t, variables)
	c.begin(t, <-addresses)
	c.open("/api")
	c.take("api", "main section:nth-of-type(2)")
	c.open("/rehearse")
	c.take("rehearse", "")
	c.open("/check")
	c.do(chromedp.SendKeys("#host", world.Deployments()[0].Domain))
	c.leave(chromedp.Click("main form button"))
	c.take("check", "")

	// Work that takes long.
	c.open("/")
	world.Ground().Faults.Add(ground.Fault{Name: "slow", Step: "*", Times: -1})
	c.do(chromedp.Click(`a[href^="/deployments/"]`))
	c.until("the page of the work", `location.pathname.startsWith("/work/") && document.readyState === "complete"`)
	c.take("work", "")
	world.Ground().Faults.Clear()
	c.settle()
	deployment := c.path()

	// The certificates of the machines.
	c.press("Replace their certificates…")
	c.do(chromedp.Click("input[name=source][value=issue]"))
	c.take("machines-certificates", "")
	c.press("Go on")
	c.take("machines-logins", "")
	c.do(chromedp.SetValue("#site-admin", variables["CARTOUCHE_SITE_ADMIN"]), chromedp.SendKeys("#site-admin-password", variables["CARTOUCHE_SITE_ADMIN_PASSWORD"]),
		chromedp.Click("input[name=reach][value=direct]"))
	c.leave(chromedp.Click("main form button"))
	c.at("/deployments/*/machines/review")
	c.take("machines-review", "")

	// Another computer's run, which cannot go back either.
	world.Ground().Faults.Add(ground.Fault{Name: "wrong-leaf", Step: "edge", Times: -1})
	letGo := held(world)
	there := &camera{directory: c.directory}
	there.begin(t, pagesOf(t, world))
	there.renewed(t, world)
	there.until("a step that is being done", `document.querySelector(".steps .doing") !== null`)
	c.open(deployment + "/claim")
	c.take("claim", "")
	letGo()
	there.untilSaid("What clients got at the end")
	there.take("run-partly-restored", "#run-proof")
}

// TestPicturesOfTenants makes those of a person who may see several.
func TestPicturesOfTenants(t *testing.T) {
	directory := picturesDirectory(t)
	world := start(t, sim.Options{World: "twin"})
	variables := environment(world)
	for _, name := range []string{"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_SUBSCRIPTION_ID"} {
		delete(variables, name)
	}
	addresses, _ := pagesIn(t, variables)
	c := &camera{directory: directory, tab: chrome(t, chromedp.ProxyServer(variables["HTTPS_PROXY"]), chromedp.Flag("ignore-certificate-errors-spki-list", strings.Join(served(t, world), ",")))}
	c.do(chromedp.EmulateViewport(1280, 400))
	c.colours("light")
	c.comeIn(<-addresses)
	c.open("/sign-in")
	c.do(chromedp.Click(`input[name=way][value=device-code]`))
	c.leave(chromedp.Click("main form button"))
	c.untilSaid("Type the code")
	person, microsoft := world.People()[0], c.another()
	microsoft.do(chromedp.Navigate(ask(c.tab, chromedp.Evaluate[string](`document.querySelector("main a[target=_blank]").href`))), chromedp.WaitVisible("#otc"),
		chromedp.SendKeys("#otc", ask(c.tab, chromedp.Text(".code-big"))+enter), chromedp.WaitVisible("#passwd"),
		chromedp.SendKeys("#login", person.User), chromedp.SendKeys("#passwd", person.Password+enter), chromedp.WaitVisible("[name=accept]"), chromedp.Click("[name=accept]"))
	c.until("the choice of the tenant", `location.pathname === "/tenant" && document.readyState === "complete"`)
	c.take("tenant", "")
}

// TestPicturesOfAFileForAVault makes those of a file that is put into a vault, and
// nothing else with it.
func TestPicturesOfAFileForAVault(t *testing.T) {
	c := &camera{directory: picturesDirectory(t)}
	addresses, _ := pages(t, "--world", "ha")
	c.begin(t, <-addresses)
	file, password := c.practice("renewed.pfx")
	c.open("/upload")
	c.press("Choose the vault")
	c.do(chromedp.Click(`input[name=vault][value="entvault"]`))
	c.press("Look into it")
	c.do(chromedp.SendKeys("#name", "maps"), c.upload(file), chromedp.SendKeys("#password", password))
	c.take("upload", "")
	c.press("Check the file")
	c.take("upload-review", "")
	c.leave(chromedp.Click("main form button"))
	c.take("uploaded", "")

	// What stays beside the way through a renewal.
	c.open("/")
	c.press("Renew")
	renewal := filepath.Dir(c.path())
	c.versionsOf("maps")
	c.take("wizard-versions", "")
	c.open(renewal + "/deployment")
	c.do(chromedp.Click("#plan summary"), chromedp.WaitVisible("#plan-file"))
	c.take("wizard-plan", "")
}
