package browser

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/chromedp/chromedp"
)

// tour is a way through every page, in a world that has something for each.
type tour struct {
	*tab
	file, expired, password      string
	siteAdmin, siteAdminPassword string
	// simulated is a server that was started with --world, so that there is its panel.
	simulated bool
	// visit is called on each page, with a name for it.
	visit func(name string)
}

// shows opens a page of the tour.
func (tour *tour) shows(name, path string) {
	tour.t.Helper()
	tour.open(path)
	tour.visit(name)
}

// refuses leads to a page that is answered with a status of which browsers tell.
func (tour *tour) refuses(name, status string, lead func()) {
	tour.t.Helper()
	tour.provokes(status)
	lead()
	tour.visit(name)
	tour.provokesNothing()
}

// showsEvidence opens the page of evidence, on which no script runs, not even ours:
// what is asked of it is asked of a copy.
func (tour *tour) showsEvidence(path string) {
	tour.t.Helper()
	copied := ask(tour.tab, chromedp.Evaluate[string](fmt.Sprintf("fetch(%q).then((answer) => answer.text())", path), chromedp.EvalAwaitPromise))
	if status := tour.goTo(tour.base + path); status != http.StatusOK {
		tour.t.Errorf("the page of evidence: %d", status)
	}
	tour.do(chromedp.Navigate("file://" + write(tour.t, "evidence.html", []byte(copied))))
	tour.visit("evidence")
}

// through all of them. What comes of it: the first deployment has a run that was
// verified, one that took it back, and what that left was removed.
func (tour *tour) through() {
	tour.t.Helper()
	tour.shows("deployments", "/")
	tour.shows("deployments-none", "/?q=nothing-is-called-so")
	tour.shows("history-empty", "/history")
	if tour.simulated {
		tour.shows("world", "/world")
	}
	tour.shows("signed-in", "/sign-in")
	tour.refuses("error", "status of 404", func() { tour.open("/nothing-is-here") })

	tour.open("/")
	deployment := ask(tour.tab, chromedp.Evaluate[string](`document.querySelector("table.deployments th a").getAttribute("href")`))
	for _, other := range ask(tour.tab, chromedp.Evaluate[[]string](`[...document.querySelectorAll("table.deployments th a")].slice(1).map((a) => a.getAttribute("href"))`)) {
		tour.shows("deployment-other", other)
	}
	tour.shows("deployment", deployment)
	certificate := ask(tour.tab, chromedp.Evaluate[string](`document.querySelector("main a[href*='/certificates/']").getAttribute("href")`))
	tour.shows("certificate", certificate)
	tour.shows("clean-nothing", deployment+"/clean")

	tour.shows("machines-certificates", deployment+"/machines")
	tour.do(chromedp.Click("input[name=source][value=issue]"))
	tour.press("Go on")
	tour.visit("machines-logins")
	tour.shows("api", "/api")
	tour.open(deployment)
	tour.press("Renew")
	renewal := strings.TrimSuffix(tour.path(), "/certificate")
	tour.shows("renew-deployment", renewal+"/deployment")
	tour.open(renewal + "/certificate")
	tour.visit("renew-certificate")
	tour.do(tour.upload(tour.file), chromedp.SendKeys("#password", "wrong"))
	tour.press("Check the file")
	tour.visit("renew-certificate-wrong-password")
	tour.do(chromedp.SendKeys("#password", tour.password))
	tour.press("Check the file")
	judged := tour.path()
	tour.visit("renew-certificate-judged")
	tour.shows("renew-vaults", renewal+"/certificate?from=vault")
	if ask(tour.tab, chromedp.Evaluate[bool](`document.querySelector("input[name=vault][type=radio]:not([disabled])") !== null`)) {
		vault := ask(tour.tab, chromedp.Evaluate[string](`document.querySelector("input[name=vault][type=radio]:not([disabled])").value`))
		tour.shows("renew-vault", renewal+"/certificate?from=vault&vault="+vault)
		tour.shows("renew-create", renewal+"/certificate?from=create&vault="+vault)
	}
	if tour.expired != "" {
		tour.open(judged)
		tour.do(chromedp.Click("//summary[contains(., 'Choose another file')]"), tour.upload(tour.expired), chromedp.SendKeys("#password", tour.password))
		tour.press("Check the file")
		tour.visit("renew-certificate-refused")
		tour.do(chromedp.Click("//summary[contains(., 'Choose another file')]"), tour.upload(tour.file), chromedp.SendKeys("#password", tour.password))
		tour.press("Check the file")
	}
	tour.open(judged)
	tour.press("Go on with this certificate")
	tour.visit("renew-credentials")
	tour.do(chromedp.SetValue("#site-admin", tour.siteAdmin), chromedp.SendKeys("#site-admin-password", "wrong"))
	tour.press("Check, and make the plan")
	tour.visit("renew-credentials-wrong-password")
	tour.giveLogins(tour.siteAdmin, tour.siteAdminPassword)
	tour.visit("renew-review")
	tour.press("Renew the certificate")
	run := tour.path()
	tour.until("a step that is being done", `document.querySelector(".steps .doing") !== null`)
	tour.visit("run-going")
	tour.verified()
	tour.visit("run-verified")
	tour.shows("run-after-reload", run)
	tour.shows("changes", strings.Replace(run, "/runs/", "/history/", 1))
	tour.showsEvidence(run + "/evidence")
	tour.shows("history", "/history")
	tour.shows("undo", run+"/undo")
	tour.press("Take it back")
	tour.untilSaid("What clients got at the end")
	tour.visit("run-undone")
	tour.shows("clean", deployment+"/clean?now=1")
	tour.leave(chromedp.Click("button.danger"))
	tour.untilSaid("What clients got at the end")
	tour.visit("run-cleaned")
	tour.shows("deployment-after", deployment)

	tour.refuses("locked", "status of 401", func() { tour.press("Lock") })
	tour.refuses("refused", "status of 403", func() { tour.open("/enter?token=forged") })
}
