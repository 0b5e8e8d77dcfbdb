package browser

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// judged is what a page of a deployment says of everything that has an end.
const judged = `JSON.stringify([...document.querySelectorAll("[data-until]")].map(
	(e) => e.getAttribute("class").split(" ").sort().join(" ") + ": " + (e.querySelector(".left") || e).textContent).concat(
	document.getElementById("by").textContent, document.getElementById("at").value))`

// TestTheDateSliderInABrowser moves the day by the script, and then has the server
// judge by the same day: both say the same of every certificate, in the picture and
// in the tables.
func TestTheDateSliderInABrowser(t *testing.T) {
	addresses, _ := pages(t, "--world", "ha")
	address := <-addresses
	base := address[:strings.LastIndex(address, "/")]
	c := chrome(t)
	c.do(chromedp.Navigate(address), chromedp.WaitVisible(`a[href^="/deployments/"]`))
	path := ask(c, chromedp.Evaluate[string](`document.querySelector('a[href^="/deployments/"]').getAttribute("href")`))
	c.do(chromedp.Navigate(base+path), chromedp.WaitVisible("svg.topology.wide"), chromedp.WaitVisible("#in"))
	for _, days := range []int{400, 9, 10, 8, 0, 200} {
		c.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`{const slider = document.getElementById("in"); slider.value = %d; slider.dispatchEvent(new Event("input"))}`, days)))
		moved := sayings(t, c)
		if days == 0 { // the server judges today by the moment of the look, the form by its midnight
			continue
		}
		day := moved[len(moved)-1]
		if status := c.goTo(base + path + "?at=" + day); status != http.StatusOK {
			t.Fatalf("?at=%s: %d", day, status)
		}
		asked := sayings(t, c)
		if len(moved) < 20 || strings.Join(moved, "\n") != strings.Join(asked, "\n") {
			t.Errorf("in %d days the script says\n%s\nand the server\n%s", days, strings.Join(moved, "\n"), strings.Join(asked, "\n"))
		}
	}
	// A press on a certificate in the picture tells about it.
	c.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("svg.wide .serves a").dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}))`),
		chromedp.WaitVisible("ol.chain"))
	if text := c.text(); !strings.Contains(text, "Who vouches for it") || !strings.Contains(text, "is vouched for by") {
		t.Errorf("the certificate's page: %s", text)
	}
}

func sayings(t *testing.T, c *tab) (list []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(ask(c, chromedp.Evaluate[string](judged))), &list); err != nil {
		t.Fatal(err)
	}
	return list
}
