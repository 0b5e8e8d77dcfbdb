package rehearsal

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/shape"
)

// machines are the virtual machines, with their documents.
func (c *copier) machines() []any {
	list := []any{}
	free := c.freeAddresses()
	var unseen []string
	for i, m := range c.shape.Machines {
		address := c.addressOf(m)
		if address == "" && len(m.Interfaces) > 0 && len(c.poolsOf(m)) > 0 && len(free) > 0 {
			address, free = free[0], free[1:]
		}
		if address == "" {
			address = fmt.Sprintf("10.254.%d.%d", i/250, i%250+4) // nobody tells it
		}
		free = slices.DeleteFunc(free, func(one string) bool { return one == address })
		c.addresses[strings.ToLower(m.Host)] = address
		list = append(list, tree{"name": m.Name, "fqdn": m.Host, "id": m.ID, "os": m.OS, "off": m.Off, "address": address, "roles": m.Roles})
		if m.ID != "" {
			c.addMachine(m, address)
		}
		if m.Off {
			c.missing("machine " + m.Name + " does not run; it does not in the rehearsal, either")
		}
		if !m.Looked && len(m.Components) > 0 && !m.Off {
			unseen = append(unseen, m.Name)
		}
	}
	if len(unseen) > 0 {
		c.missing("what is in the keystores of " + strings.Join(unseen, ", ") + ", which were not looked at: keystores and settings are as Cloud Builder makes them, certificates as the gateway's trusted roots tell")
	}
	return list
}

// freeAddresses are those at which the gateway asks its backends.
func (c *copier) freeAddresses() []string {
	var list []string
	for _, server := range c.shape.Health {
		if net.ParseIP(server.Address) != nil && !slices.Contains(list, server.Address) {
			list = append(list, server.Address)
		}
	}
	return list
}

// addressOf is a machine's address as far as something tells it: its own
// certificate may name it.
func (c *copier) addressOf(m shape.Machine) string {
	if net.ParseIP(m.Host) != nil {
		return m.Host
	}
	for _, component := range m.Components {
		if len(component.Chain) == 0 {
			continue
		}
		for _, name := range c.certificates[component.Chain[0]].Names {
			if ip := net.ParseIP(name); ip != nil && ip.IsPrivate() {
				return name
			}
		}
	}
	return ""
}

// poolsOf are the ids of the pools that a machine's interfaces are in, by the
// configuration that is.
func (c *copier) poolsOf(m shape.Machine) map[string][]string {
	pools := map[string][]string{}
	for _, child := range children(c.shape.Gateway, "backendAddressPools") {
		properties, _ := child["properties"].(tree)
		list, _ := properties["backendIPConfigurations"].([]any)
		for _, item := range list {
			reference, _ := item.(tree)
			id, _ := reference["id"].(string)
			nic, _, _ := strings.Cut(id, "/ipConfigurations/")
			if slices.ContainsFunc(m.Interfaces, func(own string) bool { return cloud.SameID(own, nic) }) {
				name, _ := child["name"].(string)
				pools[id] = append(pools[id], c.gateway.ID()+"/backendAddressPools/"+name)
			}
		}
	}
	return pools
}

func children(document tree, collection string) []tree {
	properties, _ := document["properties"].(tree)
	list, _ := properties[collection].([]any)
	var out []tree
	for _, item := range list {
		if child, ok := item.(tree); ok {
			out = append(out, child)
		}
	}
	return out
}

// addMachine adds the documents of a virtual machine and its interfaces, with
// the tags that discovery goes by.
func (c *copier) addMachine(m shape.Machine, address string) {
	d := c.shape.Deployment
	tags := tree{"arcgis-vm-roles": strings.Join(m.Roles, ",")}
	if m.DeploymentID != "" {
		tags["arcgis-deployment-id"] = m.DeploymentID
	}
	if d.Generation == deployment.GitOps {
		tags = tree{"ArcGISEnterpriseID": d.Enterprise, "ArcGISDeploymentID": m.DeploymentID, "ArcGISRole": strings.Join(m.Roles, ",")}
	}
	var nics []any
	pools := c.poolsOf(m)
	for _, id := range m.Interfaces {
		nics = append(nics, tree{"id": id})
		configurations := []any{}
		for configuration, in := range pools {
			if nic, name, _ := strings.Cut(configuration, "/ipConfigurations/"); cloud.SameID(nic, id) {
				references := []any{}
				for _, pool := range in {
					references = append(references, tree{"id": pool})
				}
				configurations = append(configurations, tree{"name": name, "id": configuration, "properties": tree{"privateIPAddress": address, "primary": true, "applicationGatewayBackendAddressPools": references}})
			}
		}
		if len(configurations) == 0 {
			configurations = append(configurations, tree{"name": "ipconfig", "id": id + "/ipConfigurations/ipconfig", "properties": tree{"privateIPAddress": address, "primary": true}})
		}
		c.add(tree{"id": id, "location": d.Location, "properties": tree{"provisioningState": "Succeeded", "virtualMachine": tree{"id": m.ID}, "ipConfigurations": configurations}})
	}
	system, profile := "Windows", tree{"computerName": m.Name, "adminUsername": "unknown", "windowsConfiguration": tree{"provisionVMAgent": true}}
	if m.OS == "linux" {
		system, profile = "Linux", tree{"computerName": m.Name, "adminUsername": "unknown", "linuxConfiguration": tree{"provisionVMAgent": true}}
	}
	properties := tree{"provisioningState": "Succeeded", "osProfile": profile, "networkProfile": tree{"networkInterfaces": nics}}
	if m.OS != "" {
		properties["storageProfile"] = tree{"osDisk": tree{"osType": system}}
	}
	c.add(tree{"id": m.ID, "location": d.Location, "tags": tags, "properties": properties})
}

// placed is what a site of the world is made of.
type placed struct {
	site     tree
	machines []any
}

// sites are the sites of ArcGIS software on the machines that run.
func (c *copier) sites() []any {
	d := c.shape.Deployment
	sites := map[string]*placed{}
	var order []string
	for _, m := range c.shape.Machines {
		if m.Off {
			continue
		}
		for _, component := range m.Components {
			product := products[component.Product]
			if product == "" {
				continue // it is beside another one, below
			}
			context := m.Site
			switch component.Product {
			case machine.Portal:
				context = cmp.Or(d.PortalContext, "portal")
			case machine.DataStore:
				context = ""
			}
			key := product + " " + context
			if sites[key] == nil {
				sites[key] = &placed{site: c.siteOf(product, context, m, component)}
				order = append(order, key)
			}
			sites[key].machines = append(sites[key].machines, c.inSite(m, component, len(sites[key].machines)))
		}
	}
	list := []any{}
	for _, key := range order {
		site := sites[key].site
		site["machines"] = sites[key].machines
		list = append(list, site)
	}
	return list
}

// siteOf is what the first of a site's machines tells of it.
func (c *copier) siteOf(product, context string, m shape.Machine, component shape.Component) tree {
	d := c.shape.Deployment
	version := versionOf(component.Version)
	host, federated := d.Domain, d.Shared == ""
	for _, site := range d.Sites {
		if site.ServerContext == context && component.Product != machine.Portal {
			version = cmp.Or(version, versionOf(site.Version))
		}
	}
	version = cmp.Or(version, versionOf(d.Version))
	if version == "" {
		version = "11.5"
		c.missing("the version of ArcGIS Enterprise is not known: 11.5 stands in")
	}
	site := tree{"product": product, "version": version, "host": host, "context": context, "with-portal": federated && d.PortalContext != "" && product != "portal" && product != "datastore"}
	var also []int
	for _, other := range m.Components {
		switch other.Product {
		case machine.MissionMessages:
			if component.Product == machine.Mission {
				also = append(also, other.Port)
			}
		case machine.GeoEvent, machine.WorkflowManager:
			if component.Product == machine.Server {
				also = append(also, other.Port)
			}
		case machine.WebAdaptor:
			if component.Product == machine.Notebook {
				site["adaptor"] = cmp.Or(other.Context, context)
			}
		}
	}
	site["also"] = also
	if (product == "datastore" || product == "server" && context == d.ServerContext) && c.hasStores() {
		types := d.Stores
		if len(types) == 0 {
			types = []string{"Relational"}
		}
		site["store-types"] = types
	}
	security := tree{}
	for name, value := range component.Settings {
		for _, known := range []string{"Protocol", "sslProtocols", "cipherSuites", "HSTSEnabled"} {
			if strings.EqualFold(name, known) && component.Product != machine.DataStore {
				security[known] = value
			}
		}
	}
	site["security"] = security
	if product == "portal" {
		site["federated"] = c.federated(component)
	}
	if !m.Looked && d.Generation == deployment.V2 && product != "datastore" {
		if leaf := c.externalLeaf(); leaf != "" {
			site["pinned"] = leaf
		}
	}
	return site
}

func (c *copier) hasStores() bool {
	return slices.ContainsFunc(c.shape.Machines, func(m shape.Machine) bool {
		return !m.Off && slices.ContainsFunc(m.Components, func(one shape.Component) bool { return one.Product == machine.DataStore })
	})
}

// externalLeaf is what the deployment's first listener serves.
func (c *copier) externalLeaf() string {
	for _, listener := range c.shape.Listeners {
		for _, entry := range c.shape.Entries {
			if strings.EqualFold(entry.Name, listener.Entry) && len(entry.Chain) > 0 {
				return entry.Chain[0]
			}
		}
	}
	return ""
}

// federated are the servers that the portal knows: by its own word, else as
// Cloud Builder federates them.
// Source: Esri/arcgis-powershell-dsc: the secondary name when there is one.
func (c *copier) federated(component shape.Component) []any {
	list := component.Federated
	if len(list) == 0 {
		list = c.shape.Federated
	}
	d := c.shape.Deployment
	if len(list) == 0 && d.ServerContext != "" {
		c.missing("the portal's federation was not read: it is as Cloud Builder makes it")
		admin := "https://" + cmp.Or(d.Secondary, d.Domain) + "/"
		list = append(list, shape.Federated{ID: "hosting", URL: "https://" + d.Domain + "/" + d.ServerContext, AdminURL: admin + d.ServerContext, Role: "HOSTING_SERVER", Function: "GeneralPurposeServer", Hosting: true})
		for _, site := range d.Sites {
			list = append(list, shape.Federated{ID: "site-" + site.ServerContext, URL: "https://" + d.Domain + "/" + site.ServerContext, AdminURL: admin + site.ServerContext, Role: "FEDERATED_SERVER", Function: strings.Join(site.Functions, ",")})
		}
	}
	out := []any{}
	for _, f := range list {
		out = append(out, tree{"id": f.ID, "url": f.URL, "admin-url": f.AdminURL, "role": f.Role, "function": f.Function, "type": f.Type, "hosting": f.Hosting})
	}
	return out
}

// inSite is a machine as a part of a site.
func (c *copier) inSite(m shape.Machine, component shape.Component, number int) tree {
	address := c.addresses[strings.ToLower(m.Host)]
	one := tree{"host": m.Host, "names": []string{m.Name, address}, "alias": component.Alias, "chain": c.served(m, component, address)}
	if component.Product == machine.Portal {
		one["role"] = cmp.Or(component.Role, []string{"primary", "standby"}[min(number, 1)])
	}
	keystore := []any{}
	for _, held := range component.Keystore {
		of, known := c.certificates[held.Certificate]
		if !known || strings.EqualFold(held.Alias, component.Alias) && !held.Trusted {
			continue
		}
		id := of.ID
		if held.Trusted {
			if genuine, ok := c.genuine(of); ok {
				// What the file brings is there as itself, and what looks like it
				// beside it: something that is served now may end there.
				keystore = append(keystore, tree{"alias": held.Alias + "-rehearsal", "trusted": true, "certificate": id})
				id = genuine
			}
		}
		keystore = append(keystore, tree{"alias": held.Alias, "trusted": held.Trusted, "certificate": id})
	}
	one["keystore"] = keystore
	return one
}

// served is what a machine serves: what was seen, else what the gateway's
// trusted roots say that it must be.
func (c *copier) served(m shape.Machine, component shape.Component, address string) []string {
	if len(component.Chain) > 0 {
		return component.Chain
	}
	for _, route := range c.gateway.Routes() {
		if route.Port != component.Port || !c.inPool(m, route.Pool) {
			continue
		}
		if chain := c.backed(route.Setting, []string{m.Host, address}); chain != nil {
			return chain
		}
	}
	return nil
}

func (c *copier) inPool(m shape.Machine, name string) bool {
	for _, pool := range c.gateway.Pools() {
		if strings.EqualFold(pool.Name, name) {
			return slices.ContainsFunc(pool.Addresses, func(one string) bool { return strings.EqualFold(one, m.Host) }) ||
				slices.ContainsFunc(pool.Interfaces, func(one string) bool {
					return slices.ContainsFunc(m.Interfaces, func(own string) bool { return cloud.SameID(own, one) })
				})
		}
	}
	return false
}

// backed is what a backend must serve for HTTP settings to accept it; nil
// without TLS.
func (c *copier) backed(setting string, names []string) []string {
	i := slices.IndexFunc(c.gateway.Settings(), func(s cloud.BackendSetting) bool { return strings.EqualFold(s.Name, setting) })
	if i < 0 {
		return nil
	}
	settings := c.gateway.Settings()[i]
	if !strings.EqualFold(settings.Protocol, "Https") {
		return nil
	}
	if settings.Host != "" {
		names = append([]string{settings.Host}, names...)
	}
	var best shape.Certificate
	for _, root := range c.shape.Roots {
		if len(root.Chain) == 0 || !slices.ContainsFunc(settings.Roots, func(name string) bool { return strings.EqualFold(name, root.Name) }) {
			continue
		}
		of := c.certificates[root.Chain[0]]
		own := of.Issuer == of.ID && (len(of.Names) > 0 || !of.CA) // a machine's self-signed one
		names := slices.ContainsFunc(of.Names, func(one string) bool {
			return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(one, name) })
		})
		if best.ID == "" || own && names {
			best = of
		}
	}
	switch {
	case best.ID == "":
		return []string{c.issue(names, c.public())}
	case best.Issuer == best.ID && (len(best.Names) > 0 || !best.CA):
		return []string{best.ID}
	}
	return append([]string{c.issue(names, best.ID)}, best.ID)
}

// webs stand in for servers behind the gateway that are none of ArcGIS', where
// the gateway found them well.
func (c *copier) webs() []any {
	list := []any{}
	done := map[string]bool{}
	for _, route := range c.gateway.Routes() {
		for _, pool := range c.gateway.Pools() {
			if !strings.EqualFold(pool.Name, route.Pool) {
				continue
			}
			for _, host := range pool.Addresses {
				key := net.JoinHostPort(strings.ToLower(host), fmt.Sprint(route.Port))
				if done[key] || route.Port == 0 || c.ours(host, route.Port) {
					continue
				}
				done[key] = true
				if !c.well(host, route) {
					c.missing(fmt.Sprintf("nothing answers at %s, as now", key))
					continue
				}
				list = append(list, tree{"host": host, "port": route.Port, "chain": c.backed(route.Setting, []string{host})})
			}
		}
	}
	return list
}

// ours tells whether a machine of the shape listens there, or would.
func (c *copier) ours(host string, port int) bool {
	return slices.ContainsFunc(c.shape.Machines, func(m shape.Machine) bool {
		return strings.EqualFold(m.Host, host) && (m.Off || slices.ContainsFunc(m.Components, func(one shape.Component) bool { return one.Port == port }))
	})
}

// well tells whether the gateway found a backend healthy, or nobody asked it.
func (c *copier) well(host string, route cloud.Route) bool {
	known := false
	for _, server := range c.shape.Health {
		if strings.EqualFold(server.Address, host) && strings.EqualFold(server.Pool, route.Pool) && strings.EqualFold(server.Setting, route.Setting) {
			if server.Up() {
				return true
			}
			known = true
		}
	}
	return !known
}
