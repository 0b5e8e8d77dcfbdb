package sim

// frontend is one address of a gateway.
type frontend struct {
	name     string
	publicID string // of its public IP address, or
	private  string // its static private address
}

// frontends of a gateway; the listeners of the deployment are at the last.
// Source: Esri/arcgis-azure-templates, Releases/11.4/Templates/gisserver.json,
// publicIPFrontEndConfiguration and privateIPFrontEndConfiguration.
func (p place) frontends() []frontend {
	main := frontend{name: p.Prefix + "EnterpriseAppGatewayFrontendIP"}
	if p.Public != "" {
		main.publicID = p.publicID()
		return []frontend{main}
	}
	main.private = p.Private
	if p.UnusedPublic == "" {
		return []frontend{main}
	}
	return []frontend{{name: unusedFrontend, publicID: p.unusedPublicID()}, main}
}

const unusedFrontend = "unusedAppGatewayFrontendPublicIP"

func (p place) unusedPublicID() string {
	return p.id("Microsoft.Network/publicIPAddresses", p.unusedPublicName()+"UnusedPublicIP")
}

// Source: as above, unusedPublicIPPWhenUsingPrivateIPDnsPrefix.
func (p place) unusedPublicName() string { return "ip" + p.deploymentID() + "server" }

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

// publicAddresses are the public IP addresses of the gateway, as resources.
func (p place) publicAddresses() []tree {
	switch {
	case p.Public != "":
		return []tree{p.publicAddress()}
	case p.UnusedPublic != "":
		return []tree{p.addressDocument(p.unusedPublicID(), p.UnusedPublic, p.unusedPublicName(), unusedFrontend)}
	}
	return nil
}

func (p place) publicAddress() tree {
	return p.addressDocument(p.publicID(), p.Public, p.Prefix+"dns", p.Prefix+"EnterpriseAppGatewayFrontendIP")
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
	for _, m := range p.allMachines() {
		w.ground.Inside.Name(p.fqdn(m), m.Address)
		w.ground.Inside.Name(m.Name, m.Address)
	}
}

// entry is the address behind the deployment's name.
func (p place) entry() string {
	if p.Public != "" {
		return p.Public
	}
	return p.Private
}
