package strangers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/visitor"
)

// invitation is what azure-cli tells the person to do.
var invitation = regexp.MustCompile(`open the page (https://\S+) and enter the code (\S+) to authenticate`)

// TestAzureCLISignsInAPerson is `az login --use-device-code`: the person opens
// the page, types the code and the password, consents, and azure-cli lists what
// subscriptions there are.
func TestAzureCLISignsInAPerson(t *testing.T) {
	needs(t, "az")
	if testing.Short() {
		t.Skip("az takes a second or two for each call")
	}
	t.Parallel()
	w := startWorld(t)
	withoutTelemetry(t, w)
	login := w.start(t, "az", "login", "--use-device-code", "--output", "json")
	login.waitFor(t, "to authenticate")
	asked := invitation.FindSubmatch(login.stderr.bytes())
	if asked == nil {
		t.Fatalf("az says no page and no code:\n%s", login.stderr.bytes())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := w.person(t).EnterCode(ctx, string(asked[1]), string(asked[2])); err != nil {
		t.Fatal(err)
	}
	type account struct {
		ID, TenantID string
		User         struct{ Name, Type string }
	}
	accounts := reads[[]account](t, login.wait(t).ends(t, 0))
	found := false
	for _, a := range accounts {
		found = found || a.ID == w.Subscription.ID
		if a.User.Name != w.env["CARTOUCHE_WORLD_USER"] || a.User.Type != "user" {
			t.Errorf("az login: %s is the account of %s (%s), want %s", a.ID, a.User.Name, a.User.Type, w.env["CARTOUCHE_WORLD_USER"])
		}
	}
	if !found {
		t.Errorf("az login: subscription %s is not among %+v", w.Subscription.ID, accounts)
	}
	groups := w.az(t, "group", "list", "--query", "[].name")
	if len(groups) == 0 {
		t.Error("az group list: no group may be read with the person's token")
	}
}

// person is the one who sits at the browser.
func (w *world) person(t *testing.T) visitor.Browser {
	t.Helper()
	proxy, err := url.Parse(w.env["HTTPS_PROXY"])
	if err != nil {
		t.Fatal(err)
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(readFile(t, w.env["SSL_CERT_FILE"]))
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: authorities}}
	t.Cleanup(transport.CloseIdleConnections)
	return visitor.Browser{Client: &http.Client{Transport: transport}, User: w.env["CARTOUCHE_WORLD_USER"], Password: w.env["CARTOUCHE_WORLD_PASSWORD"]}
}
