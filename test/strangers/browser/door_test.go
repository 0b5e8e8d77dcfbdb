package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// lock is the button on every page of who is in.
const lock = `form[action="/lock"] button`

// TestTheDoorInABrowser: the address lets in, its cookie comes with the redirect
// that follows, the pages' own forms are let in, and style and script are.
func TestTheDoorInABrowser(t *testing.T) {
	addresses, enter := pages(t, "--world", "single")
	first := <-addresses
	c := chrome(t)
	c.do(chromedp.Navigate(first), chromedp.WaitVisible(lock))
	if where := ask(c, chromedp.Location()); strings.Contains(where, "token") {
		t.Errorf("the token stays in the address: %s", where)
	}
	if from := ask(c, chromedp.Evaluate[string]("document.referrer")); from != "" {
		t.Errorf("the address with the token was told to the next page: %s", from)
	}
	if font := ask(c, chromedp.Evaluate[string](`getComputedStyle(document.body).fontFamily`)); font == "" || strings.HasPrefix(font, "Times") {
		t.Errorf("the stylesheet is not there: %q", font)
	}
	if cookies := ask(c, chromedp.Evaluate[string]("document.cookie")); cookies != "" {
		t.Errorf("scripts see the cookie: %q", cookies)
	}
	c.quiet("the first page")
	c.provokes("status of 401", "status of 403") // pages that say that they are locked, or that the address is used
	c.do(chromedp.Click(lock), chromedp.WaitVisible(".notice"), chromedp.WaitNotPresent(lock))
	if text := c.text(); !strings.Contains(text, "The pages are locked") {
		t.Errorf("after Lock: %s", text)
	}
	if status := c.goTo(first); status != http.StatusForbidden || !strings.Contains(c.text(), "not good any more") {
		t.Errorf("the address again: %d %s", status, c.text())
	}
	enter()
	c.do(chromedp.Navigate(<-addresses), chromedp.WaitVisible(lock))
}

// TestOtherPagesInABrowser: the person is in, and opens a page of somebody else,
// on another port of this computer or under a name that leads here.
func TestOtherPagesInABrowser(t *testing.T) {
	addresses, _ := pages(t, "--world", "single")
	address := <-addresses
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + at.Host
	var mu sync.Mutex
	var stolen []string // cookies that the other server was sent
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		for _, cookie := range r.Cookies() {
			stolen = append(stolen, cookie.Name)
		}
		mu.Unlock()
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/form":
			fmt.Fprintf(w, `<form method="post" action="%s/lock"><button id="bait">Win</button></form>`, base)
		case "/frame":
			fmt.Fprintf(w, `<h1>bait</h1><iframe src="%s/" onload="this.insertAdjacentHTML('afterend', '<p id=done>done</p>')"></iframe>`, base)
		case "/fetch":
			fmt.Fprintf(w, `<h1>wait</h1><script>
				const said = [];
				const tell = (what) => { said.push(what); if (said.length === 3) document.body.insertAdjacentHTML("beforeend", "<p id=done>" + said.join(" ") + "</p>") };
				fetch(%[1]q + "/lock", {method: "POST", credentials: "include", mode: "no-cors"}).then((a) => tell(a.type), () => tell("refused"));
				fetch(%[1]q + "/", {credentials: "include"}).then((a) => a.text()).then(() => tell("read"), () => tell("refused"));
				fetch(%[1]q + "/lock", {method: "POST", credentials: "include", headers: {"Content-Type": "application/json"}, body: "{}"}).then(() => tell("read"), () => tell("refused"));
			</script>`, base)
		}
	}))
	defer other.Close()
	c := chrome(t)
	c.do(chromedp.Navigate(address), chromedp.WaitVisible(lock))
	c.provokes("") // the browser, too, tells of all that is refused
	stillOpen := func(after string) {
		t.Helper()
		if status := c.goTo(base + "/nothing"); status != http.StatusNotFound { // which only who is in is told
			t.Fatalf("after %s the pages answer %d: %s", after, status, c.text())
		}
	}
	for _, from := range []string{other.URL, strings.Replace(other.URL, "127.0.0.1", "evil.test", 1)} {
		c.do(chromedp.Navigate(from+"/form"), chromedp.Click("#bait"), chromedp.WaitVisible(".notice"))
		if text := c.text(); !strings.Contains(text, "Another page asked for this") {
			t.Errorf("a form of %s: %s", from, text)
		}
		stillOpen("a form of " + from)

		c.do(chromedp.Navigate(from+"/fetch"), chromedp.WaitVisible("#done"))
		if said := ask(c, chromedp.Text("#done")); strings.Contains(said, "read") {
			t.Errorf("a script of %s: %q", from, said)
		}
		stillOpen("a script of " + from)

		c.do(chromedp.Navigate(from+"/frame"), chromedp.WaitVisible("#done"))
		if inside := ask(c, chromedp.Evaluate[bool](`document.querySelector("iframe").contentDocument !== null`)); inside {
			t.Errorf("%s looks into a frame with a page of ours", from)
		}
		stillOpen("a frame of " + from)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(stolen) > 0 {
		t.Errorf("another port of this computer was sent %q", stolen)
	}
	// Whoever makes a name of theirs lead to this computer reaches the pages, and
	// is told that they are not theirs.
	if status := c.goTo("http://evil.test:" + at.Port() + "/"); status != http.StatusMisdirectedRequest || !strings.Contains(c.text(), "not the address of these pages") {
		t.Errorf("a name that was rebound: %d %s", status, c.text())
	}
}
