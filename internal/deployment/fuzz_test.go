package deployment

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// Whatever rows come, Find does not panic, and everything that it says is fit
// to be shown.
func FuzzRows(f *testing.F) {
	whole, err := json.Marshal(sound())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	for _, rows := range [][]cloud.Document{shared(), {ingressOf(bag{"name": "cert"}, enterpriseTags(nil)), terraformed("base", "primary")}} {
		seed, err := json.Marshal(rows)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	gatewayID, machineID := id("rg", kindGateway, "agw"), id("rg", kindMachine, "m")
	for _, seed := range []string{
		`[]`,
		`[null, {}, {"id": 5}, {"id": "/subscriptions"}]`,
		`[{"id": "` + gatewayID + `", "tags": [], "properties": "none"}]`,
		`[{"id": "` + gatewayID + `", "tags": {"FS@": null, "fs@a@b@c@d@e@f@g@h@@@": "@@@,,,@"}, "properties": {"httpListeners": [null, {"properties": {"hostNames": [1, null]}}], "probes": [5]}}]`,
		`[{"id": "` + gatewayID + `", "tags": {"arcgis-deployment-id": "\u001b[2J\u202e", "arcgis-deployment-info": "@@@@@@@@@@@@"}}]`,
		`[{"id": "` + machineID + `", "tags": {"Arcgis-Deployment-Id": "x", "arcgis-vm-roles": ",,,"}}]`,
		`[{"id": "` + id("rg", kindAddress, "p") + `", "tags": {"arcgis-deployment-info": "a"}, "properties": {"dnsSettings": []}}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var list []json.RawMessage
		if json.Unmarshal(data, &list) != nil {
			return
		}
		var rows []cloud.Document
		for _, raw := range list {
			var row cloud.Document
			if json.Unmarshal(raw, &row) == nil {
				rows = append(rows, row)
			}
		}
		found := found(rows, nil)
		for _, p := range found.Notes {
			shown(t, p.Sentence)
		}
		for _, d := range found.Deployments {
			for _, text := range append([]string{d.ID, d.Name, d.Version, d.Domain, d.SecondaryDomain, d.GatewayID, d.Location, d.CannotUpdate, d.ServerContext, d.PortalContext, d.SharedWith, d.ManagedBy, d.Layout()}, d.handles()...) {
				shown(t, text)
			}
			for _, p := range d.Problems {
				shown(t, p.Sentence)
			}
			for _, s := range d.Sites {
				shown(t, s.ID+s.Role+s.ServerContext+s.Version+s.ResourceGroup+s.Prefix)
			}
			_, err := Select(found.Deployments, d.GatewayID)
			if _, ambiguous := errors.AsType[*AmbiguousError](err); d.GatewayID != "" && err != nil && !ambiguous {
				t.Errorf("cannot select %q: %v", d.GatewayID, err)
			}
		}
		// Each gateway may be pointed at as well.
		a := sortOut(readResources(rows))
		for _, g := range a.gateways {
			d := a.alone(g, []string{"gis.example.com"})
			shown(t, d.Name+d.ID+d.CannotUpdate+d.Layout())
			for _, name := range d.Names() {
				if !isHostName(name) {
					t.Errorf("%q is taken for a name", name)
				}
			}
			for _, p := range d.Problems {
				shown(t, p.Sentence)
			}
		}
	})
}
