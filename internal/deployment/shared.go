package deployment

import (
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// sharing makes deployments of stand-alone sites that use the gateway of
// another deployment: machines with an id of their own, in pools that listeners
// with other host names lead to. The gateway's tags are its first deployment's
// record, so a site's names are told by its listeners only.
func (a *assembly) sharing(host Deployment, behind []resource) []Deployment {
	var list []Deployment
	for _, m := range behind {
		id := strings.ToLower(m.tags.get(tagID))
		if id == "" || a.claimed[id] || a.base[id] != "" || strings.EqualFold(id, host.ID) || host.site(id) != nil {
			continue
		}
		names, contexts := host.ownOf(a.machines[id])
		if len(names) == 0 {
			continue // behind a listener of the host, or behind none
		}
		d := Deployment{
			ID:             m.tags.get(tagID),
			Name:           names[0],
			Generation:     V2,
			SubscriptionID: host.SubscriptionID,
			ResourceGroup:  m.group,
			Location:       m.location,
			GatewayID:      host.GatewayID,
			Gateway:        host.Gateway,
			Addresses:      host.Addresses,
			SharedWith:     first(host.ID, host.GatewayID),
		}
		d.addNames(names)
		d.ServerContext, d.PortalContext = contexts.ServerContext, contexts.PortalContext
		d.Sites = contexts.Sites
		a.take(&d, id)
		list = append(list, d)
	}
	return list
}

// ownOf are the host names of the listeners that lead to some of the machines
// and to none of the deployment's own names, and the contexts behind them.
func (d Deployment) ownOf(machines []resource) (names []string, contexts Deployment) {
	pools := map[string]bool{}
	for _, pool := range d.Gateway.Pools() {
		for _, m := range machines {
			pools[pool.Name] = pools[pool.Name] || holds(pool, m)
		}
	}
	var routes []cloud.Route
	for _, r := range d.Gateway.Routes() {
		l, ok := d.Gateway.Listener(r.Listener)
		if !ok || !l.HTTPS() || !pools[r.Pool] {
			continue
		}
		exact, patterns := exactNames(l.HostNames)
		own := slices.ContainsFunc(d.Names(), func(name string) bool {
			return contains(exact, name) || slices.ContainsFunc(patterns, func(p string) bool { return covers(p, name) })
		})
		if own {
			continue
		}
		routes = append(routes, r)
		for _, name := range exact {
			if isHostName(name) && !contains(names, name) {
				names = append(names, name)
			}
		}
	}
	contexts.contextsOf(routes)
	return names, contexts
}

// holds tells whether a pool has a machine, by name or by network interface.
func holds(pool cloud.BackendPool, m resource) bool {
	for _, address := range pool.Addresses {
		name, _, _ := strings.Cut(address, ".")
		if strings.EqualFold(name, m.name) {
			return true
		}
	}
	return hasInterface(pool, m)
}

func hasInterface(pool cloud.BackendPool, m resource) bool {
	return slices.ContainsFunc(interfacesOf(m), func(id string) bool {
		return slices.ContainsFunc(pool.Interfaces, func(member string) bool { return cloud.SameID(member, id) })
	})
}

// interfacesOf are the ids of a machine's network interfaces, as far as it was read whole.
func interfacesOf(m resource) []string {
	profile, _ := properties(m.document)["networkProfile"].(map[string]any)
	items, _ := profile["networkInterfaces"].([]any)
	var ids []string
	for _, item := range items {
		entry, _ := item.(map[string]any)
		if id, _ := entry["id"].(string); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}
