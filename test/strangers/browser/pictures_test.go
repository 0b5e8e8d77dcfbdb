package browser

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestPictures makes the pictures of docs/pages.md again, in the directory that
// CARTOUCHE_DOCS_PICTURES names:
//
//	CARTOUCHE_DOCS_PICTURES=$PWD/../../../docs/pictures go test -run Pictures -count 1 .
//
// It checks nothing: whoever makes them looks at them.
func TestPictures(t *testing.T) {
	directory := picturesDirectory(t)
	addresses, enter := pages(t, "--world", "ha")
	c := &camera{directory: directory}
	c.begin(t, <-addresses)
	c.take("deployments", "")
	file, password := c.practice("renewed.pfx")
	c.take("world", "")
	admin, adminPassword := c.login("Site administrator"), c.login("its password")

	// A deployment, and its machines.
	c.open("/")
	c.leave(chromedp.Click(`a[href^="/deployments/"]`))
	deployment := c.path()
	c.do(chromedp.SendKeys("#site-admin", admin), chromedp.SendKeys("#site-admin-password", adminPassword))
	c.press("Look")
	c.take("deployment", "#dark")
	c.colours("dark")
	c.take("deployment-dark", "#dark")
	c.colours("light")
	c.leave(chromedp.Click(`#certificates + table a`))
	c.take("certificate", "#details")

	// A renewal from a file.
	c.open("/")
	c.press("Renew")
	renewal := filepath.Dir(c.path())
	c.take("wizard-file", "")
	c.open(renewal + "/deployment")
	c.take("wizard-deployment", "")
	c.open(renewal + "/certificate")
	c.do(c.upload(file), chromedp.SendKeys("#password", password))
	c.press("Check the file")
	c.take("wizard-judged", "")
	c.press("Go on with this certificate")
	c.do(chromedp.SetValue("#site-admin", admin))
	c.take("wizard-logins", "")
	c.do(chromedp.SendKeys("#site-admin-password", adminPassword))
	c.press("Check, and make the plan")
	c.take("wizard-review", "")
	c.press("Rehearse it first")
	c.take("rehearsal", "")
	c.press("Back to the review")
	c.press("Renew the certificate")
	run := c.path()
	c.until("the proof", `document.querySelector(".steps .done + .doing") !== null`)
	c.take("run-going", "#run-told")
	c.untilSaid("What clients got at the end")
	c.colours("dark")
	c.take("run-dark", "#run-told")
	c.colours("light")
	c.open(run + "/undo")
	c.take("undo", "")
	c.open(deployment + "/clean")
	c.take("clean", "")
	c.open(run + "/undo")
	c.press("Take it back")
	c.untilSaid("What clients got at the end")

	// A renewal by way of Key Vault, in which something goes wrong.
	enter()
	c.begin(t, <-addresses)
	c.open("/world")
	c.leave(chromedp.Click(`//button[starts-with(normalize-space(), "Let it happen") and contains(., "another certificate than it was given")]`))
	c.open("/")
	c.press("Renew")
	c.press("From Key Vault")
	c.take("wizard-vault", "")
	c.do(chromedp.Click(`input[name=vault][value="entvault"]`))
	c.press("Look into it")
	c.take("wizard-vault-certificate", "")
	c.press("Create in Key Vault")
	c.do(chromedp.Click(`input[name=vault][value="entvault"]`))
	c.press("Look into it")
	c.do(chromedp.SendKeys("#name", "gis-2027"), c.upload(file), chromedp.SendKeys("#password", password))
	c.take("wizard-create", "")
	c.press("Check the file")
	c.press("Go on with this certificate")
	c.do(chromedp.SetValue("#site-admin", admin), chromedp.SendKeys("#site-admin-password", adminPassword))
	c.press("Check, and make the plan")
	c.press("Renew the certificate")
	c.untilSaid("What clients got at the end")
	c.take("run-restored", "#run-told")

	// What was done.
	enter()
	c.begin(t, <-addresses)
	c.open("/history")
	c.take("history", "")
	c.open("/history/" + filepath.Base(run))
	c.take("changes", "")
	c.do(chromedp.Navigate(c.base + run + "/evidence"))
	c.take("evidence", "section:nth-of-type(4)")

	// Signing in as a person.
	c.open("/subscription")
	c.take("subscription", "")
	c.open("/sign-in")
	c.do(chromedp.Click("//summary[contains(., 'somebody else')]"))
	c.take("sign-in", "")
	c.do(chromedp.Click(`input[name=way][value="device-code"]`))
	c.press("Sign in")
	c.untilSaid("Type the code")
	c.take("sign-in-code", "")
	c.press("Cancel")

	c.provokes("status of 40") // as these two are answered
	c.open("/nowhere")
	c.take("error", "")
	c.leave(chromedp.Click(lock))
	c.take("locked", "")
}

// login is one of the logins that the page of the world names.
func (c *camera) login(name string) string {
	c.t.Helper()
	return ask(c.tab, chromedp.Text(`//dt[normalize-space()="`+name+`"]/following-sibling::dd[1]`))
}

// camera takes pictures of a tab.
type camera struct {
	*tab
	directory string
}

// begin opens the pages in a browser of its own: one has not time for all of them.
func (c *camera) begin(t *testing.T, address string) {
	c.tab = chrome(t)
	c.do(chromedp.EmulateViewport(1280, 400)) // a shorter page is as high as this
	c.colours("light")
	c.comeIn(address)
}

// colours has the browser prefer light or dark ones, and nothing that moves.
func (c *camera) colours(scheme string) {
	c.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return err
	}))
}

// take makes a picture of the page from its top down to an element, "" for all of it.
func (c *camera) take(name, until string) {
	c.t.Helper()
	height := ask(c.tab, chromedp.Evaluate[int](fmt.Sprintf(`Math.round(%q ? document.querySelector(%[1]q).getBoundingClientRect().top + scrollY : 1e6)`, until)))
	shot, err := png.Decode(bytes.NewReader(ask(c.tab, chromedp.FullScreenshot(100))))
	if err != nil {
		c.t.Fatal(err)
	}
	bounds := shot.Bounds()
	bounds.Max.Y = min(bounds.Max.Y, height)
	var data bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&data, fewColours(shot, bounds)); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.directory, name+".png"), data.Bytes(), 0o644); err != nil {
		c.t.Fatal(err)
	}
	c.t.Logf("%s.png: %d kB", name, data.Len()/1000)
}

// fewColours is a part of a picture in the 256 colours that it has most of: pages
// have few, and a picture with a palette is a third as large.
func fewColours(picture image.Image, bounds image.Rectangle) image.Image {
	counts := map[color.RGBA]int{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)]++
		}
	}
	most := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int { return counts[b] - counts[a] })
	var palette color.Palette
	for _, c := range most[:min(256, len(most))] {
		palette = append(palette, c)
	}
	few := image.NewPaletted(bounds, palette)
	draw.Draw(few, bounds, picture, bounds.Min, draw.Src)
	return few
}
