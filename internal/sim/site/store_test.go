package site

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

func startStore(t *testing.T, g *ground.Ground, change func(*Spec)) (*Site, *Host) {
	t.Helper()
	s := start(t, g, Spec{Product: DataStore, Version: "11.3", StoreTypes: []string{"Relational", "TileCache"},
		Machines: []MachineSpec{{Name: "ds1.example.net"}, {Name: "ds2.example.net"}}}, change)
	return s, NewHost(g, "ds1.example.net", []*Site{s}, nil)
}

// S30: what a Data Store answers over HTTPS, and the certificate that it made.
func TestDataStoreAnswers(t *testing.T) {
	t.Parallel()
	g := ground.New(fast, nil)
	startStore(t, g, func(s *Spec) { s.NotAfter = time.Now().AddDate(0, 0, -30) })
	c := newClient(t, g, "https://ds1.example.net:2443/arcgis")
	if answer := c.get("/datastoreadmin/configure"); answer["currentVersion"] != "11.3.0" {
		t.Errorf("%v", answer)
	}
	form := url.Values{"username": {"siteadmin"}, "password": {"correct horse"}, "getConfigureInfo": {"true"}, "f": {"json"}}
	if answer := c.post("/datastoreadmin/configure", form); fmt.Sprint(answer["relational"], answer["graphStore"]) != "map[registered:true] map[registered:false]" {
		t.Errorf("%v", answer)
	}
	form.Set("password", "wrong")
	if answer := c.post("/datastoreadmin/configure", form); errorCode(answer) != 401 {
		t.Errorf("%v", answer)
	}
	leaf := served(t, g, "ds1.example.net:2443")
	if !leaf.NotAfter.Before(time.Now()) || leaf.VerifyHostname("ds1.example.net") != nil || leaf.NotAfter.Sub(leaf.NotBefore) < 5*365*24*time.Hour {
		t.Errorf("serves %v, %v to %v", leaf.Subject, leaf.NotBefore, leaf.NotAfter)
	}
	if response, page := c.page("/datastoreadmin/configure"); response.StatusCode != http.StatusOK || !strings.Contains(page, "<html>") {
		t.Errorf("without f: %d %s", response.StatusCode, page)
	}
}

// S30: the tool's refusals, its success, and that the web server is away for a
// moment after it.
func TestDataStoreTool(t *testing.T) {
	t.Parallel()
	g := ground.New(fast, nil)
	s, host := startStore(t, g, nil)
	if host.StoreTool() != "replacesslcertificate" {
		t.Errorf("tool %q", host.StoreTool())
	}
	leaf := issue(t, nil, "ds1.example.net", nil)
	pfx := leaf.pfx(t, "abc")
	for _, refused := range []struct{ name, password, alias, option, want string }{
		{"option", "abc", "new", "", "Invalid option"},
		{"spatiotemporal (§15.7)", "abc", "new", "spatiotemporal", "Invalid option"},
		{"password", "wrong", "new", "webserver", "PKCS12"},
		{"alias", "abc", "selfsignedcertificate", "webserver", "already exists"},
		{"no alias", "abc", "", "webserver", "Invalid alias"},
	} {
		if out, problem, code := host.ReplaceCertificate(pfx, refused.password, refused.alias, refused.option); code != 1 || !strings.Contains(problem, refused.want) || out != "" {
			t.Errorf("%s: %d %q %q", refused.name, code, out, problem)
		}
	}
	if _, problem, code := host.ReplaceCertificate(pfx, "abc", "rel", "relational"); code != 0 || s.machines[0].stores["relational"] == nil {
		t.Errorf("relational: %d %s", code, problem)
	}
	if g.Ledger.Count(ground.MachineRestart) != 0 {
		t.Error("another option than webserver restarted the web server")
	}
	if _, problem, code := host.ReplaceCertificate(pfx, "abc", "new", "webserver"); code != 0 {
		t.Fatalf("%d %s", code, problem)
	}
	eventually(t, "new certificate", func() bool {
		got := served(t, g, "ds1.example.net:2443")
		return got != nil && got.Equal(leaf.certificate)
	})
	if got := served(t, g, "ds2.example.net:2443"); got.Equal(leaf.certificate) {
		t.Error("the other machine changed too")
	}
	if outages := g.Ledger.Outages(); len(outages) != 1 || outages[0].Product != DataStore || outages[0].Machine != "DS1.EXAMPLE.NET" {
		t.Errorf("outages: %v", outages)
	}
}

// Before 11.3 there is the older tool, for the web server only.
func TestOlderDataStoreTool(t *testing.T) {
	t.Parallel()
	g := ground.New(fast, nil)
	_, host := startStore(t, g, func(s *Spec) { s.Version = "11.1" })
	leaf := issue(t, nil, "ds1.example.net", nil)
	if _, problem, code := host.ReplaceCertificate(leaf.pfx(t, "abc"), "abc", "new", ""); code != 0 || host.StoreTool() != "updatesslcertificate" {
		t.Fatalf("%s: %d %s", host.StoreTool(), code, problem)
	}
	eventually(t, "new certificate", func() bool {
		got := served(t, g, "ds1.example.net:2443")
		return got != nil && got.Equal(leaf.certificate)
	})
	for _, option := range []string{"relational", "webserver"} {
		if _, _, code := host.ReplaceCertificate(leaf.pfx(t, "abc"), "abc", "newer"+option, option); code != 1 {
			t.Errorf("it took --option %s, which came with 11.3: %d", option, code)
		}
	}
}

// Where the tool leaves the web server running, its service has to be restarted.
func TestDataStoreToolWithoutARestart(t *testing.T) {
	t.Parallel()
	g := ground.New(fast, nil)
	_, host := startStore(t, g, func(s *Spec) { s.Options.StoreStays = true })
	leaf := issue(t, nil, "ds1.example.net", nil)
	if _, problem, code := host.ReplaceCertificate(leaf.pfx(t, "abc"), "abc", "new", "webserver"); code != 0 {
		t.Fatalf("%d %s", code, problem)
	}
	if got := served(t, g, "ds1.example.net:2443"); got.Equal(leaf.certificate) || g.Ledger.Count(ground.MachineRestart) != 0 {
		t.Errorf("it is served already; %d restarts", g.Ledger.Count(ground.MachineRestart))
	}
	if err := host.RestartService(t.Context(), "ArcGIS Data Store"); err != nil {
		t.Fatal(err)
	}
	if got := served(t, g, "ds1.example.net:2443"); got == nil || !got.Equal(leaf.certificate) {
		t.Error("it is not served after the restart")
	}
}

// The ways in which the tool's word is not to be believed.
func TestDataStoreToolLies(t *testing.T) {
	t.Parallel()
	for fault, wantCode := range map[string]int{"tool-fails-silently": 1, "tool-does-nothing": 0} {
		g := ground.New(fast, nil)
		_, host := startStore(t, g, nil)
		before := served(t, g, "ds1.example.net:2443")
		g.Faults.Add(ground.Fault{Name: fault, Step: "store-tool"})
		_, problem, code := host.ReplaceCertificate(issue(t, nil, "x", nil).pfx(t, "abc"), "abc", "new", "webserver")
		if code != wantCode || problem != "" || !served(t, g, "ds1.example.net:2443").Equal(before) {
			t.Errorf("%s: %d %q", fault, code, problem)
		}
	}
	g := ground.New(fast, nil)
	startServer(t, g, nil)
	host := NewHost(g, "gis1.example.net", nil, nil)
	if _, problem, code := host.ReplaceCertificate(nil, "", "new", "webserver"); code != 1 || host.StoreTool() != "" || !strings.Contains(problem, "not installed") {
		t.Errorf("without Data Store: %d %s", code, problem)
	}
}

// The hosting Server knows the stores, and validates by asking the machine.
func TestRegisteredStores(t *testing.T) {
	t.Parallel()
	for _, verified := range []bool{false, true} {
		g := ground.New(fast, nil)
		store, host := startStore(t, g, nil)
		startServer(t, g, func(s *Spec) {
			s.Stores, s.StoreTypes, s.Options.StoresVerified = store, []string{"Relational", "TileCache"}, verified
		})
		c := newClient(t, g, serverBase).signIn("/admin/generateToken")
		items := c.post("/admin/data/findItems", url.Values{"types": {"egdb"}, "f": {"json"}})["items"].([]any)
		if len(items) != 1 {
			t.Fatalf("items %v", items)
		}
		path := "/admin/data/items" + items[0].(map[string]any)["path"].(string)
		machines := c.post(path+"/machines", url.Values{"f": {"json"}})["machines"].([]any)
		name := machines[0].(map[string]any)["name"].(string)
		validate := func() any {
			return c.post(path+"/machines/"+name+"/validate/", url.Values{"f": {"json"}})["isHealthy"]
		}
		if name != "ds1.example.net" || len(machines) != 2 || validate() != !verified {
			t.Errorf("verified %v: machine %s, healthy %v", verified, name, validate())
		}
		g.Faults.Add(ground.Fault{Name: "machine-does-not-return", Step: "restart"})
		if err := host.RestartService(t.Context(), "ArcGIS Data Store"); err != nil {
			t.Fatal(err)
		}
		if validate() != false {
			t.Error("a store that is down is healthy")
		}
		if answer := c.post("/admin/data/items/nosqlDatabases/none/machines", url.Values{"f": {"json"}}); errorCode(answer) != 404 {
			t.Errorf("unknown store: %v", answer)
		}
	}
}

// GeoEvent and Workflow Manager take the Server's certificate when they start
// themselves; until then they go on with the old one, while the Server is down too.
func TestExtensionsTakeTheCertificateAtTheirOwnStart(t *testing.T) {
	t.Parallel()
	for port, service := range map[int]string{6143: "ArcGISGeoEvent", 13443: "WorkflowManager"} {
		g := ground.New(fast, nil)
		s := startServer(t, g, func(s *Spec) { s.Also = []int{port} })
		address := fmt.Sprintf("gis1.example.net:%d", port)
		old := served(t, g, address)
		c := newClient(t, g, serverBase).signIn("/admin/generateToken")
		leaf := assign(t, c)
		eventually(t, "down", func() bool { return served(t, g, "gis1.example.net:6443") == nil })
		if got := served(t, g, address); got == nil || !got.Equal(old) {
			t.Errorf("%s went down with the Server", service)
		}
		eventually(t, "healthy", func() bool {
			return s.machines[0].ready.Load() && len(g.Ledger.Outages()) == 1 && !g.Ledger.Outages()[0].To.IsZero()
		})
		if got := served(t, g, address); !got.Equal(old) {
			t.Errorf("%s serves another certificate without a restart", service)
		}
		host := NewHost(g, "GIS1.example.net", []*Site{s}, nil)
		if err := host.RestartService(t.Context(), service); err != nil {
			t.Fatal(err)
		}
		if got := served(t, g, address); !got.Equal(leaf.certificate) {
			t.Errorf("%s serves the old certificate after its restart", service)
		}
		if list := fmt.Sprint(host.Services()); list != "[{ArcGIS Server true} {"+service+" true}]" {
			t.Errorf("services %s", list)
		}
		g.Faults.Add(ground.Fault{Name: "service-does-not-return", Step: "restart-service"})
		if err := host.RestartService(t.Context(), service); err != nil {
			t.Fatal(err)
		}
		if _, err := g.Inside.DialContext(t.Context(), "tcp", address); !errors.Is(err, syscall.ECONNREFUSED) || host.Services()[1].Running {
			t.Errorf("%s: %v", service, err)
		}
	}
	if err := NewHost(ground.New(fast, nil), "x", nil, nil).RestartService(t.Context(), "ArcGISGeoEvent"); err == nil {
		t.Error("a service that is not there was restarted")
	}
}

// What is configured counts, also while ArcGIS Server itself still serves what
// was before.
func TestAnExtensionReadsWhatIsConfigured(t *testing.T) {
	t.Parallel()
	g := ground.New(fast, nil)
	s := startServer(t, g, func(s *Spec) { s.Also, s.Options.AnswerFor = []int{6143}, 1000*time.Hour })
	leaf := assign(t, newClient(t, g, serverBase).signIn("/admin/generateToken"))
	if err := NewHost(g, "gis1.example.net", []*Site{s}, nil).RestartService(t.Context(), "ArcGISGeoEvent"); err != nil {
		t.Fatal(err)
	}
	if !served(t, g, "gis1.example.net:6143").Equal(leaf.certificate) || served(t, g, "gis1.example.net:6443").Equal(leaf.certificate) {
		t.Error("GeoEvent serves the old certificate, or the Server the new one already")
	}
}

// Restart-Service returns when the service has started, which is before the
// machine is healthy.
func TestServiceRestartReturnsBeforeTheMachineIsHealthy(t *testing.T) {
	t.Parallel()
	g := ground.New(fast, nil)
	s := startServer(t, g, func(s *Spec) { s.Options.WarmFor = 1000 * time.Hour })
	if err := NewHost(g, "gis1.example.net", []*Site{s}, nil).RestartService(t.Context(), "arcgis server"); err != nil {
		t.Fatal(err)
	}
	if served(t, g, "gis1.example.net:6443") == nil || s.machines[0].ready.Load() {
		t.Errorf("ready %v", s.machines[0].ready.Load())
	}
}
