package browser

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/cartouche-gis/cartouche/internal/sim"
)

// A renewal is rehearsed, well and with something going wrong; clients get the old
// certificate all the time, and then it is carried out.
func TestARehearsalBeforeTheRenewal(t *testing.T) {
	t.Parallel()
	world := start(t, sim.Options{World: "ha"})
	next, _, _ := world.NewCertificate()
	file, password := newFile(t, world)
	before := servedBy(t, world)
	c := chrome(t)
	c.comeIn(pagesOf(t, world))
	c.press("Renew")
	c.reviewed(world, file, password)

	c.press("Rehearse it first")
	c.at("/rehearsals/*")
	c.wants("It went well", "no visitor would notice", "Not rehearsed")
	c.alsoExamined("rehearsal")
	c.press("Rehearse again")
	c.do(chromedp.SetValue("#fault", "wrong-leaf@edge"))
	c.press("Rehearse")
	c.at("/rehearsals/*")
	c.wants("It failed, and went back", "You let something go wrong")
	if now := servedBy(t, world); now != before {
		t.Fatal("a rehearsal has changed what clients get")
	}
	c.press("Back to the review")
	c.at("/renew/*/review")
	c.wants("Rehearsed at")
	c.press("Renew the certificate")
	c.verified()
	if now := servedBy(t, world); now != leafOf(next.Leaf.Raw) {
		t.Errorf("the gateway serves %s, want the new certificate", now)
	}
}
