package reach

import (
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/machine"
)

// pools is what a gateway tells of the machines behind it.
type pools struct {
	list []cloud.BackendPool
	// ways are the gateway's, by the name of the pool.
	ways map[string][]cloud.Route
}

func readPools(gateway *cloud.Gateway) pools {
	p := pools{list: gateway.Pools(), ways: map[string][]cloud.Route{}}
	for _, r := range gateway.Routes() {
		p.ways[r.Pool] = append(p.ways[r.Pool], r)
	}
	return p
}

// hostOf is a machine's name inside the virtual network. Cloud Builder enters
// machines in the pools by full name, of which the first label is the
// machine's. Data stores and the like are in no pool: they are taken to have
// the others' suffix, if there is but one, else the short name, which Azure's
// own name service knows within the network.
// Source: Esri/arcgis-azure-templates, Releases/11.4, "VM name + NIC internal suffix".
func (p pools) hostOf(vm deployment.Machine, components []machine.Component) string {
	var found []string
	var suffixes []string
	for _, pool := range p.list {
		for _, address := range pool.Addresses {
			label, suffix, full := strings.Cut(strings.ToLower(address), ".")
			if !full || label == "" || strings.Trim(address, "0123456789.") == "" {
				continue
			}
			if !slices.Contains(suffixes, suffix) {
				suffixes = append(suffixes, suffix)
			}
			if label != strings.ToLower(vm.Name) || slices.Contains(found, address) {
				continue
			}
			// Of two machines of one name, the one that is asked on these ports goes first.
			if slices.ContainsFunc(p.ways[pool.Name], func(r cloud.Route) bool {
				return slices.ContainsFunc(components, func(c machine.Component) bool { return c.Port == r.Port })
			}) {
				found = slices.Insert(found, 0, address)
			} else {
				found = append(found, address)
			}
		}
	}
	switch {
	case len(found) > 0:
		return found[0]
	case len(suffixes) == 1:
		return vm.Name + "." + suffixes[0]
	}
	return vm.Name
}

// goesTo tells whether the gateway asks a host on a port.
func (p pools) goesTo(host string, port int) bool {
	for _, pool := range p.list {
		if slices.Contains(pool.Addresses, host) && slices.ContainsFunc(p.ways[pool.Name], func(r cloud.Route) bool { return r.Port == port }) {
			return true
		}
	}
	return false
}

// waysOf are the ways into the pools that a machine is in by network interface.
func (p pools) waysOf(vm deployment.Machine) []cloud.Route {
	var ways []cloud.Route
	for _, pool := range p.list {
		if slices.ContainsFunc(pool.Interfaces, func(member string) bool {
			return slices.ContainsFunc(vm.Interfaces, func(id string) bool { return cloud.SameID(id, member) })
		}) {
			ways = append(ways, p.ways[pool.Name]...)
		}
	}
	return ways
}

// productOf tells what listens at a port of ArcGIS.
var productOf = map[int]machine.Component{
	7443: portal, 6443: server, 11443: {Product: machine.Notebook, Port: 11443},
	20443: {Product: machine.Mission, Port: 20443}, 21443: {Product: machine.Video, Port: 21443},
	20301: {Product: machine.MissionMessages, Port: 20301},
	6143:  {Product: machine.GeoEvent, Port: 6143, Context: "geoevent"},
	13443: {Product: machine.WorkflowManager, Port: 13443, Context: "workflow"},
}

// machines are what the pools of a gateway without a record name, as far as
// they are asked on ports of ArcGIS.
func (p pools) machines(d deployment.Deployment) []Machine {
	var list []Machine
	for _, pool := range p.list {
		for _, address := range pool.Addresses {
			i := slices.IndexFunc(list, func(m Machine) bool { return strings.EqualFold(m.Host, address) })
			for _, way := range p.ways[pool.Name] {
				component, known := productOf[way.Port]
				if !known {
					continue
				}
				if i < 0 {
					name, _, _ := strings.Cut(address, ".")
					if strings.Trim(address, "0123456789.") == "" || strings.Contains(address, ":") {
						name = address
					}
					list = append(list, Machine{Name: name, Host: address, Location: d.Location, Site: contextOf(way)})
					i = len(list) - 1
				}
				list[i].add(component)
			}
		}
	}
	return list
}

// contextOf is the first segment of a way's paths, "" when it has none.
func contextOf(r cloud.Route) string {
	for _, path := range r.Paths {
		context, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		if context != "" && !strings.ContainsAny(context, "*?") {
			return context
		}
	}
	return ""
}
