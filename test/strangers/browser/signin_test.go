// Package browser drives a real Chromium through the sign-in of a simulated
// world, JavaScript and all. The tests of the simulator have a person without
// JavaScript for that; only a browser shows that the pages' security policy
// lets their own script and style through, that cookies hold, that the way
// back to a program on a loopback port is open, and that Enter presses the
// right button. It is a module of its own, so that the product links none of it.
package browser

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
	"github.com/chromedp/chromedp"

	"github.com/cartouche-gis/cartouche/internal/sim"
)

const (
	azureCLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
	armScope = "https://management.core.windows.net//.default"
	enter    = "\r"
)

// chromium is where the browser is; without one the test is skipped by name,
// or fails where all strangers are required.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CARTOUCHE_STRANGERS") == "required" {
		t.Fatal("there is no chromium")
	}
	t.Skip("there is no chromium")
	return ""
}

func variable(w *sim.World, name string) string {
	for _, v := range w.Environment() {
		if v.Name == name {
			return v.Value
		}
	}
	return ""
}

// open starts the browser behind the world's proxy.
func open(t *testing.T, w *sim.World, path string) context.Context {
	t.Helper()
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.ProxyServer(variable(w, "HTTPS_PROXY")),
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("ignore-certificate-errors-spki-list", strings.Join(served(t, w), ",")))
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

// served are the public keys that the hosts of the sign-in serve, as Chromium
// wants them: it has no option for an authority of one's own.
func served(t *testing.T, w *sim.World) []string {
	t.Helper()
	var keys []string
	for _, host := range []string{"login.microsoftonline.com", "microsoft.com"} {
		answer, err := client(t, w).Get("https://" + host + "/")
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		for _, certificate := range answer.TLS.PeerCertificates {
			sum := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
			keys = append(keys, base64.StdEncoding.EncodeToString(sum[:]))
		}
	}
	return keys
}

// client is behind the world's proxy, too, and trusts the world's authorities.
func client(t *testing.T, w *sim.World) *http.Client {
	t.Helper()
	proxy, err := url.Parse(variable(w, "HTTPS_PROXY"))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: w.Authority().Roots()}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func program(t *testing.T, w *sim.World) public.Client {
	t.Helper()
	app, err := public.New(azureCLI, public.WithAuthority("https://login.microsoftonline.com/organizations"), public.WithHTTPClient(client(t, w)))
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func TestAPersonSignsInWithARealBrowser(t *testing.T) {
	path := chromium(t)
	w, err := sim.Start(t.Context(), sim.Options{World: "single", Scale: 60})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx, app, person := open(t, w, path), program(t, w), w.People()[0]

	// A wrong password first: the page says so and asks again.
	var alert string
	got, err := app.AcquireTokenInteractive(ctx, []string{armScope}, public.WithOpenURL(func(address string) error {
		if err := chromedp.Do(ctx, chromedp.Navigate(address), chromedp.WaitVisible("#passwd"),
			chromedp.SendKeys("#login", person.User), chromedp.SendKeys("#passwd", "wrong"+enter), chromedp.WaitVisible("[role=alert]")); err != nil {
			return err
		}
		if alert, err = chromedp.Run(ctx, chromedp.Text("[role=alert]")); err != nil {
			return err
		}
		return chromedp.Do(ctx, chromedp.SendKeys("#passwd", person.Password+enter), chromedp.WaitVisible("[name=accept]"), chromedp.Click("[name=accept]"))
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got.Account.PreferredUsername != person.User || !strings.Contains(alert, "AADSTS50126") {
		t.Errorf("signed in as %q after %q", got.Account.PreferredUsername, alert)
	}

	// The device code: the same browser, another page.
	code, err := app.AcquireTokenByDeviceCode(ctx, []string{armScope})
	if err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(code.Result.VerificationURL), chromedp.WaitVisible("#otc"), chromedp.SendKeys("#otc", code.Result.UserCode+enter),
		chromedp.WaitVisible("#passwd"), chromedp.SendKeys("#login", person.User), chromedp.SendKeys("#passwd", person.Password+enter),
		chromedp.WaitVisible("[name=accept]"), chromedp.Click("[name=accept]")); err != nil {
		t.Fatal(err)
	}
	if got, err := code.AuthenticationResult(ctx); err != nil || got.Account.PreferredUsername != person.User {
		t.Errorf("by device code: %v, %v", got.Account.PreferredUsername, err)
	}
}
