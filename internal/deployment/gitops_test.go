package deployment

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// child is a reference to a child of the gateway agw.
func child(list, name string) bag {
	return bag{"id": id("rg", kindGateway, "agw") + "/" + list + "/" + name}
}

// pathRule leads paths of a context to a pool.
func pathRule(pool, setting string, paths ...any) bag {
	return bag{"name": setting, "properties": bag{
		"paths": paths, "backendAddressPool": child("backendAddressPools", pool), "backendHttpSettings": child("backendHttpSettingsCollection", setting),
	}}
}

func setting(name string, port int) bag {
	return bag{"name": name, "properties": bag{"port": number(port), "probe": child("probes", name)}}
}

func probe(name, path, host string) bag {
	return bag{"name": name, "properties": bag{"path": path, "host": host}}
}

// ingress is a gateway as Esri's Terraform module makes it: listeners without
// host names, one certificate, pools of network interfaces.
// Source: Esri/arcgis-gitops, azure/arcgis-enterprise-core/ingress/main.tf.
func ingress(t *testing.T, tags bag, certificateNames ...string) cloud.Document {
	t.Helper()
	return ingressOf(certificateFor(t, "cert", certificateNames...), tags)
}

func ingressOf(certificate, tags bag) cloud.Document {
	return row("rg", kindGateway, "agw", tags, bag{
		"httpListeners":            []any{listener("public-443", "cert"), listener("private-443", "cert")},
		"frontendIPConfigurations": []any{bag{"name": "front", "properties": bag{"publicIPAddress": bag{"id": id("rg", kindAddress, "pip")}}}},
		"frontendPorts":            []any{bag{"name": "port443", "properties": bag{}}},
		"sslCertificates":          []any{certificate},
		"backendAddressPools": []any{
			bag{"name": "enterprise-base", "properties": bag{"backendIPConfigurations": []any{
				bag{"id": id("base-rg", "Microsoft.Network/networkInterfaces", "primary-nic") + "/ipConfigurations/internal"}}}},
			bag{"name": "notebook-server"},
		},
		"backendHttpSettingsCollection": []any{setting("server", 6443), setting("portal", 7443), setting("notebooks", 443)},
		"probes": []any{
			probe("server", "/arcgis/rest/info/healthcheck", ""), probe("portal", "/arcgis/portaladmin/healthCheck", ""),
			probe("notebooks", "/notebooks/rest/info/healthcheck", "maps.example.com"),
		},
		"urlPathMaps": []any{bag{"name": "https-443", "properties": bag{"pathRules": []any{
			pathRule("enterprise-base", "server", "/server", "/server/*"),
			pathRule("enterprise-base", "portal", "/portal", "/portal/*"),
			pathRule("notebook-server", "notebooks", "/notebooks", "/notebooks/*"),
		}}}},
		"requestRoutingRules": []any{bag{"name": "public", "properties": bag{
			"httpListener": child("httpListeners", "public-443"), "urlPathMap": child("urlPathMaps", "https-443")}}},
	})
}

func enterpriseTags(more bag) bag {
	return with(bag{"ArcGISEnterpriseID": "gis", "ArcGISIngressID": "main"}, more)
}

// terraformed is a virtual machine of the modules; all have the same name.
func terraformed(deployment, role string) cloud.Document {
	return row(deployment+"-rg", kindMachine, role, bag{"ArcGISEnterpriseID": "gis", "ArcGISDeploymentID": deployment, "ArcGISRole": role}, bag{
		"networkProfile": bag{"networkInterfaces": []any{bag{"id": id(deployment+"-rg", "microsoft.network/networkInterfaces", role+"-nic")}}},
	})
}

func TestGitOpsIsReadWhole(t *testing.T) {
	source := &azure{rows: []cloud.Document{ingress(t, enterpriseTags(nil), "*.example.com"), terraformed("base", "primary"), terraformed("base", "standby")}}
	found, err := Find(t.Context(), source, Scope{})
	if err != nil || len(found.Deployments) != 1 || source.queries != 1 || source.lists+source.gets != 0 {
		t.Fatalf("%d deployments after %d queries, %d lists, %d gets, error %v; want one of each of the first two only", len(found.Deployments), source.queries, source.lists, source.gets, err)
	}
	d := found.Deployments[0]
	if d.Generation != GitOps || d.ID != "gis-main" || d.Name != "agw" || !strings.Contains(d.ManagedBy, "Terraform") {
		t.Errorf("generation %s, id %s, name %s, managed by %q", d.Generation, d.ID, d.Name, d.ManagedBy)
	}
	if d.PortalContext != "portal" || d.ServerContext != "server" || !cmp.Equal(d.Sites, []Site{{Role: "NotebookServer", ServerContext: "notebooks"}}) {
		t.Errorf("contexts %q and %q, sites %+v; want those of the path rules", d.PortalContext, d.ServerContext, d.Sites)
	}
	if len(d.Machines) != 2 || d.Machines[0].DeploymentID != "base" || !cmp.Equal(d.Machines[0].Roles, []string{"primary"}) {
		t.Errorf("machines %+v, want both of the enterprise", d.Machines)
	}
	if len(d.Problems) != 0 || d.CannotUpdate != "" {
		t.Errorf("problems %v, %q; want none", d.Problems, d.CannotUpdate)
	}
}

// What marks the ingress may be lost from the gateway.
func TestGitOpsIsFoundByWhatIsLeft(t *testing.T) {
	address := publicIP("pip", enterpriseTags(nil), bag{"ipConfiguration": bag{"id": id("rg", kindGateway, "agw") + "/frontendIPConfigurations/front"}})
	old := terraformed("base", "primary")
	old["tags"] = bag{"ArcGISSiteId": "agw", "ArcGISDeploymentId": "base", "ArcGISRole": "primary"}
	for name, row := range map[string]struct {
		rows []cloud.Document
		id   string
	}{
		"tags of the gateway":        {[]cloud.Document{ingress(t, enterpriseTags(nil), "maps.example.com")}, "gis-main"},
		"in another case":            {[]cloud.Document{ingress(t, bag{"arcgisenterpriseid": "gis", "ARCGISINGRESSID": "main"}, "maps.example.com")}, "gis-main"},
		"tags of its public address": {[]cloud.Document{ingress(t, nil, "maps.example.com"), address}, "gis-main"},
		"a machine behind it, older": {[]cloud.Document{ingress(t, nil, "maps.example.com"), old}, "agw-agw"},
	} {
		t.Run(name, func(t *testing.T) {
			if d := findOne(t, row.rows...); d.Generation != GitOps || d.ID != row.id || d.Domain != "maps.example.com" {
				t.Errorf("generation %s, id %s, domain %s; want GitOps, %s, maps.example.com", d.Generation, d.ID, d.Domain, row.id)
			}
		})
	}
}

// Each source of the name is worse than the one before.
func TestNamesOfAGatewayWithoutHostNames(t *testing.T) {
	zone := row("rg", kindZone, "gis.example.org", enterpriseTags(nil), nil)
	address := publicIP("pip", enterpriseTags(nil), bag{"ipConfiguration": bag{"id": id("rg", kindGateway, "agw") + "/x"}, "dnsSettings": bag{"fqdn": "gis.westeurope.cloudapp.azure.com"}})
	for _, row := range []struct {
		name  string
		rows  []cloud.Document
		names []string
	}{
		{"private DNS zone of the ingress", []cloud.Document{ingress(t, enterpriseTags(nil), "*.example.com"), zone, address}, []string{"gis.example.org"}},
		{"probe's host that the certificate covers", []cloud.Document{ingress(t, enterpriseTags(nil), "*.example.com", "www.example.com"), address}, []string{"maps.example.com"}},
		{"names of the certificate", []cloud.Document{ingress(t, enterpriseTags(nil), "a.example.net", "b.example.net", "*.example.net"), address}, []string{"a.example.net", "b.example.net"}},
		{"Azure's name of the address", []cloud.Document{ingress(t, enterpriseTags(nil), "*.westeurope.cloudapp.azure.com"), address}, []string{"gis.westeurope.cloudapp.azure.com"}},
		{"none", []cloud.Document{ingress(t, enterpriseTags(nil), "*.example.org"), address}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := findOne(t, row.rows...)
			if diff := cmp.Diff(row.names, d.Names()); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
			if (row.names == nil) != strings.Contains(d.CannotUpdate, "--name") {
				t.Errorf("CannotUpdate = %q with names %v", d.CannotUpdate, row.names)
			}
		})
	}
}

// What one listener's wildcard does not answer is still there for the next.
func TestEachWildcardListenerTakesItsNames(t *testing.T) {
	two := ingress(t, enterpriseTags(nil), "*.example.org", "*.example.net")
	two["properties"].(bag)["httpListeners"] = []any{listener("net", "cert", "*.example.net"), listener("org", "cert", "*.example.org")}
	d := findOne(t, two, row("rg", kindZone, "gis.example.org", enterpriseTags(nil), nil), row("rg", kindZone, "gis.example.net", enterpriseTags(nil), nil))
	if diff := cmp.Diff([]string{"gis.example.net", "gis.example.org"}, d.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if slices.Contains(codes(d.Problems), ProblemNamelessListener) {
		t.Errorf("problems %v, want no nameless listener", d.Problems)
	}
}

// Two ingresses of one enterprise: a machine belongs to the one whose pool has it.
func TestMachinesOfTwoIngresses(t *testing.T) {
	second := ingress(t, enterpriseTags(bag{"ArcGISIngressID": "second"}), "second.example.com")
	second["id"], second["name"] = id("rg2", kindGateway, "gis-second"), "gis-second"
	second["properties"].(bag)["backendAddressPools"] = nil
	f := find(t, ingress(t, enterpriseTags(nil), "maps.example.com"), second, terraformed("base", "primary"))
	got := map[string]int{}
	for _, d := range f.Deployments {
		got[d.ID] = len(d.Machines)
	}
	if want := map[string]int{"gis-main": 1, "gis-second": 0}; !cmp.Equal(want, got) {
		t.Errorf("machines by ingress %v, want %v", got, want)
	}
}

func TestGitOpsWithoutResourceGraph(t *testing.T) {
	source := &azure{rows: []cloud.Document{ingress(t, enterpriseTags(nil), "maps.example.com"), terraformed("base", "primary")}, queryErr: refused(http.StatusForbidden)}
	found, err := Find(t.Context(), source, Scope{Subscriptions: []string{subscription}})
	if err != nil || len(found.Deployments) != 1 {
		t.Fatalf("%d deployments, %v; want 1", len(found.Deployments), err)
	}
	if d := found.Deployments[0]; d.Generation != GitOps || d.Domain != "maps.example.com" || len(d.Machines) != 1 {
		t.Errorf("got %+v", d)
	}
}

// certificateFor is an sslCertificates entry whose leaf is for names.
func certificateFor(t testing.TB, name string, dnsNames ...string) bag {
	t.Helper()
	der := selfSigned(t, tomorrow(), dnsNames...)
	return bag{"name": name, "id": id("rg", kindGateway, "agw") + "/sslCertificates/" + name, "properties": bag{"publicCertData": base64.StdEncoding.EncodeToString(der)}}
}
