package sim

// frontend is one address of a gateway.
type frontend struct {
	name     string
	publicID string // of its public IP address, or
	private  string // its static private address
}

// frontends of a gateway.
// Source: Esri/arcgis-azure-templates, Releases/11.4/Templates/gisserver.json,
// publicIPFrontEndConfiguration and privateIPFrontEndConfiguration.
func (p place) frontends() []frontend {
	var list []frontend
	switch {
	case p.Public != "":
		list = append(list, frontend{name: p.mainFrontend(), publicID: p.publicID()})
	case p.UnusedPublic != "":
		list = append(list, frontend{name: unusedFrontend, publicID: p.unusedPublicID()})
	}
	if p.Private != "" {
		list = append(list, frontend{name: p.privateFrontend(), private: p.Private})
	}
	return list
}

// mainFrontend is the one that Cloud Builder's listeners are at.
func (p place) mainFrontend() string { return p.section() + "AppGatewayFrontendIP" }

// privateFrontend is the main one where there is no public address. A second
// one beside a public is not made by Cloud Builder; its name is anybody's.
func (p place) privateFrontend() string {
	if p.Public != "" {
		return "appGwPrivateFrontendIp"
	}
	return p.mainFrontend()
}

const unusedFrontend = "unusedAppGatewayFrontendPublicIP"

func (p place) unusedPublicID() string {
	return p.id("Microsoft.Network/publicIPAddresses", p.unusedPublicName()+"UnusedPublicIP")
}

// Source: as above, unusedPublicIPPWhenUsingPrivateIPDnsPrefix.
func (p place) unusedPublicName() string { return "ip" + p.deploymentID() + p.serverContext() }

func (p place) frontendDocuments() []any {
	var out []any
	for _, f := range p.frontends() {
		properties := tree{"privateIPAllocationMethod": "Dynamic", "publicIPAddress": tree{"id": f.publicID}}
		if f.private != "" {
			properties = tree{"privateIPAllocationMethod": "Static", "privateIPAddress": f.private, "subnet": tree{"id": p.networkID() + "/subnets/appgateway"}}
		}
		out = append(out, tree{"name": f.name, "properties": properties})
	}
	return out
}

// publicAddresses are the public IP addresses of the gateway, as resources, or
// what a V1 deployment has instead of a gateway.
func (p place) publicAddresses() []tree {
	switch {
	case p.Kind == kindV1:
		return p.v1Resources()
	case p.Public != "":
		return []tree{p.publicAddress()}
	case p.UnusedPublic != "":
		return []tree{p.addressDocument(p.unusedPublicID(), p.UnusedPublic, p.unusedPublicName(), unusedFrontend)}
	}
	return nil
}

func (p place) publicAddress() tree {
	return p.addressDocument(p.publicID(), p.Public, p.Prefix+"dns", p.mainFrontend())
}

func (p place) addressDocument(id, address, label, frontend string) tree {
	return tree{"id": id, "location": p.location, "sku": tree{"name": "Standard"}, "properties": tree{
		"provisioningState": "Succeeded", "ipAddress": address, "publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4",
		"dnsSettings":     tree{"domainNameLabel": label, "fqdn": label + "." + p.location + "." + p.cloud.Apps},
		"ipConfiguration": tree{"id": p.gatewayID() + "/frontendIPConfigurations/" + frontend}}}
}

// addNames makes the deployment's names resolve: the domain where its gateway
// is entered, the secondary name in the private DNS.
func (w *World) addNames(p place) {
	if p.Public != "" {
		w.ground.Outside.Name(p.Domain, p.Public)
	} else {
		w.ground.Inside.Name(p.Domain, p.Private)
	}
	if p.Secondary != "" {
		w.ground.Inside.Name(p.Secondary, p.entry())
	}
	for _, l := range p.Listeners {
		for _, name := range l.resolved() {
			if l.Frontend == "private" {
				w.ground.Inside.Name(name, p.Private)
			} else {
				w.ground.Outside.Name(name, p.Public)
			}
		}
	}
	for _, m := range p.allMachines() {
		w.ground.Inside.Name(p.fqdn(m), m.Address)
		if p.Kind != kindGitOps { // there, each deployment has a "primary"
			w.ground.Inside.Name(m.Name, m.Address)
		}
	}
}

// entry is the address behind the deployment's name.
func (p place) entry() string {
	if p.Public != "" {
		return p.Public
	}
	return p.Private
}
