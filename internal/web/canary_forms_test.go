package web

import (
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// throughVaultAndDSC puts files into a vault, by the pages and the API, and renews by
// the machines' own DSC, which takes passwords that nothing else takes.
func (c *canary) throughVaultAndDSC(t *testing.T) {
	t.Helper()
	serverPFX, portalPFX := c.variables["CARTOUCHE_SERVER_PFX_PASSWORD"], c.variables["CARTOUCHE_PORTAL_PFX_PASSWORD"]
	logins := map[string]string{
		"site-admin": c.variables["CARTOUCHE_SITE_ADMIN"], "site-admin-password": c.secrets["the site administrator's password"],
		"service-account": c.variables["CARTOUCHE_SERVICE_ACCOUNT"], "service-account-password": c.variables["CARTOUCHE_SERVICE_ACCOUNT_PASSWORD"],
	}
	for name := range c.variables {
		if strings.HasPrefix(name, "CARTOUCHE_S") && name != "CARTOUCHE_STATE_DIR" || strings.HasPrefix(name, "CARTOUCHE_PORTAL") {
			delete(c.variables, name) // all of it is typed
		}
	}
	if serverPFX == "" || portalPFX == "" || logins["service-account-password"] == "" {
		t.Fatal("the world does not say with which passwords it was set up")
	}
	c.secrets["the password of the servers' .pfx"], c.secrets["the password of Portal's .pfx"] = serverPFX, portalPFX
	c.secrets["the service account's password"] = logins["service-account-password"]
	c.putIntoVault(t)

	right, none := c.secrets["the file's password"], map[string][]byte{}
	at := apiPath + "/deployments/" + c.world.Deployments()[0].Domain
	planning := maps.Clone(logins)
	planning["reach"], planning["password"] = "dsc", right
	planning["server-pfx-password"], planning["portal-pfx-password"] = portalPFX, serverPFX
	c.give(t, at+"/plan", planning, map[string][]byte{"pfx": c.file})
	c.give(t, at+"/apply", planning, map[string][]byte{"pfx": c.file, "plan": c.file})
	c.give(t, at+"/rehearse", planning, map[string][]byte{"pfx": c.file})

	base := c.toCertificate(t)
	c.places["renew"] = strings.TrimPrefix(base, "/renew/")
	c.give(t, base+"/certificate", map[string]string{"from": "create", "vault": "entvault", "name": "canary-three", "password": c.secrets["a wrong password of the file"]}, map[string][]byte{"pfx": c.file})
	c.give(t, base+"/certificate", map[string]string{"from": "create", "vault": "entvault", "name": "canary-three", "password": right}, map[string][]byte{"pfx": c.file})
	c.give(t, base+"/choices", map[string]string{"from": "file", "reach": "dsc"}, none)
	body := c.give(t, base+"/certificate", map[string]string{"from": "file", "password": right}, map[string][]byte{"pfx": c.file})
	c.wantPage(t, body, "/certificate", "can be used")
	c.give(t, base+"/certificate/use", nil, nil)
	wrong := maps.Clone(logins)
	wrong["server-pfx-password"], wrong["portal-pfx-password"] = c.secrets["a wrong password of the file"], ""
	c.give(t, base+"/credentials", wrong, nil)
	logins["server-pfx-password"], logins["portal-pfx-password"] = serverPFX, portalPFX
	body = c.give(t, base+"/credentials", logins, nil)
	c.wantPage(t, body, "/review", "DSC works as it")
	c.give(t, base+"/go", map[string]string{"plan": answerOf.FindStringSubmatch(body)[1]}, nil)
	c.ranWell(t, 1)
}

// putIntoVault puts the file there and nothing else.
func (c *canary) putIntoVault(t *testing.T) {
	t.Helper()
	right, wrong, misplaced := c.secrets["the file's password"], c.secrets["a wrong password of the file"], c.secrets["a password in the wrong place"]
	c.give(t, "/upload", nil, nil)
	base := strings.TrimSuffix(c.at.Path, "/certificate")
	c.places["upload"] = strings.TrimPrefix(base, "/upload/")
	c.open(t, base+"/certificate?vault=entvault")
	for _, given := range []struct {
		values map[string]string
		files  map[string][]byte
	}{
		{map[string]string{"password": wrong}, map[string][]byte{"pfx": c.file}},
		{map[string]string{"password": right, "for": "elsewhere.example.org"}, nil},
		{map[string]string{"password": right, "name": "canary/one"}, nil},
		{map[string]string{"password": right}, map[string][]byte{"pfx": c.inPEM}},
		{map[string]string{"password": right}, map[string][]byte{"pfx": c.file, "roots": c.inPEM}},
		{map[string]string{"password": right, "vault": "no-such-vault"}, map[string][]byte{"pfx": c.file}},
	} {
		values, files := map[string]string{"vault": "entvault", "name": "canary-one"}, map[string][]byte{}
		maps.Copy(values, given.values)
		maps.Copy(files, given.files)
		c.give(t, base+"/certificate", values, files)
	}
	body := c.give(t, base+"/certificate", map[string]string{"vault": "entvault", "name": "canary-one", "password": right}, map[string][]byte{"pfx": c.file})
	c.wantPage(t, body, "/review", "Put it there")
	answer := regexp.MustCompile(`name="answer" value="([^"]+)"`).FindStringSubmatch(body)[1]
	c.give(t, base+"/review", map[string]string{"answer": misplaced}, nil)
	body = c.give(t, base+"/review", map[string]string{"answer": answer}, nil)
	if !strings.HasPrefix(c.at.Path, "/uploaded/") {
		t.Fatalf("afterwards it is %s:\n%s", c.at, plain(body))
	}
	status, body := c.send(t, apiPath+"/vaults/entvault/certificates/canary-two", map[string]string{"password": right}, map[string][]byte{"pfx": c.file})
	if status != 200 {
		t.Errorf("by the API: %d %s", status, body)
	}
}

// ranWell waits for a run, and tells the other pages of it.
func (c *canary) ranWell(t *testing.T, runs int) {
	t.Helper()
	if err := c.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := c.options.App.Runs(t.Context())
	if err != nil || len(list) != runs || list[0].Outcome != string(rotation.Verified) {
		t.Fatalf("runs %+v (%v)", list, err)
	}
	id := list[0].ID
	c.places["runs"], c.places["history"] = id, id
	for _, page := range []string{"/runs/" + id, "/runs/" + id + "/events", "/history/" + id, "/runs/" + id + "/undo", apiPath + "/history/" + id, apiPath + "/runs/" + id + "/events"} {
		c.open(t, page)
	}
	for _, r := range []string{"/history/" + id + "/evidence"} {
		c.give(t, r, nil, nil)
	}
	c.open(t, apiPath+"/evidence/"+id)
}

// replaceMachines gives the machines other certificates, by the pages and the API, and
// meets the claim of another computer; at last it signs in and out.
func (c *canary) replaceMachines(t *testing.T) {
	t.Helper()
	right, wrong, misplaced := c.secrets["the file's password"], c.secrets["a wrong password of the file"], c.secrets["a password in the wrong place"]
	authority := testAuthority(t, right)
	c.secrets["the file of an authority"] = string(authority[200:240])
	_, body := c.open(t, "/")
	_, id, _ := strings.Cut(body, `href="/deployments/`)
	id, _, _ = strings.Cut(id, `"`)
	c.places["deployments"] = id
	page := "/deployments/" + id
	admin := map[string]string{"site-admin": "siteadmin", "site-admin-password": c.secrets["the site administrator's password"], "reach": "direct"}
	notIt := map[string]string{"site-admin": "siteadmin", "site-admin-password": c.secrets["a wrong one"], "service-account": "arcgis", "service-account-password": c.secrets["the service account's password"]}

	machines := page + "/machines"
	for _, given := range []struct {
		values map[string]string
		files  map[string][]byte
	}{
		{map[string]string{"source": "pfx", "pfx-password": wrong}, map[string][]byte{"pfx-portal": c.file}},
		{map[string]string{"source": "pfx", "pfx-password": right}, map[string][]byte{"pfx-portal": c.inPEM, "pfx-": c.file}},
		{map[string]string{"source": misplaced, "days": misplaced, "pfx-password": right}, map[string][]byte{"pfx-": c.file}},
		{map[string]string{"source": "ca", "ca-password": wrong}, map[string][]byte{"ca": authority}},
		{map[string]string{"source": "ca", "ca-password": right}, map[string][]byte{"ca": c.file, "ca-key": c.inPEM}},
		{map[string]string{"source": "ca", "ca-password": right}, map[string][]byte{"ca": c.inPEM, "ca-key": authority}},
	} {
		c.give(t, machines+"/certificates", given.values, given.files)
	}
	body = c.give(t, machines+"/certificates", map[string]string{"source": "ca", "ca-password": right, "days": "90"}, map[string][]byte{"ca": authority})
	c.wantPage(t, body, machines+"/logins")
	c.give(t, machines+"/logins", notIt, map[string][]byte{"machine-roots": c.inPEM})
	c.give(t, machines+"/logins", notIt, map[string][]byte{})
	body = c.give(t, machines+"/logins", admin, map[string][]byte{})
	c.wantPage(t, body, machines+"/review", "Replace the certificates</button>")
	c.give(t, machines+"/rehearse", map[string]string{"fault": misplaced}, nil)
	body = c.give(t, machines+"/rehearse", nil, nil)
	if !strings.Contains(body, "It went well") {
		t.Errorf("rehearsed at %s:\n%s", c.at, plain(body))
	}
	_, body = c.open(t, machines+"/review")
	c.give(t, machines+"/review", map[string]string{"plan": answerOf.FindStringSubmatch(body)[1]}, nil)
	c.ranWell(t, 1)

	c.give(t, page+"/look", notIt, nil)
	undo := "/runs/" + c.places["runs"] + "/undo/logins"
	c.give(t, undo, notIt, map[string][]byte{"machine-roots": c.inPEM})
	c.give(t, undo, admin, map[string][]byte{})
	for _, clean := range []string{page + "/clean", page + "/clean/machines"} {
		c.open(t, clean)
		c.give(t, clean+"/logins?now=1", notIt, map[string][]byte{"machine-roots": c.inPEM})
		c.give(t, clean+"/logins?now=1", admin, map[string][]byte{})
	}

	at := apiPath + page
	api := func(path string, files map[string][]byte, fields ...string) string {
		t.Helper()
		form := maps.Clone(admin)
		for i := 0; i < len(fields); i += 2 {
			form[fields[i]] = fields[i+1]
		}
		return c.give(t, at+path, form, files)
	}
	for _, path := range []string{"/plan", "/apply", "/rehearse"} {
		api(path, map[string][]byte{"ca": authority}, "internal", "ca", "ca-password", wrong)
		api(path, map[string][]byte{"internal-pfx:portal": c.file}, "internal", "pfx", "internal-pfx-password", wrong)
		api(path, map[string][]byte{"internal-pfx:portal": c.file, "internal-pfx:" + misplaced[:3]: c.inPEM}, "internal", "pfx", "internal-pfx-password", right)
		api(path, map[string][]byte{"ca": c.inPEM, "ca-key": authority}, "internal", "ca", "ca-password", right)
	}
	if body := api("/plan", map[string][]byte{"ca": authority}, "internal", "ca", "ca-password", right); !strings.Contains(body, "CN=Machines") {
		t.Errorf("planned is %s", body)
	}
	api("/apply", map[string][]byte{}, "internal", "issue", "valid-days", "90")
	c.ranWell(t, 2)
	for _, login := range []map[string]string{notIt, admin} {
		c.give(t, apiPath+"/runs/"+c.places["runs"]+"/undo", login, nil)
		if err := c.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.give(t, at+"/clean", login, nil)
	}
	api("/clean", nil, "internal", "true")
	if err := c.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.claimedElsewhere(t, page)
	c.inAndOut(t)
}

// claimedElsewhere meets the claim of another computer.
func (c *canary) claimedElsewhere(t *testing.T, page string) {
	t.Helper()
	misplaced := c.secrets["a password in the wrong place"]
	session, err := c.session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	site := c.options.App.ClaimsOf(session.Runner(rotation.Credentials{}), c.world.Deployments()[0].GatewayID)
	if _, err := site.Acquire(t.Context(), lease.Holder{Who: "anna", Host: "gis-01", State: "elsewhere", Run: "20261127-1015-abcd"}); err != nil {
		t.Fatal(err)
	}
	c.open(t, page+"/claim")
	c.give(t, page+"/claim", map[string]string{"claims": misplaced, "sure": "yes", "password": misplaced}, nil)
	c.open(t, apiPath+page+"/claim")
	c.give(t, apiPath+page+"/unlock", map[string]string{"run": misplaced}, nil)
	if body := c.give(t, apiPath+page+"/unlock", map[string]string{"run": "20261127-1015-abcd"}, nil); !strings.Contains(body, "broken") {
		t.Errorf("the claim is not broken: %s", body)
	}
}

// inAndOut signs in as an application, wrong and right, and out.
func (c *canary) inAndOut(t *testing.T) {
	t.Helper()
	right := c.secrets["the file's password"]
	in := map[string]string{"tenant": c.variables["AZURE_TENANT_ID"], "client-id": c.variables["AZURE_CLIENT_ID"], "client-secret": c.secrets["a wrong one"]}
	c.give(t, apiPath+"/account/sign-in", in, nil)
	in["client-secret"] = c.secrets["the application's secret"]
	if body := c.give(t, apiPath+"/account/sign-in", in, nil); !strings.Contains(body, c.variables["AZURE_CLIENT_ID"]) {
		t.Errorf("it did not sign in: %s", body)
	}
	c.open(t, apiPath+"/account")
	delete(in, "client-secret")
	for _, file := range [][]byte{c.file, c.inPEM} { // an application that Azure does not know by it
		in["client-certificate-password"] = c.secrets["a wrong password of the file"]
		c.give(t, apiPath+"/account/sign-in", in, map[string][]byte{"client-certificate": file})
		in["client-certificate-password"] = right
		c.give(t, apiPath+"/account/sign-in", in, map[string][]byte{"client-certificate": file})
	}
	if body := c.give(t, apiPath+"/account/sign-out", nil, nil); !strings.Contains(body, c.variables["AZURE_CLIENT_ID"]) {
		t.Errorf("it did not sign out: %s", body)
	}
}
