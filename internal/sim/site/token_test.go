package site

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// S1: what clients spell in several ways is understood.
func TestPathsAreMatchedInTheSpellingsOfClients(t *testing.T) {
	g := ground.New(fast, nil)
	startServer(t, g, nil)
	c := newClient(t, g, serverBase).signIn("/admin/generateToken")
	for _, path := range []string{
		"/admin/machines/GIS1.EXAMPLE.NET/sslcertificates", "/admin/machines/gis1.example.net/sslCertificates/",
		"/admin/machines/gis1/SSLCERTIFICATES", "/admin/machines/", "/rest/info/healthCheck",
	} {
		if answer := c.get(path + "?f=json"); errorCode(answer) != 0 {
			t.Errorf("%s: %v", path, answer)
		}
	}
	if answer := c.get("/admin/Machines?f=json"); errorCode(answer) != 404 {
		t.Errorf("another segment in another case: got %v, want 404", answer)
	}
}

// S2, S3, S28: without f a page; errors with HTTP 200 in the product's family.
func TestErrorsComeInTwoFamilies(t *testing.T) {
	g := ground.New(fast, nil)
	startServer(t, g, nil)
	startPortal(t, g, nil)
	server, portal := newClient(t, g, serverBase), newClient(t, g, portalBase)

	response, page := server.page("/admin")
	if response.StatusCode != 200 || !strings.Contains(page, "<html>") {
		t.Errorf("without f: got %d %s, want a page", response.StatusCode, page)
	}
	response, text := server.page("/admin?f=json")
	if got := response.Header.Get("Content-Type"); response.StatusCode != 200 || got != "application/json;charset=UTF-8" {
		t.Errorf("got status %d and type %q", response.StatusCode, got)
	}
	flat := server.decode(text)
	if flat["status"] != "error" || flat["code"] != 499.0 || !strings.Contains(flat["messages"].([]any)[0].(string), "Token not found") {
		t.Errorf("server without token: %v", flat)
	}
	_, text = portal.page("/portaladmin?f=json")
	nested, ok := portal.decode(text)["error"].(map[string]any)
	if !ok || nested["code"] != 499.0 || nested["message"] != "Token Required" {
		t.Errorf("portal without token: %s", text)
	}
}

// S4: a token is good with the referer it was made for only.
// A token lasts as long as was asked for, in the world's time.
func TestATokenExpires(t *testing.T) {
	t.Parallel()
	g := ground.New(fast, nil)
	startServer(t, g, nil)
	startPortal(t, g, nil)
	server := newClient(t, g, serverBase).signIn("/admin/generateToken")
	portal := newClient(t, g, portalBase).signIn("/sharing/rest/generateToken")
	g.Clock.Advance(59 * time.Minute)
	if answer := server.get("/admin/machines"); errorCode(answer) != 0 {
		t.Errorf("server, within the hour: %v", answer)
	}
	g.Clock.Advance(2 * time.Minute)
	if answer := server.get("/admin/machines"); errorCode(answer) != 498 {
		t.Errorf("server, after the hour: %v", answer)
	}
	if answer := portal.get("/portaladmin"); errorCode(answer) != 498 {
		t.Errorf("portal, after the hour: %v", answer)
	}
}

func TestTokenIsBoundToItsReferer(t *testing.T) {
	g := ground.New(fast, nil)
	startServer(t, g, nil)
	startPortal(t, g, nil)
	server := newClient(t, g, serverBase).signIn("/admin/generateToken")
	portal := newClient(t, g, portalBase).signIn("/sharing/rest/generateToken")
	if answer := server.get("/admin/machines"); errorCode(answer) != 0 {
		t.Fatalf("own referer: %v", answer)
	}
	server.referer, portal.referer = "https://elsewhere.example.net", "https://elsewhere.example.net"
	answer := server.get("/admin/machines")
	if errorCode(answer) != 498 || answer["messages"].([]any)[0] != "Invalid token, ClientID does not match." {
		t.Errorf("server, another referer: %v", answer)
	}
	if answer := portal.get("/portaladmin"); errorCode(answer) != 498 {
		t.Errorf("portal, another referer: %v", answer)
	}
	server.token = "garbage"
	if answer := server.get("/admin/machines"); errorCode(answer) != 498 {
		t.Errorf("no such token: %v", answer)
	}
}

// S5: body, query and both headers carry the token; Notebook's multipart form does not.
func TestTokenTravelsInAllTheWaysOfClients(t *testing.T) {
	g := ground.New(fast, nil)
	startServer(t, g, nil)
	c := newClient(t, g, serverBase).signIn("/admin/generateToken")
	if answer := c.post("/admin/machines", url.Values{"f": {"json"}}); errorCode(answer) != 0 {
		t.Errorf("body: %v", answer)
	}
	if answer := c.get("/admin/machines"); errorCode(answer) != 0 {
		t.Errorf("query: %v", answer)
	}
	for _, header := range []string{"X-Esri-Authorization", "Authorization"} {
		request, _ := http.NewRequest(http.MethodGet, serverBase+"/admin/machines?f=json", nil)
		request.Header.Set(header, "Bearer "+c.token)
		if answer := c.json(request); errorCode(answer) != 0 {
			t.Errorf("%s: %v", header, answer)
		}
	}

	start(t, g, Spec{Product: Notebook, Version: "11.3", Machines: []MachineSpec{{Name: "nb1.example.net"}}}, nil)
	notebook := newClient(t, g, "https://nb1.example.net:11443/arcgis").signIn("/admin/generateToken")
	leaf := issue(t, nil, "nb1.example.net", nil)
	fields := map[string]string{"alias": "new", "certPassword": "abc"}
	path := "/admin/machines/nb1/sslcertificates/importExistingServerCertificate"
	if answer := notebook.upload(path, "certFile", leaf.pfx(t, "abc"), fields); errorCode(answer) != 499 {
		t.Errorf("notebook, token in the multipart form: %v, want 499", answer)
	}
	request := notebook.uploadRequest(path, "certFile", leaf.pfx(t, "abc"), fields)
	request.Header.Set("X-Esri-Authorization", "Bearer "+notebook.token)
	if answer := notebook.json(request); answer["status"] != "success" {
		t.Errorf("notebook, token in the header: %v", answer)
	}
}

// S6: how tokens are given out and refused.
func TestGenerateToken(t *testing.T) {
	g := ground.New(fast, nil)
	startServer(t, g, nil)
	startPortal(t, g, nil)
	server, portal := newClient(t, g, serverBase), newClient(t, g, portalBase)
	form := func(user, password string) url.Values {
		return url.Values{"username": {user}, "password": {password}, "client": {"referer"}, "referer": {"x"}, "f": {"json"}}
	}

	answer := portal.post("/sharing/rest/generateToken", form("siteadmin", "correct horse"))
	if answer["ssl"] != true || answer["expires"].(float64) < 1.7e12 {
		t.Errorf("portal: %v, want expires in ms and ssl", answer)
	}
	for name, got := range map[string]map[string]any{
		"wrong password":           portal.post("/sharing/rest/generateToken", form("siteadmin", "wrong")),
		"another case of the user": portal.post("/sharing/rest/generateToken", form("SiteAdmin", "correct horse")),
		"no password":              portal.post("/sharing/rest/generateToken", form("siteadmin", "")),
		"credentials in the query": portal.post("/sharing/rest/generateToken?username=siteadmin&password=x", form("siteadmin", "correct horse")),
	} {
		if errorCode(got) != 400 || got["token"] != nil {
			t.Errorf("%s: %v, want error 400", name, got)
		}
	}
	if answer := server.post("/admin/generateToken", form("siteadmin", "wrong")); errorCode(answer) == 0 {
		t.Errorf("server, wrong password: %v", answer)
	}
	if response, page := server.page("/admin/generateToken?f=json"); response.StatusCode != 200 || !strings.Contains(page, "<html>") {
		t.Errorf("GET: %d %s, want a page", response.StatusCode, page)
	}
}

// A federated server takes its portal's tokens too.
func TestFederatedServerTakesPortalTokens(t *testing.T) {
	g := ground.New(fast, nil)
	portal := startPortal(t, g, nil)
	startServer(t, g, func(s *Spec) { s.Portal = portal })
	token := newClient(t, g, portalBase).signIn("/sharing/rest/generateToken").token
	server := newClient(t, g, serverBase)
	server.token = token
	if answer := server.get("/admin/machines"); errorCode(answer) != 0 {
		t.Errorf("portal's token: %v", answer)
	}
}
