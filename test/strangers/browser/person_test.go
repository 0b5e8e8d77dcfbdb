package browser

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/hostile"
)

// tab is a page of a browser, and what the browser complained of.
type tab struct {
	t   *testing.T
	ctx context.Context
	// base is where the pages are, once the person has come in.
	base string

	mu         sync.Mutex
	complaints []string
	provoked   []string // parts of complaints that the test provokes itself
}

// chrome starts a browser that finds evil.test on this computer. At the end of the
// test it must have had nothing to complain of but what the test forgave.
func chrome(t *testing.T, more ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("host-resolver-rules", "MAP evil.test 127.0.0.1"), chromedp.WindowSize(1280, 900), chromedp.WSURLReadTimeout(time.Minute))
	options = append(options, more...)
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	return tabOf(t, ctx)
}

// another is a second tab of the same browser, in a window of its own.
func (c *tab) another(more ...chromedp.ContextOption) *tab {
	c.t.Helper()
	second := tabOf(c.t, c.ctx, more...)
	second.base = c.base
	return second
}

func tabOf(t *testing.T, ctx context.Context, more ...chromedp.ContextOption) *tab {
	ctx, cancel := chromedp.NewContext(ctx, more...)
	t.Cleanup(cancel)
	c := &tab{t: t, ctx: ctx}
	messages := chromedp.Console(ctx)
	go func() {
		for message, err := range messages {
			if err != nil {
				return
			}
			if message.Type == chromedp.ConsoleDebug {
				continue // advice for developers, such as that a form has two passwords
			}
			c.mu.Lock()
			if slices.ContainsFunc(c.provoked, func(part string) bool { return strings.Contains(message.String(), part) }) {
				c.mu.Unlock()
				continue
			}
			c.complaints = append(c.complaints, message.String())
			c.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		time.Sleep(100 * time.Millisecond) // complaints come by another way than answers
		for _, complaint := range c.complained() {
			t.Errorf("the browser complains: %s", complaint)
		}
	})
	return c
}

// complained are the complaints since the last time it was asked.
func (c *tab) complained() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.complaints
	c.complaints = nil
	return list
}

// provokes says that a test does something on purpose of which a browser complains:
// these parts of complaints are none from now on.
func (c *tab) provokes(parts ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.provoked = append(c.provoked, parts...)
}

func (c *tab) provokesNothing() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.provoked = nil
}

func (c *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	if err := chromedp.Do(c.ctx, steps...); err != nil {
		c.fatal(err)
	}
}

// fatal ends the test with what is to be seen.
func (c *tab) fatal(why ...any) {
	c.t.Helper()
	where, _ := chromedp.Run(c.ctx, chromedp.Location())
	text, _ := chromedp.Run(c.ctx, chromedp.Evaluate[string]("document.body.innerText"))
	c.t.Fatalf("%s\nat %s:\n%s", fmt.Sprint(why...), where, text)
}

// ask runs an action that has a value.
func ask[T any](c *tab, action chromedp.Action[T]) T {
	c.t.Helper()
	value, err := chromedp.Run(c.ctx, action)
	if err != nil {
		c.fatal(err)
	}
	return value
}

// goTo opens an address, and gives the status of what came after all redirects.
func (c *tab) goTo(address string) int64 {
	c.t.Helper()
	return ask(c, chromedp.NavigateResponse(address)).Status
}

func (c *tab) text() string {
	c.t.Helper()
	return ask(c, chromedp.Text("body"))
}

// comeIn opens the address that lets in.
func (c *tab) comeIn(address string) {
	c.t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		c.t.Fatal(err)
	}
	c.base = at.Scheme + "://" + at.Host
	c.do(chromedp.Navigate(address), chromedp.WaitVisible(lock))
	c.settle()
}

// open opens a page of ours.
func (c *tab) open(path string) {
	c.t.Helper()
	c.do(chromedp.Navigate(c.base + path))
	c.settle()
}

// leave does what leads to another page, and waits for that.
func (c *tab) leave(steps ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	ask(c, chromedp.Evaluate[bool]("window.before = true"))
	c.do(steps...)
	c.until("another page", `!window.before && document.readyState === "complete"`)
	c.settle()
}

// settle waits while a page says that something goes on.
func (c *tab) settle() {
	c.t.Helper()
	c.until("the end of what goes on", `document.readyState === "complete" && !location.pathname.startsWith("/work/")`)
}

// until waits until an expression is true, whatever pages come and go meanwhile.
func (c *tab) until(what, expression string) {
	c.t.Helper()
	for end := time.Now().Add(45 * time.Second); ; {
		if yes, err := chromedp.Run(c.ctx, chromedp.Evaluate[bool](expression)); err == nil && yes {
			return
		}
		if time.Now().After(end) || c.ctx.Err() != nil {
			c.fatal("no end of waiting for ", what)
		}
		time.Sleep(25 * time.Millisecond) // pages come and go: no promise of one of them would last
	}
}

// untilSaid waits until the page says something.
func (c *tab) untilSaid(text string) {
	c.t.Helper()
	c.until(strconv.Quote(text), "document.body.innerText.includes("+strconv.Quote(text)+")")
}

// wants the page to say these texts.
func (c *tab) wants(texts ...string) {
	c.t.Helper()
	shown := c.text()
	for _, text := range texts {
		if !strings.Contains(shown, text) {
			c.fatal("the page does not say ", strconv.Quote(text))
		}
	}
}

// at wants the page to be of a certain kind: * stands for anything but a slash.
func (c *tab) at(pattern string) {
	c.t.Helper()
	path := c.path()
	if ok, err := filepath.Match(pattern, path); err != nil || !ok {
		c.fatal("this is not ", pattern)
	}
}

func (c *tab) path() string {
	c.t.Helper()
	return ask(c, chromedp.Evaluate[string]("location.pathname"))
}

// button is a button or a link that says so; in folded parts it is none.
func button(text string) string {
	return fmt.Sprintf(`//*[self::button or self::a][normalize-space(.)=%q]`, text)
}

// press clicks a button or a link, and waits for the page that comes.
func (c *tab) press(text string) {
	c.t.Helper()
	c.leave(chromedp.Click(button(text)))
}

// upload chooses a file in the form.
func (c *tab) upload(file string) chromedp.Action[chromedp.Void] {
	return chromedp.SetUploadFiles("#pfx", []string{file})
}

// practice writes a file of the world's for practice, and gives its password.
func (c *tab) practice(name string) (path, password string) {
	c.t.Helper()
	c.open("/world")
	password = ask(c, chromedp.Text(`//p[contains(., "Their password is")]/code`))
	encoded := ask(c, chromedp.Evaluate[string](fmt.Sprintf(`fetch("/world/files/%s").then((a) => a.arrayBuffer()).then((b) => btoa(String.fromCharCode(...new Uint8Array(b))))`, name), chromedp.EvalAwaitPromise))
	return write(c.t, name, decode(c.t, encoded)), password
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// newFile is a new certificate of a world that the test has started itself.
func newFile(t *testing.T, world *sim.World) (path, password string) {
	t.Helper()
	_, pfx, password := world.NewCertificate()
	return write(t, "new.pfx", pfx), password
}

func decode(t *testing.T, encoded string) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// harmless wants no name on the page to act.
func (c *tab) harmless() {
	c.t.Helper()
	if err := hostile.InPage([]byte(ask(c, chromedp.Evaluate[string]("document.documentElement.outerHTML")))); err != nil {
		c.fatal(err)
	}
}

// quiet wants the browser to have had nothing to complain of on a page.
func (c *tab) quiet(page string) {
	c.t.Helper()
	for _, complaint := range c.complained() {
		c.t.Errorf("%s: the browser complains: %s", page, complaint)
	}
}

// login is one of the simulated world's, as its panel shows it.
func (c *tab) login(of string) string {
	c.t.Helper()
	return ask(c, chromedp.Text(fmt.Sprintf(`//dt[normalize-space()=%q]/following-sibling::dd[1]`, of)))
}

// width is how wide the page is, also where that has to be scrolled to.
func (c *tab) width() int64 {
	c.t.Helper()
	return ask(c, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
}
