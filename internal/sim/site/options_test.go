package site

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// signedIn starts a site of one machine and signs in to it.
func signedIn(t *testing.T, product, version string, change func(*Spec)) (*ground.Ground, *Site, *client) {
	t.Helper()
	g := ground.New(fast, nil)
	s := start(t, g, Spec{Product: product, Version: version, PublicURL: "https://gis.example.com/" + product, Machines: []MachineSpec{{Name: "gis1.example.net", Role: "primary"}}}, change)
	c := newClient(t, g, fmt.Sprintf("https://gis1.example.net:%d/arcgis", s.product.port))
	if s.spec.Options.NoSite || s.spec.Options.NoSiteRedirects {
		return g, s, c
	}
	if product == Portal {
		return g, s, c.signIn("/sharing/rest/generateToken")
	}
	return g, s, c.signIn("/admin/generateToken")
}

// importPFX imports under an alias by the names that the product has for the fields.
func (c *client) importPFX(s *Site, base, alias string, pfx []byte, more ...string) map[string]any {
	c.t.Helper()
	fields := map[string]string{"alias": alias, s.product.pfxPassword: "abc"}
	for i := 0; i+1 < len(more); i += 2 {
		fields[more[i]] = more[i+1]
	}
	request := c.uploadRequest(base+"/importExistingServerCertificate", s.product.pfxFile, pfx, fields)
	request.Header.Set("X-Esri-Authorization", "Bearer "+c.token)
	return c.json(request)
}

// S6, S13, S20: the other readings of a token's end, of the list's key, and of
// deleting what is served; §15.6 and §15.7.
func TestOtherReadings(t *testing.T) {
	t.Parallel()
	for _, other := range []bool{false, true} {
		options := func(s *Spec) {
			s.Options = Options{ExpiresAsString: other, CertificatesKey: other, DeleteActive: other, SharingValidates: other, StoreSpatiotemporal: other}
			if s.Product == Portal {
				s.Federated = []FederatedSpec{hosting}
			}
		}
		_, _, c := signedIn(t, Mission, "11.3", options)
		token := c.post("/admin/generateToken", url.Values{"username": {"siteadmin"}, "password": {"correct horse"}, "f": {"json"}})
		if _, text := token["expires"].(string); text != other {
			t.Errorf("other %v: expires %v", other, token["expires"])
		}
		list := c.get(certificates)
		if (list["certificates"] != nil) != other || (list["sslCertificates"] != nil) == other {
			t.Errorf("other %v: list %v", other, list)
		}
		if answer := c.post(certificates+"/applicationgateway/delete", url.Values{"f": {"json"}}); (errorCode(answer) == 0) != other {
			t.Errorf("other %v: delete %v", other, answer)
		}
		_, _, c = signedIn(t, Portal, "11.3", options)
		if answer := c.get("/sharing/rest/portals/self/servers/" + hosting.ID + "/validate"); (answer["serverId"] == hosting.ID) != other {
			t.Errorf("other %v: %v", other, answer)
		}
		_, host := startStore(t, ground.New(fast, nil), options)
		if _, _, code := host.ReplaceCertificate(issue(t, nil, "x", nil).pfx(t, "abc"), "abc", "new", "spatiotemporal"); (code == 0) != other {
			t.Errorf("other %v: code %d", other, code)
		}
	}
}

// S7: what an administrator's directory says before there is a site.
func TestNoSiteYet(t *testing.T) {
	t.Parallel()
	_, _, c := signedIn(t, Server, "11.3", func(s *Spec) { s.Options.NoSite = true })
	answer := c.get("/admin")
	if errorCode(answer) != 404 || !strings.Contains(fmt.Sprint(answer["messages"]), "does not participate in any Site") {
		t.Errorf("%v", answer)
	}
	form := url.Values{"username": {"siteadmin"}, "password": {"correct horse"}, "f": {"json"}}
	if answer := c.post("/admin/generateToken", form); errorCode(answer) != 404 || answer["token"] != nil {
		t.Errorf("a token of no site: %v", answer)
	}
	_, _, c = signedIn(t, Server, "11.3", func(s *Spec) { s.Options.NoSiteRedirects = true })
	if response, _ := c.page("/admin?f=json"); response.StatusCode != http.StatusFound {
		t.Errorf("status %d", response.StatusCode)
	}
}

// §15.1: every unpublished answer has a switch.
func TestUnpublishedAnswers(t *testing.T) {
	t.Parallel()
	answers := map[Unpublished]Answer{
		WrongPassword: {Code: 498, Message: "switched: password"}, ImportFailed: {Code: 501, Message: "switched: import"},
		ActiveDeleted: {Code: 502, Message: "switched: active"}, AliasUnknown: {Code: 503, Message: "switched: alias"},
	}
	for _, product := range []string{Server, Notebook, Portal} {
		_, s, c := signedIn(t, product, "11.3", func(s *Spec) { s.Options.Answers = answers })
		base, assign := certificates, "/admin/machines/GIS1/edit"
		if product == Portal {
			base = "/portaladmin/machines/GIS1/sslCertificates"
			assign = base + "/update"
		}
		for what, answer := range map[Unpublished]map[string]any{
			ImportFailed:  c.importPFX(s, base, "applicationgateway", issue(t, nil, "x", nil).pfx(t, "abc")),
			ActiveDeleted: c.post(base+"/applicationgateway/delete", url.Values{"f": {"json"}}),
			AliasUnknown:  c.post(assign, url.Values{"webServerCertificateAlias": {"nothing"}, "f": {"json"}}),
		} {
			if want := answers[what]; errorCode(answer) != want.Code || !strings.Contains(fmt.Sprint(answer), want.Message) {
				t.Errorf("%s, %s: %v", product, what, answer)
			}
		}
		if product != Portal { // Portal's is published
			if answer := c.post("/admin/generateToken", url.Values{"username": {"siteadmin"}, "password": {"wrong"}, "f": {"json"}}); errorCode(answer) != 498 {
				t.Errorf("%s: %v", product, answer)
			}
		}
	}
	// S9: a newer portal that answers a page.
	_, s, c := signedIn(t, Portal, "11.3", func(s *Spec) {
		s.Options.Answers = map[Unpublished]Answer{ImportFailed: {Code: 500, Message: "no", HTML: true}}
	})
	request := c.uploadRequest("/portaladmin/machines/GIS1/sslCertificates/importExistingServerCertificate", s.product.pfxFile, nil, map[string]string{"alias": "x"})
	if response, page := c.send(request); response.StatusCode != 200 || !strings.Contains(page, "<html>") {
		t.Errorf("%d %s", response.StatusCode, page)
	}
}

// §15.2, S22: what may be different with 12.1's update.
func TestUpdateInPlaceSwitched(t *testing.T) {
	t.Parallel()
	leaf := issue(t, newAuthority(t, nil, "Root"), "gis1.example.net", nil)
	update := func(c *client) map[string]any {
		return c.upload(certificates+"/applicationgateway/update", "file", leaf.pfx(t, "abc"), map[string]string{"password": "abc"})
	}
	for _, test := range []struct {
		name    string
		options Options
		code    int
		chain   bool
		geo     bool
	}{
		{"believed", Options{}, 0, false, false},
		{"missing", Options{NoUpdate: true}, 404, false, false},
		{"with chain", Options{UpdateImportsChain: true}, 0, true, false},
		{"GeoEvent follows", Options{UpdateReachesExtensions: true}, 0, false, true},
	} {
		g, s, c := signedIn(t, Server, "12.1", func(s *Spec) { s.Options, s.Also = test.options, []int{6143} })
		if answer := update(c); errorCode(answer) != test.code {
			t.Errorf("%s: %v", test.name, answer)
		}
		if got := s.machines[0].keystore["applicationgateway_root"] != nil; got != test.chain {
			t.Errorf("%s: chain imported %v", test.name, got)
		}
		if got := served(t, g, "gis1.example.net:6143").Equal(leaf.certificate); got != test.geo {
			t.Errorf("%s: GeoEvent follows %v", test.name, got)
		}
		if got := served(t, g, "gis1.example.net:6443").Equal(leaf.certificate); got != (test.code == 0) || g.Ledger.Count(ground.MachineRestart) != 0 {
			t.Errorf("%s: served %v, %d restarts", test.name, got, g.Ledger.Count(ground.MachineRestart))
		}
	}
	_, _, notebook := signedIn(t, Notebook, "12.1", func(s *Spec) { s.Options.UpdateOfRelatives = true })
	if !notebook.updates(certificates, leaf.pfx(t, "abc")) {
		t.Error("Notebook has it where the switch says so")
	}
	_, _, c := signedIn(t, Server, "12.1", func(s *Spec) { s.Options.Answers = map[Unpublished]Answer{UpdateDone: {Raw: `{"success":true}`}} })
	if answer := update(c); answer["success"] != true {
		t.Errorf("answer: %v", answer)
	}
}

// §15.3, S11: names of several intermediates, an entry that is there, and what
// is served without the chain.
func TestChainSwitched(t *testing.T) {
	t.Parallel()
	leaf := issue(t, newAuthority(t, newAuthority(t, newAuthority(t, nil, "Root"), "A"), "B"), "gis1.example.net", nil)
	for _, test := range []struct {
		numbered bool
		want     []string
	}{{false, []string{"new_intermediate", "new_intermediate1", "new_root"}}, {true, []string{"new_intermediate1", "new_intermediate2", "new_root"}}} {
		_, s, c := signedIn(t, Server, "11.5", func(s *Spec) { s.Options.ChainNumbered = test.numbered })
		c.importPFX(s, certificates, "new", leaf.pfx(t, "abc"))
		list := c.get(certificates)["certificates"].([]any)
		for _, name := range test.want {
			if !slices.Contains(list, any(name)) {
				t.Errorf("numbered %v: %v lacks %s", test.numbered, list, name)
			}
		}
	}
	for _, clash := range []bool{false, true} {
		_, s, c := signedIn(t, Server, "11.5", func(s *Spec) { s.Options.ChainClash = clash })
		s.Trust("new_root", leaf.certificate)
		if answer := c.importPFX(s, certificates, "new", leaf.pfx(t, "abc")); (errorCode(answer) == 500) != clash {
			t.Errorf("clash %v: %v", clash, answer)
		}
	}
	for _, notServed := range []bool{false, true} {
		_, s, c := signedIn(t, Server, "11.5", func(s *Spec) { s.Options.ChainNotServed = notServed })
		c.importPFX(s, certificates, "new", leaf.pfx(t, "abc"), "importCertificateChain", "false")
		pair, err := s.pair(s.machines[0].keystore["new"])
		if err != nil || (len(pair.Certificate) == 1) != notServed {
			t.Errorf("not served %v: %d certificates, %v", notServed, len(pair.Certificate), err)
		}
	}
}

// §15.4, S5: where Notebook, Mission and Video read the token of a multipart form.
func TestTokenInMultipart(t *testing.T) {
	t.Parallel()
	for _, product := range []string{Notebook, Mission, Video, Server} {
		for _, lenient := range []bool{false, true} {
			_, s, c := signedIn(t, product, "12.0", func(s *Spec) { s.Options.TokenInMultipart = lenient })
			fields := map[string]string{"alias": "new", "certPassword": "abc"}
			answer := c.upload(certificates+"/importExistingServerCertificate", "certFile", issue(t, nil, "x", nil).pfx(t, "abc"), fields)
			if want := map[bool]int{true: 0, false: 499}[lenient || product == Server]; errorCode(answer) != want {
				t.Errorf("%s, lenient %v: %v", product, lenient, answer)
			}
			for _, header := range []string{"X-Esri-Authorization", "Authorization"} {
				request := c.uploadRequest(certificates+"/importExistingServerCertificate", "certFile", issue(t, nil, "x", nil).pfx(t, "abc"),
					map[string]string{"alias": "new" + header, "certPassword": "abc", "token": c.token})
				request.Header.Set(header, "Bearer "+c.token)
				if answer := c.json(request); errorCode(answer) != 0 {
					t.Errorf("%s with %s: %v", s.spec.Product, header, answer)
				}
			}
		}
	}
}

// §15.8: files and keys that old releases may not take.
func TestAlgorithmsSwitched(t *testing.T) {
	t.Parallel()
	_, s, c := signedIn(t, Server, "10.9.1", func(s *Spec) { s.Options.OldPKCS12 = true })
	modern := issue(t, nil, "gis1.example.net", nil)
	if answer := c.importPFX(s, certificates, "modern", modern.pfx(t, "abc")); errorCode(answer) != 500 {
		t.Errorf("PBES2: %v", answer)
	}
	if answer := c.importPFX(s, certificates, "legacy", modern.legacyPFX(t, "abc")); errorCode(answer) != 0 {
		t.Errorf("3DES: %v", answer)
	}
	g, s, c := signedIn(t, Server, "11.3", func(s *Spec) { s.Options.RSAOnly = true })
	c.importPFX(s, certificates, "ec", modern.pfx(t, "abc")) // an ECDSA key
	c.post("/admin/machines/GIS1/edit", url.Values{"webServerCertificateAlias": {"ec"}, "f": {"json"}})
	eventually(t, "restart", func() bool { return s.machines[0].ready.Load() && g.Ledger.Count(ground.MachineUp) == 1 })
	if served(t, g, "gis1.example.net:6443") != nil {
		t.Error("a handshake with ECDSA succeeded")
	}
}

// §15.10, S19: whether an imported authority is believed at once.
func TestTrustAtOnce(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "Root")
	leaf := issue(t, root, "other.example.net", nil)
	for _, atOnce := range []bool{false, true} {
		g, s, c := signedIn(t, Server, "11.3", func(s *Spec) { s.Options.TrustAtOnce = atOnce })
		c.upload(certificates+"/importRootOrIntermediate", "rootCACertificate", root.certificate.Raw, map[string]string{"alias": "root"})
		m := s.machines[0]
		chain := []*issued{leaf}
		if err := m.verify(leafs(chain), "other.example.net"); (err == nil) != atOnce {
			t.Errorf("at once %v: %v", atOnce, err)
		}
		s.Restart("gis1")
		eventually(t, "restart", func() bool { return g.Ledger.Count(ground.MachineUp) == 1 })
		if err := m.verify(leafs(chain), "other.example.net"); err != nil {
			t.Errorf("after a restart: %v", err)
		}
		c.post(certificates+"/root/delete", url.Values{"f": {"json"}})
		if err := m.verify(leafs(chain), "other.example.net"); (err != nil) != atOnce {
			t.Errorf("at once %v, deleted: %v", atOnce, err)
		}
	}
}

// S15: an answer is lost sometimes, always, or a number of times; the change is
// made all the same.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"import", "assign", "delete"} {
		g, s, c := signedIn(t, Server, "11.3", nil)
		s.Trust("old", issue(t, nil, "x", nil).certificate)
		g.Faults.Add(ground.Fault{Name: "lost-answer", Step: step})
		requests := map[string]func() *http.Request{
			"import": func() *http.Request {
				return c.uploadRequest(certificates+"/importExistingServerCertificate", "certFile", issue(t, nil, "gis1.example.net", nil).pfx(t, "abc"), map[string]string{"alias": "new", "certPassword": "abc"})
			},
			"assign": func() *http.Request { return c.form("/admin/machines/GIS1/edit") },
			"delete": func() *http.Request { return c.form(certificates + "/old/delete") },
		}
		request := requests[step]()
		request.Header.Set("Referer", c.referer)
		if _, err := c.http.Do(request); err == nil {
			t.Errorf("%s: an answer came", step)
		}
		done := map[string]func() bool{
			"import": func() bool { return s.has("new") }, "delete": func() bool { return !s.has("old") },
			"assign": func() bool { return g.Ledger.Count(ground.MachineRestart) == 1 },
		}
		eventually(t, step+" is done", done[step])
	}
	answered := 0
	_, _, c := signedIn(t, Server, "11.3", func(s *Spec) { s.Options.DropChance, s.Options.AnswerFor = 0.5, 1000*time.Hour })
	for range 40 {
		request := c.form("/admin/machines/GIS1/edit")
		request.Header.Set("Referer", c.referer)
		if response, err := c.http.Do(request); err == nil {
			_ = response.Body.Close()
			answered++
		}
	}
	if answered == 0 || answered == 40 {
		t.Errorf("%d of 40 edits were answered, want about half", answered)
	}
}

// S10, S15: an import that stores nothing, a machine that is lost after one, and
// one that comes back sick.
func TestFaultsOfChanges(t *testing.T) {
	t.Parallel()
	pfx := issue(t, nil, "gis1.example.net", nil).pfx(t, "abc")
	g, s, c := signedIn(t, Server, "11.3", nil)
	g.Faults.Add(ground.Fault{Name: "import-vanishes", Step: "import"})
	if answer := c.importPFX(s, certificates, "new", pfx); answer["status"] != "success" || s.has("new") {
		t.Errorf("vanished import: %v, stored %v", answer, s.has("new"))
	}
	g.Faults.Add(ground.Fault{Name: "machine-lost", Step: "import"})
	if answer := c.importPFX(s, certificates, "new", pfx); answer["status"] != "success" || !s.has("new") {
		t.Errorf("import before the loss: %v", answer)
	}
	eventually(t, "lost", func() bool { return served(t, g, "gis1.example.net:6443") == nil })
	g.Faults.Add(ground.Fault{Name: "machine-stays-sick", Step: "restart"})
	if err := s.Restart("gis1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "back", func() bool { return served(t, g, "gis1.example.net:6443") != nil })
	time.Sleep(g.Clock.Short(2 * time.Minute))
	if response, _ := c.page("/rest/info/healthcheck?f=json"); response.StatusCode != 503 {
		t.Errorf("health: %d", response.StatusCode)
	}
}

// §1.3: a page in place of JSON, with HTTP 200.
func TestAPageInPlaceOfJSON(t *testing.T) {
	t.Parallel()
	g, _, c := signedIn(t, Server, "11.3", nil)
	g.Faults.Add(ground.Fault{Name: "html", Step: "certificate-list"})
	if response, page := c.page(certificates + "?f=json&token=" + c.token); response.StatusCode != 200 || !strings.Contains(page, "<html>") {
		t.Errorf("%d %s", response.StatusCode, page)
	}
}

// S29: layouts of a detail that clients must be able to read.
func TestLayoutsOfADetail(t *testing.T) {
	t.Parallel()
	for _, product := range []string{Notebook, Mission} {
		_, _, c := signedIn(t, product, "11.3", func(s *Spec) { s.Options.KeytoolDetail = true })
		detail := c.get(certificates + "/applicationgateway")
		if detail["Entry type"] != "PrivateKeyEntry" || strings.Count(detail["SHA1"].(string), ":") != 19 || detail["sha1Fingerprint"] != nil {
			t.Errorf("%s: %v", product, detail)
		}
	}
	_, _, c := signedIn(t, Server, "10.7.1", func(s *Spec) {
		s.Options.DuplicateKeys, s.Options.Zone = true, time.FixedZone("PST", -8*3600)
	})
	response, text := c.page(certificates + "/applicationgateway?f=json&token=" + c.token)
	if strings.Count(text, `"sha1Fingerprint"`) != 2 || strings.Contains(text, "entryType") || !strings.Contains(text, " PST 20") {
		t.Error(text)
	}
	if kind := response.Header.Get("Content-Type"); kind != "text/plain;charset=UTF-8" { // S28
		t.Errorf("content type %s", kind)
	}
}

// An edit sets back what it does not name (guess), or keeps it.
func TestEditAndHeapSizes(t *testing.T) {
	t.Parallel()
	for _, keeps := range []bool{false, true} {
		_, _, c := signedIn(t, Server, "11.3", func(s *Spec) { s.Options.EditKeeps, s.Options.AnswerFor = keeps, 1000*time.Hour })
		c.post("/admin/machines/GIS1/edit", url.Values{"appServerMaxHeapSize": {"512"}, "f": {"json"}})
		c.post("/admin/machines/GIS1/edit", url.Values{"f": {"json"}})
		if got := c.get("/admin/machines/GIS1")["appServerMaxHeapSize"]; (got == float64(512)) != keeps {
			t.Errorf("keeps %v: %v", keeps, got)
		}
	}
}

// S26: a portal keeps one alias; where its machines have two, an upgrade sets
// all back to the self-signed certificate.
func TestUpgradeResetsUnequalAliases(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ second, want string }{{"", "ApplicationGateway"}, {"applicationgateway", ""}, {"other", "portal"}} {
		g := ground.New(fast, nil)
		s := startPortal(t, g, func(s *Spec) {
			s.Machines = []MachineSpec{{Name: "portal1.example.net", Role: "primary"}, {Name: "portal2.example.net", Role: "standby", Alias: test.second}}
		})
		s.Upgrade()
		eventually(t, "both are back", func() bool { return g.Ledger.Count(ground.MachineUp) == 2 })
		for _, m := range s.machines {
			reset := m.active == "portal"
			if reset != (test.want == "portal") {
				t.Errorf("second alias %q: %s serves %s", test.second, m.name, m.active)
			}
			if reset && !m.served.Load().leaf.Equal(m.keystore["portal"].leaf) {
				t.Error("it serves another certificate than the self-signed one")
			}
		}
	}
}

// S27, golden exchange 17: a validation that warns, in the ledger too.
func TestFederationWarns(t *testing.T) {
	t.Parallel()
	g := ground.New(fast, nil)
	root := newAuthority(t, nil, "Root")
	publicName(t, g, issue(t, root, "gis.example.com", nil))
	startPortal(t, g, func(s *Spec) {
		s.Federated, s.PublicRoots = []FederatedSpec{hosting}, leafs([]*issued{root})
	})
	c := newClient(t, g, portalBase).signIn("/sharing/rest/generateToken")
	g.Faults.Add(ground.Fault{Name: "federation-warns", Step: "federation-validate"})
	path := "/portaladmin/federation/servers/" + hosting.ID + "/validate"
	if answer := c.get(path); answer["status"] != "success with warnings" || errorCode(answer) != 0 {
		t.Errorf("%v", answer)
	}
	if answer := c.get(path); answer["status"] != "success" {
		t.Errorf("%v", answer)
	}
	var seen []string
	for _, event := range g.Ledger.Events() {
		if event.Kind == ground.Federation {
			seen = append(seen, event.Detail)
		}
	}
	if fmt.Sprint(seen) != "[success with warnings "+hosting.AdminURL+" success "+hosting.AdminURL+"]" {
		t.Errorf("ledger: %v", seen)
	}
}

// The ledger knows what each port served, and who was down when.
func TestTheLedgerKnowsWhatWasServedAndWhoWasDown(t *testing.T) {
	t.Parallel()
	g := ground.New(fast, nil)
	startServer(t, g, func(s *Spec) { s.Machines = []MachineSpec{{Name: "gis1.example.net"}, {Name: "gis2.example.net"}} })
	c := newClient(t, g, serverBase).signIn("/admin/generateToken")
	assign(t, c)
	eventually(t, "back", func() bool { return g.Ledger.Count(ground.MachineUp) == 1 })
	leafs := map[string]int{}
	for _, event := range g.Ledger.Events() {
		if event.Kind == ground.MachineLeaf {
			leafs[event.Object]++
		}
	}
	if leafs["GIS1.EXAMPLE.NET:6443"] != 2 || leafs["GIS2.EXAMPLE.NET:6443"] != 1 {
		t.Errorf("leafs: %v", leafs)
	}
	if most := g.Ledger.MostDown(Server, "GIS1.EXAMPLE.NET", "GIS2.EXAMPLE.NET"); most != 1 {
		t.Errorf("%d were down at once", most)
	}
}

// A federated server says who owns it, and the portal exchanges a token for
// another one. Source: users-groups-and-items/generate-token.
func TestTokensOfAFederatedServer(t *testing.T) {
	t.Parallel()
	g := ground.New(fast, nil)
	portal := startPortal(t, g, nil)
	startServer(t, g, func(s *Spec) { s.Portal = portal })
	if info := newClient(t, g, serverBase).get("/rest/info"); info["owningSystemUrl"] != "https://gis.example.com/portal" {
		t.Errorf("%v", info)
	}
	c := newClient(t, g, portalBase).signIn("/sharing/rest/generateToken")
	answer := c.post("/sharing/rest/generateToken", url.Values{"serverUrl": {"https://gis.example.com/server"}, "f": {"json"}})
	if text, _ := answer["token"].(string); text == "" || text == c.token {
		t.Errorf("%v", answer)
	}
	if answer := c.post("/sharing/rest/generateToken", url.Values{"serverUrl": {"x"}, "token": {"bad"}, "f": {"json"}}); errorCode(answer) != 498 {
		t.Errorf("bad token: %v", answer)
	}
	if user := c.get("/sharing/rest/community/self"); user["username"] != "siteadmin" {
		t.Errorf("%v", user)
	}
	if self := c.get("/sharing/rest/portals/self"); self["user"] == nil {
		t.Errorf("%v", self)
	}
	if errorCode(c.get("/sharing/rest/community/users/nobody")) == 0 || c.get("/sharing/rest/community/users/siteadmin")["role"] != "org_admin" {
		t.Error("users")
	}
}
