package rehearsal

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/shape"
)

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
