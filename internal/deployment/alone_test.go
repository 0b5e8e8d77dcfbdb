package deployment

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

func gatewayID() string { return id("rg", kindGateway, "agw") }

func alone(t *testing.T, document cloud.Document, names ...string) Deployment {
	t.Helper()
	// Nothing else may be read: neither lists nor the public address.
	source := &azure{rows: []cloud.Document{document}, errs: map[string]error{id("rg", kindAddress, "bmPublicIP"): refused(http.StatusForbidden)}}
	d, err := OfGateway(t.Context(), source, gatewayID(), names)
	if err != nil {
		t.Fatal(err)
	}
	if source.queries+source.lists != 0 {
		t.Errorf("%d queries and %d lists, want none", source.queries, source.lists)
	}
	return d
}

func TestNamesOfAGatewayThatIsPointedAt(t *testing.T) {
	certificates := func(names ...string) []any { return []any{certificateFor(t, "c", names...)} }
	for _, row := range []struct {
		name         string
		listeners    []any
		certificates []any
		given        []string
		want         []string
		codes        []string
	}{
		{"host names", []any{listener("a", "c", "www.example.com"), listener("b", "c", "Shop.example.com", "www.example.com")}, nil, nil, []string{"www.example.com", "shop.example.com"}, []string{}},
		{"no host names: the certificate's", []any{listener("a", "c")}, certificates("www.example.com", "*.example.com"), nil, []string{"www.example.com"}, []string{}},
		{"a wildcard: names of the certificate that fit", []any{listener("a", "c", "*.example.com")}, certificates("www.example.com", "www.example.org"), nil, []string{"www.example.com"}, []string{}},
		{"a wildcard alone", []any{listener("a", "c", "*.example.com")}, certificates("*.example.com"), nil, nil, []string{ProblemNoDomain}},
		{"a wildcard beside a name", []any{listener("a", "c", "www.example.com"), listener("b", "c", "*.example.org")}, certificates("*.example.org"), nil, []string{"www.example.com"}, []string{ProblemNamelessListener}},
		{"a wildcard, named", []any{listener("a", "c", "*.example.com")}, certificates("*.example.com"), []string{"GIS.example.com."}, []string{"gis.example.com"}, []string{}},
		{"given names go alone", []any{listener("a", "c", "www.example.com"), listener("b", "c", "shop.example.com")}, nil, []string{"shop.example.com"}, []string{"shop.example.com"}, []string{}},
		{"a name that nobody answers to", []any{listener("a", "c", "www.example.com")}, nil, []string{"other.example.com"}, []string{"other.example.com"}, []string{ProblemDomainNotServed}},
	} {
		t.Run(row.name, func(t *testing.T) {
			document := gateway(nil, row.listeners, "web-0")
			document["properties"].(bag)["sslCertificates"] = row.certificates
			d := alone(t, document, row.given...)
			if diff := cmp.Diff(row.want, d.Names()); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(row.codes, codes(d.Problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if d.Generation != Plain || !d.Alone || d.ID != "" || d.PortalContext+d.ServerContext != "" {
				t.Errorf("generation %s, id %q, contexts %q %q; want a gateway without a record", d.Generation, d.ID, d.PortalContext, d.ServerContext)
			}
		})
	}
}

// Whoever points at a gateway with a record gets what the record says.
func TestAGatewayThatIsPointedAtKeepsItsRecord(t *testing.T) {
	document := gateway(record(), []any{listener("https", "c", "gis.example.com", "gis.internal.example.com", "extra.example.com")}, "bmServer-0")
	d := alone(t, document, "extra.example.com")
	if d.Generation != V2 || d.ID != "dep1" || d.PortalContext != "portal" || len(d.Problems) != 0 {
		t.Errorf("generation %s, id %s, portal %s, problems %v; want what the tags record", d.Generation, d.ID, d.PortalContext, d.Problems)
	}
	if want := []string{"gis.example.com", "gis.internal.example.com", "extra.example.com"}; !cmp.Equal(want, d.Names()) {
		t.Errorf("names %v, want %v", d.Names(), want)
	}
}

// Esri's Terraform layout is known by the tags of the gateway alone, without
// its machines and its DNS zone.
func TestAGitOpsGatewayThatIsPointedAt(t *testing.T) {
	d := alone(t, ingress(t, enterpriseTags(nil), "*.example.com"))
	if d.Generation != GitOps || d.ID != "gis-main" || d.Domain != "maps.example.com" || d.PortalContext != "portal" || len(d.Problems) != 0 {
		t.Errorf("generation %s, id %s, domain %s, portal %s, problems %v", d.Generation, d.ID, d.Domain, d.PortalContext, d.Problems)
	}
}

func TestOfGatewayRefusesWhatIsNone(t *testing.T) {
	source := &azure{rows: sound()}
	for _, row := range []struct{ id, name, want string }{
		{"agw", "", "not the resource id"},
		{id("rg", kindAddress, "bmPublicIP"), "", "not the resource id"},
		{gatewayID(), "*.example.com", "no wildcard"},
		{id("rg", kindGateway, "gone"), "", "no such resource"},
	} {
		_, err := OfGateway(t.Context(), source, row.id, strings.Fields(row.name))
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s, %s: error %v, want one with %q", row.id, row.name, err, row.want)
		}
	}
}

// Names can be given to a deployment whose record has lost its domain.
func TestNamedMendsALostDomain(t *testing.T) {
	lost := gateway(with(record(), bag{"arcgis-deployment-domain": nil, "arcgis-deployment-secondary-domain": nil}), []any{listener("a", "c")}, "bmServer-0")
	d, err := findOne(t, append(sound()[1:], lost)...).Named([]string{"gis.example.com"})
	if err != nil || d.Domain != "gis.example.com" || d.CannotUpdate != "" || len(d.Problems) != 0 {
		t.Errorf("domain %q, CannotUpdate %q, problems %v, error %v; want the name and nothing wrong", d.Domain, d.CannotUpdate, d.Problems, err)
	}
}

func TestPrivateAddressSaysWhereItIs(t *testing.T) {
	document := gateway(record(), []any{listener("https", "c", "gis.example.com")}, "bmServer-0")
	document["properties"].(bag)["frontendIPConfigurations"] = []any{
		bag{"name": "front", "properties": bag{"privateIPAddress": "10.2.0.10", "subnet": bag{"id": id("netrg", "Microsoft.Network/virtualNetworks", "hub") + "/subnets/gateways"}}},
		// The public address that Azure wanted and nothing uses is no way in.
		bag{"name": "unused", "properties": bag{"publicIPAddress": bag{"id": id("rg", kindAddress, "unusedIP")}}},
	}
	want := []Address{{IP: "10.2.0.10", Private: true, Network: &Network{Name: "hub", ResourceGroup: "netrg", Subnet: "gateways"}}}
	if diff := cmp.Diff(want, alone(t, document).Addresses); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
}
