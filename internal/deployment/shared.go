package deployment

import (
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// sharing makes deployments of stand-alone sites that use the gateway of
// another deployment: machines with an id of their own, in pools that listeners
// with other host names lead to. The host may record such a site beside its
// federated ones; only where the listeners lead tells them apart.
func (a *assembly) sharing(host *Deployment) []Deployment {
	var list []Deployment
	for _, id := range a.guestsOf(host) {
		names, own, routes := host.reaching(a.machines[id])
		if len(names) == 0 || own {
			continue
		}
		one := a.machines[id][0]
		d := Deployment{
			ID:             one.tags.get(tagID),
			Generation:     V2,
			SubscriptionID: host.SubscriptionID,
			ResourceGroup:  one.group,
			Location:       one.location,
			GatewayID:      host.GatewayID,
			Gateway:        host.Gateway,
			Addresses:      host.Addresses,
			SharedWith:     host.ID,
		}
		d.addNames(names)
		d.contextsOf(routes)
		if site := host.site(id); site != nil {
			d.Prefix, d.Version, d.ServerRole = site.Prefix, site.Version, site.Role
			d.ServerContext, d.SecondContext = site.ServerContext, site.SecondContext
			host.release(id)
		}
		d.Name = d.Prefix
		if d.Name == "" {
			d.Name = names[0]
		}
		a.take(&d, id)
		list = append(list, d)
	}
	return list
}

// guestsOf are the ids, in lower case, of sites that may have listeners of
// their own on a gateway: those that it records, and those behind it that
// nobody has claimed.
func (a *assembly) guestsOf(host *Deployment) []string {
	if host.Gateway == nil {
		return nil
	}
	var ids []string
	for _, site := range host.Sites {
		ids = append(ids, strings.ToLower(site.ID))
	}
	for _, m := range a.behind(resource{subscription: host.SubscriptionID, group: host.ResourceGroup}, host.Gateway) {
		id := strings.ToLower(m.tags.get(tagID))
		if !a.claimed[id] && a.base[id] == "" && !contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return slices.DeleteFunc(ids, func(id string) bool { return len(a.machines[id]) == 0 })
}

// release lets go of a site that is none of the deployment's federated ones.
func (d *Deployment) release(id string) {
	d.Sites = slices.DeleteFunc(d.Sites, func(s Site) bool { return strings.EqualFold(s.ID, id) })
	d.Machines = slices.DeleteFunc(d.Machines, func(m Machine) bool { return strings.EqualFold(m.DeploymentID, id) })
}

// reaching are the host names of the HTTPS listeners that lead to some of the
// machines, whether one of these serves the deployment's own names, and the
// ways that they lead.
func (d Deployment) reaching(machines []resource) (names []string, own bool, routes []cloud.Route) {
	pools := map[string]bool{}
	for _, pool := range d.Gateway.Pools() {
		pools[pool.Name] = slices.ContainsFunc(machines, func(m resource) bool { return holds(pool, m) })
	}
	for _, r := range d.Gateway.Routes() {
		l, ok := d.Gateway.Listener(r.Listener)
		if !ok || !l.HTTPS() || !pools[r.Pool] {
			continue
		}
		exact, patterns := exactNames(l.HostNames)
		own = own || len(l.HostNames) == 0 || slices.ContainsFunc(d.Names(), func(name string) bool {
			return contains(exact, name) || slices.ContainsFunc(patterns, func(p string) bool { return covers(p, name) })
		})
		routes = append(routes, r)
		for _, name := range exact {
			if isHostName(name) && !contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names, own, routes
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
