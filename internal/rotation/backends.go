package rotation

import (
	"cmp"
	"net"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

// ownBackends are the servers of the pools that the deployment's listeners lead
// to. The health of a neighbour's machines on a shared gateway is theirs: it
// must not make a proof fail. A gateway whose routes lead nowhere known keeps
// all of them.
func (s State) ownBackends(servers []cloud.BackendServer) []cloud.BackendServer {
	if s.Gateway == nil {
		return servers // nothing was read that could part them
	}
	servers = s.named(servers)
	pools := map[string]bool{}
	for _, route := range s.Gateway.Routes() {
		if slices.ContainsFunc(s.Listeners, func(l Listener) bool { return strings.EqualFold(l.Name, route.Listener) }) {
			pools[strings.ToLower(route.Pool)] = true
		}
	}
	if len(pools) == 0 {
		return servers
	}
	return slices.DeleteFunc(slices.Clone(servers), func(server cloud.BackendServer) bool { return !pools[strings.ToLower(server.Pool)] })
}

// Pools are the gateway's backend pools. A machine that is in one by its network
// interface stands there by its host name; any other interface by its id, which
// is nobody's name.
func (s State) Pools() []cloud.BackendPool {
	pools := s.Gateway.Pools()
	for i, pool := range pools {
		for _, id := range pool.Interfaces {
			pools[i].Addresses = append(pools[i].Addresses, cmp.Or(s.hostWith(id), id))
		}
	}
	return pools
}

// hostWith is the host name of the machine that has a network interface.
func (s State) hostWith(id string) string {
	for _, vm := range s.Deployment.Machines {
		if !slices.ContainsFunc(vm.Interfaces, func(own string) bool { return cloud.SameID(own, id) }) {
			continue
		}
		for _, m := range s.Machines {
			if cloud.SameID(m.ID, vm.ID) {
				return m.Host
			}
		}
	}
	return ""
}

// named are servers by the host names of the machines, where the gateway tells
// only their addresses because they are in its pools by network interface. Whose
// an address is says the certificate of the one machine that serves it: Esri's
// Terraform modules issue them for addresses.
// Source: Esri/arcgis-gitops, azure/modules/backend_cert.
func (s State) named(servers []cloud.BackendServer) []cloud.BackendServer {
	hosts := map[string]string{} // "" for an address that several claim
	for _, p := range s.ports() {
		if len(p.chain) == 0 || !s.byInterface(p.at.Machine) {
			continue
		}
		for _, ip := range p.chain[0].IPAddresses {
			if other, claimed := hosts[ip.String()]; claimed && other != p.at.Host {
				hosts[ip.String()] = ""
			} else {
				hosts[ip.String()] = p.at.Host
			}
		}
	}
	list := slices.Clone(servers)
	for i, server := range list {
		list[i].Address = cmp.Or(hosts[server.Address], server.Address)
	}
	return list
}

// byInterface tells whether a machine is in a pool by its network interface.
func (s State) byInterface(m reach.Machine) bool {
	i := slices.IndexFunc(s.Deployment.Machines, func(vm deployment.Machine) bool { return cloud.SameID(vm.ID, m.ID) })
	return i >= 0 && slices.ContainsFunc(s.Gateway.Pools(), func(pool cloud.BackendPool) bool {
		return slices.ContainsFunc(pool.Interfaces, func(id string) bool {
			return slices.ContainsFunc(s.Deployment.Machines[i].Interfaces, func(own string) bool { return cloud.SameID(own, id) })
		})
	})
}

// addressesOf are the addresses of servers that the gateway knows by no name.
func addressesOf(servers []cloud.BackendServer) []string {
	var list []string
	for _, server := range servers {
		if net.ParseIP(server.Address) != nil && !slices.Contains(list, server.Address) && len(list) < maxAddresses {
			list = append(list, server.Address)
		}
	}
	return list
}

// maxAddresses is more than a gateway has behind one deployment.
const maxAddresses = 100

// hasInterfaces tells whether machines are in the gateway's pools by their
// network interfaces.
func hasInterfaces(gateway *cloud.Gateway) bool {
	return slices.ContainsFunc(gateway.Pools(), func(pool cloud.BackendPool) bool { return len(pool.Interfaces) > 0 })
}
