package deployment

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// shared is the gateway of a sound deployment that also has a listener of a
// stand-alone image site and one of another team's web site.
func shared() []cloud.Document {
	rows := sound()
	rows[0] = gateway(record(), []any{
		listener("https", "frontendCert", "gis.example.com", "gis.internal.example.com"),
		listener("image", "imageCert", "image.example.com"),
		listener("web", "webCert", "www.example.com"),
	}, "bmServer-0", "bmPortal-0")
	properties := rows[0]["properties"].(bag)
	properties["backendAddressPools"] = append(properties["backendAddressPools"].([]any),
		bag{"name": "imagePool", "properties": bag{"backendAddresses": []any{bag{"fqdn": "imServer-0.internal.cloudapp.net"}}}},
		bag{"name": "webPool", "properties": bag{"backendAddresses": []any{bag{"fqdn": "web-0.internal.cloudapp.net"}}}})
	properties["backendHttpSettingsCollection"] = []any{setting("image", 6443)}
	properties["urlPathMaps"] = []any{bag{"name": "image", "properties": bag{"pathRules": []any{pathRule("imagePool", "image", "/image", "/image/*")}}}}
	properties["requestRoutingRules"] = []any{
		bag{"name": "gis", "properties": bag{"httpListener": child("httpListeners", "https"), "backendAddressPool": child("backendAddressPools", "pool")}},
		bag{"name": "image", "properties": bag{"httpListener": child("httpListeners", "image"), "urlPathMap": child("urlPathMaps", "image")}},
		bag{"name": "web", "properties": bag{"httpListener": child("httpListeners", "web"), "backendAddressPool": child("backendAddressPools", "webPool")}},
	}
	return append(rows,
		machine("imServer-0", bag{"arcgis-deployment-id": "dep9", "arcgis-vm-roles": "Server"}),
		machine("web-0", bag{"team": "web"}))
}

func TestAStandAloneSiteOnASharedGateway(t *testing.T) {
	f := find(t, shared()...)
	if len(f.Deployments) != 2 {
		t.Fatalf("%d deployments, want the base and the site: %+v", len(f.Deployments), f.Deployments)
	}
	base, err := Select(f.Deployments, "gis.example.com")
	if err != nil || len(base.Machines) != 2 || len(base.Problems) != 0 {
		t.Errorf("base: %d machines, problems %v, error %v; want 2 of its own and none", len(base.Machines), base.Problems, err)
	}
	site, err := Select(f.Deployments, "image.example.com")
	if err != nil {
		t.Fatal(err)
	}
	if site.ID != "dep9" || site.SharedWith != "dep1" || site.GatewayID != base.GatewayID || site.ServerContext != "image" {
		t.Errorf("site: id %s, shared with %s, gateway %s, context %s", site.ID, site.SharedWith, site.GatewayID, site.ServerContext)
	}
	if want := []string{"image.example.com"}; !cmp.Equal(want, site.Names()) || len(site.Problems) != 0 || len(site.Machines) != 1 {
		t.Errorf("site: names %v, problems %v, %d machines; want %v, none, 1", site.Names(), site.Problems, len(site.Machines), want)
	}
}

// The base deployment may record the site as if it were federated.
func TestARecordedStandAloneSiteOnASharedGateway(t *testing.T) {
	rows := shared()
	rows[0]["tags"] = with(record(), bag{
		"FS@ImageServer@image,@dep9@20250102T030405Z@11.4@@False,False":     "imrg,westeurope@im@rg,store,False@@False,0000",
		"FS@MissionServer@mission,@dep8@20250102T030405Z@11.4@@False,False": "mirg,westeurope@mi@rg,store,False@@False,0000",
	})
	rows = append(rows, machine("miServer-0", bag{"arcgis-deployment-id": "dep8", "arcgis-vm-roles": "Server"}))
	f := find(t, rows...)
	base, _ := Select(f.Deployments, "dep1")
	if len(base.Sites) != 1 || base.Sites[0].Role != "MissionServer" || len(base.Machines) != 3 {
		t.Errorf("base: sites %+v, %d machines; want the federated one, and 3", base.Sites, len(base.Machines))
	}
	site, err := Select(f.Deployments, "image.example.com")
	if err != nil || site.Name != "im" || site.ServerRole != "ImageServer" || site.Version != "11.4" || site.SharedWith != "dep1" || len(site.Problems) != 0 {
		t.Errorf("site %+v, %v", site, err)
	}
}

// The gateway's id fits both deployments, so it does not decide between them.
func TestASharedGatewayIsAmbiguous(t *testing.T) {
	f := find(t, shared()...)
	_, err := Select(f.Deployments, gatewayID())
	ambiguous, ok := err.(*AmbiguousError)
	if !ok || len(ambiguous.Candidates) != 2 {
		t.Fatalf("error %v, want two candidates", err)
	}
	for _, c := range ambiguous.Candidates {
		if d, err := Select(f.Deployments, c.Use); err != nil || d.ID != c.Deployment.ID {
			t.Errorf("%q is offered and gives %s, %v; want %s", c.Use, d.ID, err, c.Deployment.ID)
		}
	}
	if d, ok := Again(f.Deployments, gatewayID(), "DEP9"); !ok || d.ID != "dep9" {
		t.Errorf("found again: %s, %v; want dep9", d.ID, ok)
	}
	if _, ok := Again(f.Deployments, gatewayID(), "gone"); ok {
		t.Error("found again what is not there")
	}
}

// A machine behind the deployment's own names is no site of its own.
func TestAForeignMachineBehindTheOwnListener(t *testing.T) {
	rows := sound()
	rows[2] = machine("bmServer-0", bag{"arcgis-deployment-id": "dep7", "arcgis-vm-roles": "Server"})
	f := find(t, rows...)
	for _, d := range f.Deployments {
		if d.SharedWith != "" {
			t.Errorf("%s was made a site on the shared gateway: %+v", d.ID, d)
		}
	}
}
