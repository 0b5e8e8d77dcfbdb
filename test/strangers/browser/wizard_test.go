package browser

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/witness"
)

// start starts a world whose time goes fast, with a witness of what clients get.
func start(t *testing.T, options sim.Options) *sim.World {
	t.Helper()
	if options.Scale == 0 {
		options.Scale = 300
	}
	options.Current.Key, options.Machines.Key = "p256", "p256"
	world, err := sim.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	next, _, _ := world.NewCertificate()
	watched := world.Watch(witness.Allow{Leaves: []string{leafOf(next.Leaf.Raw)}})
	t.Cleanup(func() {
		for _, violation := range watched.Violations() {
			t.Errorf("the witness saw: %s", violation)
		}
		_ = world.Close()
	})
	return world
}

func leafOf(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// served is what the world's first deployment serves: a handshake of our own,
// through the world's proxy.
func servedBy(t *testing.T, world *sim.World) (leaf string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+world.Deployments()[0].Domain+"/portal/home/", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client(t, world).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return leafOf(answer.TLS.PeerCertificates[0].Raw)
}

// giveLogins fills in the site administrator's login.
func (c *tab) giveLogins(name, password string) {
	c.t.Helper()
	c.at("/renew/*/credentials")
	c.do(chromedp.SetValue("#site-admin", name), chromedp.SendKeys("#site-admin-password", password))
	c.press("Check, and make the plan")
	c.at("/renew/*/review")
}

// reviewed goes from the page that asks for the certificate to the review of its renewal.
func (c *tab) reviewed(world *sim.World, file, password string) {
	c.t.Helper()
	variables := environment(world)
	c.do(c.upload(file), chromedp.SendKeys("#password", password))
	c.press("Check the file")
	c.press("Go on with this certificate")
	c.giveLogins(variables["CARTOUCHE_SITE_ADMIN"], variables["CARTOUCHE_SITE_ADMIN_PASSWORD"])
}

// drop drops a file onto its field, as somebody does who drags it there.
func (c *tab) drop(file string) {
	c.t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		c.t.Fatal(err)
	}
	ask(c, chromedp.Evaluate[bool](fmt.Sprintf(`(() => {
		const dragged = new DataTransfer(), bytes = Uint8Array.from(atob(%q), (c) => c.charCodeAt(0));
		dragged.items.add(new File([bytes], %q));
		return document.querySelector(".drop").dispatchEvent(new DragEvent("drop", {dataTransfer: dragged, bubbles: true, cancelable: true}));
	})()`, base64.StdEncoding.EncodeToString(data), filepath.Base(file))))
}

// verified waits for the end of a run, which must be that it is proved.
func (c *tab) verified() {
	c.t.Helper()
	c.at("/runs/*")
	c.untilSaid("Every endpoint serves the new certificate, and that was proved.")
}

func TestTheWizardFromAFileToVerified(t *testing.T) {
	t.Parallel()
	world := start(t, sim.Options{World: "ha"})
	next, _, _ := world.NewCertificate()
	variables := environment(world)
	file, password := newFile(t, world)
	before := servedBy(t, world)
	c := chrome(t)
	c.comeIn(pagesOf(t, world))
	c.wants("3 deployments", world.Deployments()[0].Domain)
	c.press("Renew")
	c.at("/renew/*/certificate")
	certificate := c.path()

	// A wrong password is an error at its field, and the file stays.
	c.drop(file)
	c.wants("Chosen: new.pfx")
	c.do(chromedp.SendKeys("#password", "wrong"))
	c.press("Check the file")
	c.wants("does not open new.pfx", "Another file instead of new.pfx")
	if invalid := ask(c, chromedp.Evaluate[string](`document.querySelector("#password").getAttribute("aria-invalid") + document.querySelector("#password").value`)); invalid != "true" {
		t.Errorf("the password's field is %q", invalid)
	}
	c.do(chromedp.SendKeys("#password", password))
	c.press("Check the file")
	c.wants("new.pfx can be used", "Served now")
	c.leave(chromedp.Reload()) // asks nothing, and sends nothing again
	c.at("/renew/*/certificate")
	c.wants("new.pfx can be used")
	c.press("Go on with this certificate")
	c.giveLogins(variables["CARTOUCHE_SITE_ADMIN"], variables["CARTOUCHE_SITE_ADMIN_PASSWORD"])
	c.wants("Restarts", "none", "No machine restarts.")

	// Back and forward keep what was typed, except secrets.
	ask(c, chromedp.Evaluate[bool]("history.back() || true"))
	c.until("the page before", `location.pathname.endsWith("/credentials") && document.readyState === "complete"`)
	if typed := ask(c, chromedp.Evaluate[string](`document.querySelector("#site-admin").value + "/" + document.querySelector("#site-admin-password").value`)); typed != variables["CARTOUCHE_SITE_ADMIN"]+"/" {
		t.Errorf("the fields hold %q", typed)
	}
	c.open(certificate)
	c.wants("new.pfx can be used")
	c.open(strings.Replace(certificate, "/certificate", "/review", 1))
	if now := servedBy(t, world); now != before {
		t.Fatal("something was changed before anybody said go")
	}
	c.press("Renew the certificate")
	c.verified()
	c.wants("verified", "0\nfailed")
	if now := servedBy(t, world); now != leafOf(next.Leaf.Raw) || now == before {
		t.Errorf("the gateway serves %s, want %s", now, leafOf(next.Leaf.Raw))
	}
	c.press("Look at the deployment")
	c.at("/deployments/*")
	c.open("/history")
	c.wants("verified")
}

func TestTheWizardCreatesInKeyVault(t *testing.T) {
	t.Parallel()
	world := start(t, sim.Options{World: "ha"})
	next, _, _ := world.NewCertificate()
	variables := environment(world)
	file, password := newFile(t, world)
	c := chrome(t)
	c.comeIn(pagesOf(t, world))
	c.press("Renew")
	c.press("From Key Vault")
	c.wants("entvault")
	c.press("Create in Key Vault")
	c.do(chromedp.Click(`input[name=vault][value="entvault"]`))
	c.press("Look into it")
	c.do(chromedp.SendKeys("#name", "gis-2027"), c.upload(file), chromedp.SendKeys("#password", password))
	c.press("Check the file")
	c.wants("new.pfx can be used")
	c.press("Go on with this certificate")
	c.giveLogins(variables["CARTOUCHE_SITE_ADMIN"], variables["CARTOUCHE_SITE_ADMIN_PASSWORD"])
	c.wants("Import the certificate into Key Vault", "gis-2027")
	c.press("Renew the certificate")
	c.verified()
	if now := servedBy(t, world); now != leafOf(next.Leaf.Raw) {
		t.Errorf("the gateway serves %s, want the new certificate", now)
	}
	// The vault has it from now on.
	c.press("Look at the deployment")
	c.press("Renew")
	c.press("From Key Vault")
	c.do(chromedp.Click(`input[name=vault][value="entvault"]`))
	c.press("Look into it")
	c.wants("gis-2027")
}

// Whatever is sent as a file is refused, or shown as the text that it is.
func TestFilesThatAreNone(t *testing.T) {
	t.Parallel()
	world := start(t, sim.Options{World: "single"})
	hostile, err := world.Authority().Issue(authority.Spec{Names: []string{world.Deployments()[0].Domain, `<script>alert(1)</script>.example.com`, `"><img src=x onerror=alert(1)>.example.com`}})
	if err != nil {
		t.Fatal(err)
	}
	pfx, err := hostile.PFX("x")
	if err != nil {
		t.Fatal(err)
	}
	c := chrome(t)
	c.provokes("status of 413") // how a browser tells of a page that says that something is too large
	c.comeIn(pagesOf(t, world))
	c.press("Renew")
	certificate := c.path()
	for _, test := range []struct {
		name string
		data []byte
		says string
	}{
		{"garbage.pfx", []byte("this is no certificate\x00\xff"), "garbage.pfx: "},
		{`<img src=x onerror=alert(1)>.pfx`, []byte("x"), `<img src=x onerror=alert(1)>.pfx: `},
		{"large.pfx", make([]byte, 20<<20), "too large"},
		{"names.pfx", pfx, "<script>alert(1)</script>.example.com"},
	} {
		path := t.TempDir() + "/" + test.name
		if err := os.WriteFile(path, test.data, 0o600); err != nil {
			t.Fatal(err)
		}
		c.do(c.upload(path), chromedp.SendKeys("#password", "x"))
		c.press("Check the file")
		c.wants(test.says)
		c.harmless()
		c.open(certificate)
	}
}
