package browser

import (
	"strings"
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
	c.do(chromedp.SendKeys("#q", "oldmaps"), chromedp.Poll[chromedp.Void](`document.querySelectorAll("table.deployments tbody tr").length == 1`))
	if where := ask(c, chromedp.Location()); !strings.HasSuffix(where, "/?q=oldmaps") {
		t.Errorf("the address is %s", where)
	}
	if at := ask(c, chromedp.Evaluate[string]("document.activeElement.id")); at != "q" {
		t.Errorf("the keyboard went to %q", at)
	}
	c.do(chromedp.SendKeys("#q", " nothing like it"), chromedp.WaitVisible(".empty"))
	c.do(chromedp.Reload(), chromedp.WaitVisible(".empty")) // the address says the same
	if typed := ask(c, chromedp.Evaluate[string](`document.getElementById("q").value`)); typed != "oldmaps nothing like it" {
		t.Errorf("after reload the form has %q", typed)
	}
}
