package web

import (
	"crypto/tls"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/visitor"
)

// person is somebody of the world, at Microsoft's page.
func (st *renewalStage) person(t *testing.T) visitor.Browser {
	t.Helper()
	door, err := url.Parse(st.variables["HTTPS_PROXY"])
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(door), TLSClientConfig: &tls.Config{RootCAs: st.world.Authority().Roots()}}
	return visitor.Browser{User: st.variables["CARTOUCHE_WORLD_USER"], Password: st.variables["CARTOUCHE_WORLD_PASSWORD"], Client: &http.Client{Transport: transport}}
}

// nobodyIn is a stage in which the environment signs nobody in.
func nobodyIn(t *testing.T, world string) *renewalStage {
	t.Helper()
	return newRenewalStage(t, world, "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID")
}

// begin posts the sign-in form, and gives the page that shows where to sign in.
func (st *renewalStage) begin(t *testing.T, path, way string) (body string) {
	t.Helper()
	_, body = st.post(t, path, url.Values{"cloud": {"public"}, "way": {way}})
	for end := time.Now().Add(20 * time.Second); !strings.Contains(body, `target="_blank"`); {
		if time.Now().After(end) {
			t.Fatalf("nothing is asked:\n%s", plain(body))
		}
		time.Sleep(20 * time.Millisecond) // as a browser without JavaScript does
		_, body = st.get(t, watched(t, body))
	}
	return body
}

var events = regexp.MustCompile(`data-live="[^"]*/sign-in/([A-Z2-7]+)/events`)

// watched is the page that is refreshed until somebody has signed in.
func watched(t *testing.T, body string) string {
	t.Helper()
	found := events.FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("this is no page that waits for a sign-in:\n%s", plain(body))
	}
	return "/sign-in/" + found[1]
}

func TestAPersonSignsIn(t *testing.T) {
	t.Parallel()
	st := nobodyIn(t, "twin")
	_, body := st.send(t, "/renew", nil, nil)
	st.wantPage(t, body, "/sign-in", "Sign in to Azure", "Set AZURE_CLIENT_ID")

	// Nothing but Microsoft's address is shown, as a link to a tab of its own.
	body = st.begin(t, "/sign-in?then=/history", "browser")
	link := regexp.MustCompile(`href="(https://login\.microsoftonline\.com/[^"]+)" target="_blank" rel="noopener noreferrer"`).FindStringSubmatch(body)
	if link == nil {
		t.Fatalf("there is no link to Microsoft's page:\n%s", body)
	}
	if err := st.person(t).Open(t.Context(), html.UnescapeString(link[1])); err != nil {
		t.Fatal(err)
	}
	_, body = st.open(t, watched(t, body))
	st.wantPage(t, body, "/tenant", "Contoso", "Fabrikam")
	tenant := regexp.MustCompile(`name="tenant" value="([^"]+)" checked`).FindStringSubmatch(body)
	if tenant == nil {
		t.Fatalf("the person's own tenant is not preset:\n%s", body)
	}
	_, body = st.send(t, "/tenant", map[string]string{"tenant": tenant[1], "then": "/history"}, nil)
	st.wantPage(t, body, "/subscription", "Contoso GIS Test")
	id := regexp.MustCompile(`name="subscription" value="([^"]+)"><span><b>Contoso GIS Test`).FindStringSubmatch(body)
	if id == nil {
		t.Fatalf("the subscription is not offered:\n%s", body)
	}
	_, _ = st.send(t, "/subscription", map[string]string{"subscription": id[1], "then": "/history"}, nil)
	if st.at.Path != "/history" {
		t.Errorf("after signing in the page is %s", st.at)
	}
	_, body = st.send(t, "/renew", nil, nil)
	st.wantPage(t, body, "/deployment", "test")
	_, body = st.open(t, "/sign-in")
	st.wantPage(t, body, "/sign-in", "You are signed in", st.variables["CARTOUCHE_WORLD_USER"], "Contoso GIS Test", "Sign out")
	_, body = st.send(t, "/sign-out", nil, nil)
	st.wantPage(t, body, "/sign-in", "Sign in to Azure")
}

func TestASubscriptionOfTheEnvironmentIsCalledByItsName(t *testing.T) {
	t.Parallel()
	st := newRenewalStage(t, "single")
	_, body := st.open(t, "/sign-in")
	st.wantPage(t, body, "/sign-in", "You are signed in", "Contoso GIS")
	if id := st.variables["AZURE_SUBSCRIPTION_ID"]; id == "" || strings.Contains(body, id) {
		t.Errorf("the subscription is called %q", id)
	}
}

func TestSigningInByACode(t *testing.T) {
	t.Parallel()
	st := nobodyIn(t, "single")
	body := st.begin(t, "/sign-in", "device-code")
	address := regexp.MustCompile(`href="(https://[^"]+)" target="_blank"`).FindStringSubmatch(body)
	code := regexp.MustCompile(`class="code-big">([^<]+)<`).FindStringSubmatch(body)
	if address == nil || code == nil || !strings.Contains(body, "The code is good until") {
		t.Fatalf("the code is not shown:\n%s", plain(body))
	}
	if err := st.person(t).EnterCode(t.Context(), html.UnescapeString(address[1]), code[1]); err != nil {
		t.Fatal(err)
	}
	_, _ = st.open(t, watched(t, body))
	_, body = st.open(t, "/sign-in")
	st.wantPage(t, body, "/sign-in", "You are signed in")
}

// The environment may name an application and its secret, which no person has.
func TestAPersonSignsInInsteadOfTheEnvironmentsApplication(t *testing.T) {
	t.Parallel()
	st := newRenewalStage(t, "single")
	body := st.begin(t, "/sign-in", "device-code")
	address := regexp.MustCompile(`href="(https://[^"]+)" target="_blank"`).FindStringSubmatch(body)
	code := regexp.MustCompile(`class="code-big">([^<]+)<`).FindStringSubmatch(body)
	if address == nil || code == nil {
		t.Fatalf("the code is not shown:\n%s", plain(body))
	}
	if err := st.person(t).EnterCode(t.Context(), html.UnescapeString(address[1]), code[1]); err != nil {
		t.Fatal(err)
	}
	_, _ = st.open(t, watched(t, body))
	_, body = st.open(t, "/sign-in")
	st.wantPage(t, body, "/sign-in", "You are signed in", st.variables["CARTOUCHE_WORLD_USER"])
}

// A machine may have several identities, and then Azure asks which one.
func TestOneOfSeveralManagedIdentitiesSignsIn(t *testing.T) {
	t.Parallel()
	st := nobodyIn(t, "twin")
	runners := st.world.Runners()
	other := runners[1]
	other.ClientID, other.ResourceID = "00000000-0000-0000-0000-000000000001", other.ResourceID+"-of-others"
	st.world.SetIdentities(runners[1], other) // none of them is the machine's own
	typed := map[string]string{"cloud": "public", "way": "managed-identity", "tenant": "", "managed-identity-client-id": ""}
	_, body := st.send(t, "/sign-in", typed, nil)
	st.wantPage(t, body, "", "Signing in did not work", "with several of them, type the client id of one")
	typed["managed-identity-client-id"] = "00000000-0000-0000-0000-000000000002"
	_, body = st.send(t, "/sign-in", typed, nil)
	st.wantPage(t, body, "", "Identity not found", `value="managed-identity" checked`, `value="00000000-0000-0000-0000-000000000002"`)
	typed["managed-identity-client-id"] = " " + runners[1].ClientID + " "
	_, body = st.send(t, "/sign-in", typed, nil)
	st.wantPage(t, body, "/subscription")
	_, _ = st.send(t, "/subscription", nil, nil)
	_, body = st.open(t, "/sign-in")
	st.wantPage(t, body, "/sign-in", "You are signed in", runners[1].ClientID, "managed identity "+runners[1].ClientID[:8])
}

func TestASignInIsCancelled(t *testing.T) {
	t.Parallel()
	st := nobodyIn(t, "single")
	body := st.begin(t, "/sign-in", "device-code")
	_, body = st.post(t, watched(t, body)+"/cancel", nil)
	if !strings.Contains(body, "The sign-in was cancelled") || !strings.Contains(body, "Sign in to Azure") {
		t.Errorf("after cancelling:\n%s", plain(body))
	}
}

func TestNobodyIsLedAway(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/history": "/history", "/renew/A?x=1": "/renew/A?x=1", "": "/", "//evil.example": "/", "https://evil.example": "/",
		`/\evil.example`: "/", "/a\r\nb": "/", "history": "/",
	} {
		if got := ownPath(path); got != want {
			t.Errorf("then=%q leads to %q, want %q", path, got, want)
		}
	}
}
