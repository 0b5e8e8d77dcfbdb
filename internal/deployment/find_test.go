package deployment

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

func TestASoundDeploymentIsReadWhole(t *testing.T) {
	source := &azure{rows: sound()}
	found, err := Find(t.Context(), source, Scope{})
	if err != nil {
		t.Fatal(err)
	}
	if source.queries != 1 || source.lists+source.gets != 0 {
		t.Errorf("%d queries, %d lists, %d gets; want one query only", source.queries, source.lists, source.gets)
	}
	want := []Deployment{{
		ID: "dep1", Name: "bm", Generation: V2, Version: "11.4",
		Domain: "gis.example.com", SecondaryDomain: "gis.internal.example.com",
		SubscriptionID: subscription, ResourceGroup: "rg", Location: "westeurope",
		GatewayID: id("rg", kindGateway, "agw"),
		Prefix:    "bm", ServerContext: "server", PortalContext: "portal",
		ServerRole:     "HostingServer",
		DataStoreTypes: []string{"Relational", "CloudProvidedObjectStore", "GraphStore"},
		Machines: []Machine{
			{ID: id("rg", kindMachine, "bmPortal-0"), Name: "bmPortal-0", DeploymentID: "DEP1", Roles: []string{"Portal"}, ResourceGroup: "rg"},
			{ID: id("rg", kindMachine, "bmServer-0"), Name: "bmServer-0", DeploymentID: "dep1", Roles: []string{"Server", "DataStore"}, ResourceGroup: "rg"},
		},
		Storage:              &Storage{Account: "bmstore", BlobEndpoint: "bmstore.blob.core.windows.net", ResourceGroup: "storerg", AzureFiles: true, Authentication: "AccessKey"},
		InternalCertificates: "self-signed",
		Network:              &Network{Name: "vnet", ResourceGroup: "netrg", Subnet: "default"},
		Addresses:            []Address{{IP: "203.0.113.5", Name: "bm.westeurope.cloudapp.azure.com"}},
		Recorded:             time.Date(2024, 11, 19, 10, 15, 0, 0, time.UTC),
		Record:               map[string]string{"autovmshutdown": "True,2300"},
	}}
	if diff := cmp.Diff(want, found.Deployments, cmpopts.IgnoreFields(Deployment{}, "Gateway")); diff != "" {
		t.Errorf("deployments (-want +got):\n%s", diff)
	}
	if found.Deployments[0].Gateway == nil || len(found.Notes) != 0 {
		t.Errorf("gateway %v, notes %v; want a gateway and no notes", found.Deployments[0].Gateway, found.Notes)
	}
}

// Each row spoils a sound deployment in one way; it is still shown, with
// exactly the problems that follow from the spoiling.
func TestProblems(t *testing.T) {
	https := []any{listener("https", "frontendCert", "gis.example.com", "gis.internal.example.com")}
	tagged := func(changes bag) []cloud.Document {
		rows := sound()
		rows[0] = gateway(with(record(), changes), https, "bmServer-0", "bmPortal-0")
		return rows
	}
	rows := []struct {
		name   string
		rows   []cloud.Document
		codes  []string
		cannot string // part of CannotUpdate, "" when it can be updated
	}{
		{"sound", sound(), []string{}, ""},
		{"no id, machines know it", tagged(bag{"arcgis-deployment-id": nil}), []string{ProblemNoID}, ""},
		{"all tags lost, machines know the id", func() []cloud.Document {
			rows := sound()
			rows[0] = gateway(nil, https, "bmServer-0")
			return rows
		}(), []string{ProblemNoID, ProblemMalformedInfo, ProblemNoDomain, ProblemUnknownVersion}, "domain is not known"},
		{"no domain, one listener knows it", func() []cloud.Document {
			rows := tagged(bag{"arcgis-deployment-domain": nil, "arcgis-deployment-secondary-domain": nil})
			rows[0]["properties"].(bag)["httpListeners"] = []any{listener("https", "frontendCert", "gis.example.com")}
			return rows
		}(), []string{ProblemNoDomain}, ""},
		{"no domain, two listener names", tagged(bag{"arcgis-deployment-domain": nil}), []string{ProblemNoDomain}, "domain is not known"},
		{"a URL for a domain", tagged(bag{"arcgis-deployment-domain": "https://gis.example.com/portal"}), []string{ProblemMalformedDomain, ProblemNoDomain}, "domain is not known"},
		{"a domain that nothing serves", tagged(bag{"arcgis-deployment-domain": "new.example.com"}), []string{ProblemDomainNotServed}, ""},
		{"no version", tagged(bag{"arcgis-deployment-version": nil}), []string{ProblemUnknownVersion}, ""},
		{"unreadable version", tagged(bag{"arcgis-deployment-version": "newest"}), []string{ProblemUnknownVersion}, ""},
		{"version without gateways", tagged(bag{"arcgis-deployment-version": "10.7.1"}), []string{ProblemOldVersion}, ""},
		{"version from the future", tagged(bag{"arcgis-deployment-version": "13.0"}), []string{}, ""},
		{"info too short", tagged(bag{"arcgis-deployment-info": "bm@vnet"}), []string{ProblemMalformedInfo}, ""},
		{"info missing", tagged(bag{"arcgis-deployment-info": nil}), []string{ProblemMalformedInfo}, ""},
		{"site tag in pieces", tagged(bag{"FS@ImageServer": "rg"}), []string{ProblemMalformedSite}, ""},
		{"site without machines", tagged(bag{"FS@ImageServer@image,@dep2@20250101T000000Z@11.4@@False,False": "rg,westeurope@im@@@"}), []string{ProblemSiteWithoutMachines}, ""},
		{"gateway gone", sound()[1:], []string{ProblemNoGateway, ProblemNoDomain}, "There is no gateway"},
		{"machines gone", sound()[:2], []string{ProblemNoMachines}, ""},
		{"no listener", func() []cloud.Document {
			rows := sound()
			rows[0] = gateway(record(), nil, "bmServer-0")
			return rows
		}(), []string{ProblemNoHTTPSListener}, "no HTTPS listener"},
		{"only HTTP", func() []cloud.Document {
			rows := sound()
			rows[0] = gateway(record(), []any{bag{"name": "http", "properties": bag{"protocol": "Http"}}})
			return rows
		}(), []string{ProblemNoHTTPSListener}, "no HTTPS listener"},
		{"properties not readable", func() []cloud.Document {
			rows := sound()
			rows[0]["properties"] = nil
			return rows
		}(), []string{ProblemUnreadableGateway}, "could not be read"},
		{"a machine has lost its id", func() []cloud.Document {
			rows := sound()
			rows[2] = machine("bmServer-0", bag{"arcgis-vm-roles": "Server"})
			return rows
		}(), []string{ProblemMachineWithoutID}, ""},
		{"an unrecorded site", append(sound(),
			machine("imServer-0", bag{"arcgis-deployment-id": "dep2", "arcgis-vm-roles": "Server"}),
			set("imSet", bag{"arcgis-deployment-id": "dep2", "arcgis-federated-deployment-id": "dep1"})),
			[]string{ProblemUnrecordedSite}, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			d := findOne(t, row.rows...)
			if diff := cmp.Diff(row.codes, codes(d.Problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s\n%+v", diff, d.Problems)
			}
			if (row.cannot == "") != (d.CannotUpdate == "") || !strings.Contains(d.CannotUpdate, row.cannot) {
				t.Errorf("CannotUpdate = %q, want something with %q", d.CannotUpdate, row.cannot)
			}
			if d.ID == "" || d.Name == "" {
				t.Errorf("id %q, name %q; want both, or nobody can select it", d.ID, d.Name)
			}
		})
	}
}

func TestFederatedSite(t *testing.T) {
	rows := sound()
	rows[0] = gateway(with(record(), bag{
		"fs@GeoEventServer@geo,geoevent@dep2@20250102T030405Z@11.4@RasterAnalytics,ImageHosting@False,True": "georg,northeurope@ge@storerg,gestore,False@@True,0000",
	}), []any{listener("https", "frontendCert")})
	rows = append(rows, machine("geServer-0", bag{"arcgis-deployment-id": "dep2", "arcgis-vm-roles": "Server"}))
	d := findOne(t, rows...)
	want := []Site{{
		ID: "dep2", Role: "GeoEventServer", ServerContext: "geo", SecondContext: "geoevent", Version: "11.4",
		Functions: []string{"RasterAnalytics", "ImageHosting"}, ResourceGroup: "georg", Location: "northeurope", Prefix: "ge",
		StorageAccount: "gestore", Recorded: time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC),
	}}
	if diff := cmp.Diff(want, d.Sites); diff != "" {
		t.Errorf("sites (-want +got):\n%s", diff)
	}
	if len(d.Machines) != 3 || len(d.Problems) != 0 {
		t.Errorf("%d machines, problems %v; want 3 and none", len(d.Machines), d.Problems)
	}
}

func TestStandAloneSite(t *testing.T) {
	d := findOne(t, gateway(with(record(), bag{
		"arcgis-deployment-server-role": "GeoEventServer",
		"arcgis-deployment-info":        "ge@vnet@rg@subnet@geo,geoevent@x",
	}), []any{listener("https", "frontendCert")}))
	if d.ServerContext != "geo" || d.SecondContext != "geoevent" || d.PortalContext != "" {
		t.Errorf("contexts %q, %q, portal %q; want geo, geoevent and no portal", d.ServerContext, d.SecondContext, d.PortalContext)
	}
}

func TestV1IsListedAndExplained(t *testing.T) {
	d := findOne(t,
		publicIP("oldPublicIP", bag{
			"arcgis-deployment-id": "old1", "arcgis-deployment-version": "10.7.1",
			"arcgis-deployment-info": "oldgis@old@20190401T000000Z", "arcgis-deployment-domain": "old.example.com",
		}, bag{"ipAddress": "203.0.113.9"}),
		machine("oldWebProxy-0", bag{"arcgis-deployment-id": "old1", "arcgis-vm-roles": "WebProxy"}),
	)
	if d.Generation != V1 || d.Name != "old" || d.Domain != "old.example.com" || d.GatewayID != "" || len(d.Machines) != 1 || d.Addresses[0].IP != "203.0.113.9" {
		t.Errorf("got %+v", d)
	}
	if !strings.Contains(d.CannotUpdate, "IIS") || len(d.Problems) != 0 {
		t.Errorf("CannotUpdate = %q, problems %v; want a reason that names IIS, and none", d.CannotUpdate, d.Problems)
	}
}

// A policy that copies tags of the group to every resource makes no V1
// deployment out of a gateway's own address or of another one.
func TestInheritedTagsMakeNoSecondDeployment(t *testing.T) {
	rows := sound()
	rows[1]["tags"] = bag{"arcgis-deployment-domain": "gis.example.com"}
	rows = append(rows, publicIP("bmPublicIP-RDP", record(), bag{"ipAddress": "203.0.113.6"}))
	findOne(t, rows...)
}

func TestAnAddressOfALostV2Gateway(t *testing.T) {
	d := findOne(t, publicIP("bmPublicIP", record(), nil))
	if d.Generation != V2 || codes(d.Problems)[0] != ProblemNoGateway {
		t.Errorf("generation %s, problems %v; want V2 without a gateway", d.Generation, d.Problems)
	}
}

func TestForeignGatewaysAreNotListed(t *testing.T) {
	foreign := gateway(bag{"team": "web"}, []any{listener("https", "c", "www.example.com")}, "web-0")
	if f := find(t, foreign, machine("web-0", bag{"team": "web"})); len(f.Deployments) != 0 {
		t.Errorf("found %+v in a gateway that has nothing to do with ArcGIS", f.Deployments)
	}
	foreign["properties"].(bag)["probes"] = []any{bag{"properties": bag{"path": "/ArcGIS/rest/info/healthcheck"}}}
	d := findOne(t, foreign)
	if d.Name != "agw" || codes(d.Problems)[0] != ProblemNoID {
		t.Errorf("a gateway with probes of ArcGIS: name %q, problems %v", d.Name, d.Problems)
	}
}

func TestDuplicateIDs(t *testing.T) {
	twin := gateway(record(), []any{listener("https", "c")})
	twin["id"] = id("rg2", kindGateway, "agw-copy")
	f := find(t, append(sound(), twin)...)
	if len(f.Deployments) != 2 {
		t.Fatalf("%d deployments, want 2", len(f.Deployments))
	}
	for _, d := range f.Deployments {
		if !cmp.Equal(codes(d.Problems), []string{ProblemDuplicateID}) || len(d.Machines) != 2 {
			t.Errorf("%s: problems %v, %d machines; want duplicate-id and 2", d.GatewayID, d.Problems, len(d.Machines))
		}
	}
}

func TestStrayMachinesAreNoted(t *testing.T) {
	f := find(t, machine("lost-0", bag{"arcgis-vm-roles": "Server"}))
	if !cmp.Equal(codes(f.Notes), []string{NoteStrayMachines}) || !strings.Contains(f.Notes[0].Sentence, "rg/lost-0") {
		t.Errorf("notes %v, want %s naming rg/lost-0", f.Notes, NoteStrayMachines)
	}
}

func TestSitesThatAreEachOthersBase(t *testing.T) {
	f := find(t,
		machine("a-0", bag{"arcgis-deployment-id": "a"}), machine("b-0", bag{"arcgis-deployment-id": "b"}),
		set("s1", bag{"arcgis-deployment-id": "a", "arcgis-federated-deployment-id": "b"}),
		set("s2", bag{"arcgis-deployment-id": "b", "arcgis-federated-deployment-id": "a"}))
	if len(f.Deployments) != 1 || len(f.Deployments[0].Machines) != 2 {
		t.Errorf("got %+v, want one deployment with both machines", f.Deployments)
	}
}

func refused(status int) error {
	return &cloud.Error{Status: status, Code: "AuthorizationFailed", Message: "no\x1b[31m", Operation: "query"}
}

func TestWithoutResourceGraph(t *testing.T) {
	hidden := gateway(nil, nil, "bmServer-0")
	hidden["id"] = id("rg", kindGateway, "untagged")
	source := &azure{rows: append(sound(), hidden), queryErr: refused(http.StatusForbidden)}
	found, err := Find(t.Context(), source, Scope{})
	if err != nil {
		t.Fatal(err)
	}
	if source.lists != 2 || source.gets != 1 {
		t.Errorf("%d lists, %d gets; want one list for each subscription and one GET for the gateway", source.lists, source.gets)
	}
	if len(found.Deployments) != 1 || len(found.Deployments[0].Problems) != 0 || len(found.Deployments[0].Machines) != 2 {
		t.Errorf("deployments %+v, want the sound one", found.Deployments)
	}
	if !cmp.Equal(codes(found.Notes), []string{NoteListed}) || strings.Contains(found.Notes[0].Sentence, "\x1b") {
		t.Errorf("notes %q, want %s, fit to be shown", found.Notes, NoteListed)
	}
}

func TestWithoutResourceGraphAndOneSubscription(t *testing.T) {
	source := &azure{rows: sound(), queryErr: refused(http.StatusServiceUnavailable), errs: map[string]error{"other": refused(http.StatusForbidden)}}
	found, err := Find(t.Context(), source, Scope{})
	if err != nil || len(found.Deployments) != 1 || !cmp.Equal(codes(found.Notes), []string{NoteListed, NoteSubscriptionRefused}) {
		t.Errorf("%d deployments, notes %v, error %v; want 1, a note for the refused subscription, none", len(found.Deployments), found.Notes, err)
	}

	source.errs[subscription] = refused(http.StatusForbidden)
	_, err = Find(t.Context(), source, Scope{})
	if !cloud.IsForbidden(err) {
		t.Errorf("all subscriptions refused: %v, want that error", err)
	}
}

func TestWithoutResourceGraphAndTheGateway(t *testing.T) {
	source := &azure{rows: sound(), queryErr: refused(http.StatusForbidden), errs: map[string]error{id("rg", kindGateway, "agw"): refused(http.StatusForbidden)}}
	found, err := Find(t.Context(), source, Scope{Subscriptions: []string{subscription}})
	if err != nil || len(found.Deployments) != 1 {
		t.Fatalf("%d deployments, %v; want 1", len(found.Deployments), err)
	}
	d := found.Deployments[0]
	if !cmp.Equal(codes(d.Problems), []string{ProblemUnreadableGateway}) || !strings.Contains(d.CannotUpdate, "could not be read") {
		t.Errorf("problems %v, CannotUpdate %q", d.Problems, d.CannotUpdate)
	}
}

// Where no other way can help, the error comes at once.
func TestErrorsThatNoListWouldMend(t *testing.T) {
	for name, err := range map[string]error{
		"cancelled":     context.Canceled,
		"no answer":     &cloud.Error{Operation: "query", Message: "connection refused"},
		"not signed in": refused(http.StatusUnauthorized),
	} {
		source := &azure{rows: sound(), queryErr: err}
		_, got := Find(t.Context(), source, Scope{})
		if !errors.Is(got, err) || source.lists != 0 {
			t.Errorf("%s: error %v after %d lists, want the error and none", name, got, source.lists)
		}
	}
}

func TestNoSubscription(t *testing.T) {
	source := &azure{queryErr: &cloud.Error{Status: 400, Code: "BadRequest", Details: []cloud.ErrorDetail{{Code: "NoValidSubscriptionsInQueryRequest"}}}}
	found, err := Find(t.Context(), source, Scope{})
	if err != nil || found.Deployments == nil || !cmp.Equal(codes(found.Notes), []string{NoteNoSubscription}) {
		t.Errorf("deployments %v, notes %v, error %v; want an empty list and %s", found.Deployments, found.Notes, err, NoteNoSubscription)
	}
}

// 1,000 deployments in 5,000 rows, as the query gives them.
func BenchmarkFind(b *testing.B) {
	var rows []cloud.Document
	for i := range 1000 {
		name := fmt.Sprintf("agw%d", i)
		dep := fmt.Sprintf("dep%d", i)
		g := gateway(with(record(), bag{"arcgis-deployment-id": dep}), []any{listener("https", "c")}, fmt.Sprintf("m%d-0", i), fmt.Sprintf("m%d-1", i))
		g["id"] = id("rg", kindGateway, name)
		rows = append(rows, g)
		for j := range 4 {
			rows = append(rows, machine(fmt.Sprintf("m%d-%d", i, j), bag{"arcgis-deployment-id": dep, "arcgis-vm-roles": "Server"}))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if f := found(rows, nil); len(f.Deployments) != 1000 {
			b.Fatalf("%d deployments", len(f.Deployments))
		}
	}
}
