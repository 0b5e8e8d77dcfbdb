package browser

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// Pages that most people never see, and then at the worst moment, are for everybody,
// too. Each is brought about by what leads to it.

// renewed renews the certificate of the first deployment, up to the page of the run.
func (c *tab) renewed(t *testing.T, world *sim.World) {
	t.Helper()
	file, password := newFile(t, world)
	c.press("Renew")
	c.reviewed(world, file, password)
	c.press("Renew the certificate")
	c.at("/runs/*")
}

// held lets a run of a world wait at its first write, since Azure says that something
// else is going on, until it is let go: no tab has to be quicker than the run.
func held(world *sim.World) (letGo func()) {
	conflict := ground.Fault{Name: "conflict", Step: "gateway-put", Times: -1}
	world.Ground().Faults.Add(conflict)
	return func() { world.Ground().Faults.Off(conflict.Name, conflict.Step) }
}

func TestWorkThatTakesLong(t *testing.T) {
	t.Parallel()
	world := start(t, sim.Options{World: "single", Scale: 4})
	c := chrome(t)
	c.comeIn(pagesOf(t, world))
	world.Ground().Faults.Add(ground.Fault{Name: "slow", Step: "*", Times: -1})
	c.do(chromedp.Click(`a[href^="/deployments/"]`))
	c.until("the page of the work", `location.pathname.startsWith("/work/") && document.readyState === "complete"`)
	c.wants("Looking at the deployment", "It goes on even if you close this page")
	c.alsoExamined("work")
	c.do(chromedp.Click(button("Stop")))
	c.untilSaid("Stopped, as you asked")
	c.wants("Nothing was changed.")
	c.alsoExamined("work-stopped")
}

func TestARunThatCouldNotGoBack(t *testing.T) {
	t.Parallel()
	world := start(t, sim.Options{World: "single", Scale: 40})
	c := chrome(t)
	c.comeIn(pagesOf(t, world))
	world.Ground().Faults.Add(ground.Fault{Name: "wrong-leaf", Step: "edge", Times: -1})
	c.renewed(t, world)
	c.untilSaid("What clients got at the end")
	c.wants("partly restored", "Not as it was before", "Look at the deployment", "Another certificate, neither the one from before nor the one of this run.")
	c.alsoExamined("run-partly-restored")
}

// The way to Azure and to the gateway is lost while a run writes, and stays so.
func TestARunWhoseWorldIsGone(t *testing.T) {
	t.Parallel()
	world := start(t, sim.Options{World: "single", Scale: 40})
	c, patience := chrome(t), quick
	patience.Recovery, patience.Write, patience.Proof = 6*time.Second, 6*time.Second, 3*time.Second
	addresses, _ := pagesThatWait(t, patience, environment(world))
	c.comeIn(<-addresses)
	c.renewed(t, world)
	c.untilSaid("writing to the gateway")
	if err := world.Close(); err != nil {
		t.Fatal(err)
	}
	c.untilSaid("What clients got at the end")
	c.alsoExamined("run-unknown")
	c.wants("nobody can say whether everything is as it was", "Nobody could see", "Not known: what clients get has not been seen since the change.")
	c.open("/history")
	c.wants("not known")
	c.provokes("status of 502")
	c.open("/")
	c.wants("Azure cannot be reached")
	c.alsoExamined("azure-gone")
}

// workedOnElsewhere are two computers: there a run has the deployment and goes on
// when it is let go; c shows the deployment.
func workedOnElsewhere(t *testing.T) (there, c *tab, letGo func()) {
	t.Helper()
	world := start(t, sim.Options{World: "single"})
	letGo = held(world)
	there = chrome(t)
	there.comeIn(pagesOf(t, world))
	there.renewed(t, world)
	there.until("a step that is being done", `document.querySelector(".steps .doing") !== null`)
	c = there.another()
	c.comeIn(pagesOf(t, world))
	c.leave(chromedp.Click(`a[href^="/deployments/"]`))
	return there, c, letGo
}

// Somebody else works on it, at another computer.
func TestAClaimOfAnotherComputer(t *testing.T) {
	t.Parallel()
	there, c, letGo := workedOnElsewhere(t)
	deployment := c.path()
	c.wants("A run works on it now")
	c.press("Who works on it")
	c.wants("unless that run renews it")
	c.alsoExamined("claim")
	c.provokes("status of 409")
	c.do(chromedp.Navigate(c.base + deployment + "/clean"))
	c.untilSaid("Another run works on this deployment")
	c.alsoExamined("held")
	letGo()
	there.verified()
	c.open(deployment + "/claim")
	c.wants("No run has claimed this deployment")
	c.alsoExamined("claim-none")
}

// The certificates of the machines, which can be dialled from inside.
func TestThePlanForTheMachines(t *testing.T) {
	t.Parallel()
	world := start(t, sim.Options{World: "single"})
	variables := map[string]string{}
	for _, variable := range world.InsideEnvironment() {
		variables[variable.Name] = variable.Value
	}
	addresses, _ := pagesIn(t, variables)
	c := chrome(t)
	c.comeIn(<-addresses)
	c.leave(chromedp.Click(`a[href^="/deployments/"]`))
	deployment := c.path()
	c.press("Replace their certificates…")
	c.alsoExamined("machines-certificates")
	c.do(chromedp.Click("input[name=source][value=issue]"))
	c.press("Go on")
	c.at("/deployments/*/machines/logins")
	c.do(chromedp.SetValue("#site-admin", variables["CARTOUCHE_SITE_ADMIN"]), chromedp.SendKeys("#site-admin-password", variables["CARTOUCHE_SITE_ADMIN_PASSWORD"]),
		chromedp.Click("input[name=reach][value=direct]"))
	c.leave(chromedp.Click("main form button"))
	c.at("/deployments/*/machines/review")
	c.wants("Certificates, in this order", "Who notices")
	c.alsoExamined("machines-review")
	c.open(deployment + "/clean/machines")
	c.alsoExamined("clean-machines")
}

// What is not on the way through a renewal from a file: one of the versions in a vault,
// a plan that was saved, a saved shape, and a file for a vault and nothing else.
func TestWaysBesideTheRenewal(t *testing.T) {
	t.Parallel()
	world := start(t, sim.Options{World: "ha"})
	file, password := newFile(t, world)
	c := chrome(t)
	c.comeIn(pagesOf(t, world))
	c.open("/rehearse")
	c.alsoExamined("rehearse")

	c.open("/upload")
	c.alsoExamined("upload-begin")
	c.press("Choose the vault")
	c.do(chromedp.Click(`input[name=vault][value="entvault"]`))
	c.press("Look into it")
	c.do(chromedp.SendKeys("#name", "maps"), c.upload(file), chromedp.SendKeys("#password", password))
	c.alsoExamined("upload")
	c.press("Check the file")
	c.at("/upload/*/review")
	c.wants("Nothing has been changed yet.")
	c.alsoExamined("upload-review")
	c.press("Put it there")
	c.at("/uploaded/*")
	c.wants("maps has a new version")
	c.alsoExamined("uploaded")

	c.open("/")
	c.press("Renew")
	renewal := strings.TrimSuffix(c.path(), "/certificate")
	c.versionsOf("maps")
	if versions := ask(c, chromedp.Evaluate[int]("document.querySelectorAll('input[name=version]').length")); versions < 2 {
		t.Errorf("%d versions of a certificate to which one was added", versions)
	}
	c.alsoExamined("renew-versions")
	c.open(renewal + "/deployment")
	c.do(chromedp.Click("#plan summary"), chromedp.WaitVisible("#plan-file"))
	c.alsoExamined("renew-plan")
}

// versionsOf shows the versions of a certificate in entvault, in a renewal.
func (c *tab) versionsOf(certificate string) {
	c.t.Helper()
	c.press("From Key Vault")
	c.do(chromedp.Click(`input[name=vault][value="entvault"]`))
	c.press("Look into it")
	c.do(chromedp.Click(`input[name=name][value="` + certificate + `"]`))
	c.press("Choose one of its versions")
	c.wants("Which version?")
}
