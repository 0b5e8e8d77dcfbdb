package browser

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestTheListFollowsWhatIsTyped: the list of deployments answers while somebody
// types, keeps the keyboard where it is, and its address can be shared.
func TestTheListFollowsWhatIsTyped(t *testing.T) {
	addresses, _ := pages(t, "--world", "ha")
	c := chrome(t)
	c.do(chromedp.Navigate(<-addresses), chromedp.WaitVisible("table.deployments"))
	rows := func() int {
		return ask(c, chromedp.Evaluate[int](`document.querySelectorAll("table.deployments tbody tr").length`))
	}
	if n := rows(); n != 3 {
		t.Fatalf("%d deployments, want 3:\n%s", n, c.text())
	}
	typed := func(text, all string) { // slowly, it may be: then there are answers to parts of it, too
		t.Helper()
		c.do(chromedp.SendKeys("#q", text))
		c.until("the address with what was typed", fmt.Sprintf(`new URL(location).searchParams.get("q") === %q`, all))
	}
	typed("oldmaps", "oldmaps")
	if n := rows(); n != 1 {
		t.Errorf("%d deployments for what was typed, want 1", n)
	}
	if at := ask(c, chromedp.Evaluate[string]("document.activeElement.id")); at != "q" {
		t.Errorf("the keyboard went to %q", at)
	}
	typed(" nothing like it", "oldmaps nothing like it")
	c.do(chromedp.Reload(), chromedp.WaitVisible(".empty")) // the address says the same
	if kept := ask(c, chromedp.Evaluate[string](`document.getElementById("q").value`)); kept != "oldmaps nothing like it" {
		t.Errorf("after reload the form has %q", kept)
	}
}
