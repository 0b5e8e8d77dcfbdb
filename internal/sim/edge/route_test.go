package edge

import (
	"net/http"
	"strings"
	"testing"
)

func TestPathsLeadToTheirPools(t *testing.T) {
	w := newWorld(t)
	w.apply(w.old)
	for path, want := range map[string]string{
		"/portal/sharing/rest?f=json": "portal1.example.net /arcgis/sharing/rest?f=json host=portal1.example.net",
		"/portal":                     "portal1.example.net /arcgis/ host=portal1",
		"/PORTAL/home/":               "portal1.example.net /arcgis/home/ host=portal1",
		"/server/rest/services":       "/arcgis/rest/services host=gis",
		"/portal/a%20b":               "portal1.example.net /arcgis/a%20b host=",
		"/elsewhere":                  "/arcgis/elsewhere host=gis",
	} {
		response, text := w.get("https://gis.example.com" + path)
		if response.StatusCode != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s, want %q", path, response.StatusCode, text, want)
		}
	}
	if _, text := w.get("https://gis.example.com/server/x"); !strings.Contains(text, "forwarded=gis.example.com original=gis.example.com") {
		t.Errorf("headers: %s", text)
	}
}

func TestRequestsAlternateBetweenServers(t *testing.T) {
	w := newWorld(t)
	w.apply(w.old)
	seen := map[string]int{}
	for range 6 {
		_, text := w.get("https://gis.example.com/server/x")
		seen[text[:4]]++
	}
	if seen["gis1"] != 3 || seen["gis2"] != 3 {
		t.Errorf("answers: %v", seen)
	}
}

func TestBodiesPass(t *testing.T) {
	w := newWorld(t)
	w.apply(w.old)
	response, err := w.client().Post("https://gis.example.com/portal/x", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text := make([]byte, 200)
	n, _ := response.Body.Read(text)
	if !strings.Contains(string(text[:n]), "body=hello") {
		t.Errorf("got %s", text[:n])
	}
}

func TestHTTPIsRedirectedForGood(t *testing.T) {
	w := newWorld(t)
	w.apply(w.old)
	response, _ := w.get("http://gis.example.com/portal/home?x=1")
	if got := response.Header.Get("Location"); response.StatusCode != 301 || got != "https://gis.example.com/portal/home?x=1" {
		t.Errorf("got %d to %q", response.StatusCode, got)
	}
}

func TestLocationIsRewritten(t *testing.T) {
	w := newWorld(t)
	w.apply(w.old)
	response, _ := w.get("https://gis.example.com/server/moved")
	if got := response.Header.Get("Location"); got != "https://gis.example.com/server/rest/services" {
		t.Errorf("got %q", got)
	}
}

func TestHostThatNoListenerTakes(t *testing.T) {
	w := newWorld(t)
	w.apply(w.old)
	if response, _ := w.get("https://" + publicAddress + "/portal/x"); response.StatusCode != 404 {
		t.Errorf("got %d", response.StatusCode)
	}
}

// The column "v2" of the table in learn.microsoft.com/azure/application-gateway/ssl-overview.
func TestCertificateByName(t *testing.T) {
	multi := &listener{name: "multi", hosts: []string{"gis.example.com"}}
	wild := &listener{name: "wild", hosts: []string{"*.example.org"}}
	basic := &listener{name: "basic"}
	for _, test := range []struct {
		listeners  []*listener
		serverName string
		want       *listener
	}{
		{[]*listener{multi, wild}, "gis.example.com", multi},
		{[]*listener{multi, wild}, "GIS.example.com", multi},
		{[]*listener{multi, wild}, "a.example.org", wild},
		{[]*listener{wild, multi}, "other.example.com", wild},
		{[]*listener{multi, wild}, "", multi},
		{[]*listener{multi, basic}, "", basic},
		{[]*listener{multi, basic}, "other.example.com", basic},
		{nil, "gis.example.com", nil},
	} {
		if got := forTLS(test.listeners, test.serverName); got != test.want {
			t.Errorf("%q among %d: got %v, want %v", test.serverName, len(test.listeners), got, test.want)
		}
	}
}

func TestPathOverride(t *testing.T) {
	for _, test := range []struct {
		override, path string
		prefix         int
		want           string
	}{
		// The examples of learn.microsoft.com/azure/application-gateway/configuration-http-settings
		{"/override/", "/home/", 0, "/override/home/"},
		{"/override/", "/home/secondhome/", 0, "/override/home/secondhome/"},
		{"/override/", "/pathrule/home/", len("/pathrule/"), "/override/home/"},
		{"/override/", "/pathrule/", len("/pathrule/"), "/override/"},
		{"", "/pathrule/home/", len("/pathrule/"), "/pathrule/home/"},
		{"/arcgis/", "/portal", len("/portal"), "/arcgis/"},
	} {
		if got := overridden(test.override, test.path, test.prefix); got != test.want {
			t.Errorf("%q over %q: got %q, want %q", test.override, test.path, got, test.want)
		}
	}
}

func TestPrivateFrontendIsReachedFromInsideOnly(t *testing.T) {
	w := newWorld(t)
	frontend := w.entry("frontendIPConfigurations", "public")
	delete(frontend, "publicIPAddress")
	frontend["privateIPAddress"] = publicAddress
	w.apply(w.old)
	if _, err := w.chain("gis.example.com"); err == nil {
		t.Error("reached from outside")
	}
	conn, err := w.ground.Inside.DialContext(t.Context(), "tcp", "gis.example.com:443")
	if err != nil {
		t.Fatalf("from inside: %v", err)
	}
	_ = conn.Close()
}

func TestBadDocumentChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.apply(w.old)
	w.entry("httpListeners", "HttpsListner")["sslCertificate"] = map[string]any{"id": "/x/sslCertificates/nothing"}
	err := w.gateway.Apply(t.Context(), w.tree, nil, map[string]string{"public": publicAddress})
	if err == nil || !strings.Contains(err.Error(), "HttpsListner") {
		t.Errorf("got %v, want an error that names the listener", err)
	}
	if seen := w.leaves(2); seen[leafOf(w.old)] != 2 {
		t.Error("the old leaf is gone")
	}
}
