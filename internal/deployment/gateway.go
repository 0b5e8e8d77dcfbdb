package deployment

import (
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// fromGateway makes a deployment of a gateway. ok is false for a gateway that
// has nothing to do with ArcGIS.
func (a *assembly) fromGateway(r resource) (d Deployment, ok bool) {
	d = a.plainGateway(r)
	behind := a.behind(r, d.Gateway)
	if !r.tags.recorded() && len(behind) == 0 {
		if e, ok := a.enterpriseOf(r, d.Gateway); ok {
			a.readEnterprise(&d, e)
			return d, true
		}
	}
	d.Generation = V2
	d.readRecord(r.tags)
	if !r.tags.recorded() && len(behind) == 0 && !arcgisProbes(r.document) {
		return Deployment{}, false
	}
	d.identify(behind)
	a.attach(&d, behind)
	if r.tags.get(tagInfo) == "" {
		d.problem(ProblemMalformedInfo, "The tag %s is missing, so prefix, network and contexts are not known.", tagInfo)
	}
	return d, true
}

// plainGateway is what any gateway tells of itself.
func (a *assembly) plainGateway(r resource) Deployment {
	d := Deployment{
		Generation:     Plain,
		SubscriptionID: r.subscription,
		ResourceGroup:  r.group,
		Location:       r.location,
		GatewayID:      r.id,
	}
	gateway, err := cloud.ParseGateway(r.document)
	if err == nil && len(properties(r.document)) > 0 {
		d.Gateway = gateway
		d.Addresses = a.addressesOf(gateway)
	}
	return d
}

// identify takes the id from the machines behind the gateway when the
// gateway's own tag is gone.
func (d *Deployment) identify(behind []resource) {
	if d.ID != "" {
		return
	}
	for _, m := range behind {
		id := m.tags.get(tagID)
		if id == "" || d.site(id) != nil {
			continue
		}
		d.ID = id
		d.problem(ProblemNoID, "The gateway has no tag %s; the id %s is that of its machine %s. Put the tag back, or Cloud Builder will not find this deployment.", tagID, id, m.name)
		return
	}
	d.problem(ProblemNoID, "The gateway has no tag %s, and no machine behind it names one: its tags are lost, or it was not made by Cloud Builder.", tagID)
}

// behind are the known machines in the gateway's backend pools. Cloud Builder
// enters them by full name, of which the first label is the machine's name;
// names are unique within a resource group only, so the gateway's own group
// goes first, and beyond it a name counts only if there is one such machine.
func (a *assembly) behind(r resource, gateway *cloud.Gateway) []resource {
	if gateway == nil {
		return nil
	}
	var list []resource
	seen := map[string]bool{}
	for _, pool := range gateway.Pools() {
		for _, address := range pool.Addresses {
			name, _, _ := strings.Cut(strings.ToLower(address), ".")
			if seen[name] {
				continue
			}
			seen[name] = true
			if m, ok := a.machineNamed(r, name); ok {
				list = append(list, m)
			}
		}
	}
	return list
}

func (a *assembly) machineNamed(gateway resource, name string) (resource, bool) {
	candidates := a.byName[strings.ToLower(gateway.subscription)+"/"+name]
	for _, m := range candidates {
		if strings.EqualFold(m.group, gateway.group) {
			return m, true
		}
	}
	if len(candidates) == 1 {
		return candidates[0], true
	}
	return resource{}, false
}

// addressesOf are the frontends of the gateway's HTTPS listeners.
func (a *assembly) addressesOf(gateway *cloud.Gateway) []Address {
	var list []Address
	seen := map[string]bool{}
	for _, l := range gateway.HTTPSListeners() {
		key := strings.ToLower(l.FrontendName)
		if seen[key] || l.FrontendName == "" {
			continue
		}
		seen[key] = true
		if l.Private {
			list = append(list, Address{IP: clean(l.PrivateIP, maxTag), Private: true, Network: NetworkOf(l.SubnetID)})
			continue
		}
		public := a.addresses[strings.ToLower(l.PublicIPID)]
		list = append(list, Address{IP: public.text("ipAddress"), Name: strings.ToLower(public.text("dnsSettings", "fqdn"))})
	}
	return list
}

func properties(document cloud.Document) map[string]any {
	tree, _ := document["properties"].(map[string]any)
	return tree
}

// arcgisProbes tells whether a gateway asks its backends for the health checks
// of Portal or Server, which nothing but ArcGIS has.
func arcgisProbes(document cloud.Document) bool {
	probes, _ := properties(document)["probes"].([]any)
	for _, p := range probes {
		probe, _ := p.(map[string]any)
		settings, _ := probe["properties"].(map[string]any)
		path, _ := settings["path"].(string)
		if hasPrefixFold(path, "/arcgis/") {
			return true
		}
	}
	return false
}
