package reach

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/machine"
)

// Machines are the deployment's machines with what runs on each and the name
// by which it is dialled, in the deployment's order. gateway is its gateway as
// it was read; nil takes the one that discovery saw.
//
// A machine whose roles bring no certificate (a file share) has no components.
// Of a gateway without a record the machines are those that its pools name, and
// have no ID.
func Machines(d deployment.Deployment, gateway *cloud.Gateway) []Machine {
	if gateway == nil {
		gateway = d.Gateway
	}
	p := pools{}
	if gateway != nil {
		p = readPools(gateway)
	}
	if len(d.Machines) == 0 && d.Generation == deployment.Plain {
		return p.machines(d)
	}
	list := make([]Machine, 0, len(d.Machines))
	for _, vm := range d.Machines {
		m := Machine{ID: vm.ID, Name: vm.Name, Location: d.Location, OS: vm.OS, Roles: vm.Roles}
		if d.Generation == deployment.GitOps {
			describeTerraformed(&m, d, vm, p)
		} else {
			describeBuilt(&m, d, vm, p)
		}
		list = append(list, m)
	}
	return list
}

// describeBuilt is for what Cloud Builder makes: Windows machines, whose tag
// tells their roles, and whose site tells which server "Server" is.
// Source: Esri/arcgis-azure-templates, Releases/11.4.
func describeBuilt(m *Machine, d deployment.Deployment, vm deployment.Machine, p pools) {
	m.OS = cmp.Or(m.OS, "windows")
	role, context, second := d.ServerRole, d.ServerContext, d.SecondContext
	var functions []string
	if i := slices.IndexFunc(d.Sites, func(s deployment.Site) bool {
		return s.ID != "" && strings.EqualFold(s.ID, vm.DeploymentID) && !strings.EqualFold(s.ID, d.ID)
	}); i >= 0 {
		site := d.Sites[i]
		role, context, second, functions = site.Role, site.ServerContext, site.SecondContext, site.Functions
		m.Location = cmp.Or(site.Location, m.Location)
	}
	serves := serverComponents(role, functions, second != "")
	for _, r := range vm.Roles {
		switch {
		case strings.EqualFold(r, "Portal"):
			m.add(portal)
		case strings.EqualFold(r, "Server"):
			for _, c := range serves {
				m.add(c)
			}
		case strings.HasSuffix(strings.ToLower(r), "datastore"):
			// Relational, tile cache, spatiotemporal and graph store are
			// programs of one product with one port.
			m.add(dataStore)
		}
	}
	m.Site = context
	if onlyPortal := m.has(machine.Portal) && !slices.ContainsFunc(m.Components, func(c machine.Component) bool { return c.Product == machine.Server }); onlyPortal && d.PortalContext != "" {
		m.Site = d.PortalContext
	}
	m.Host = p.hostOf(vm, m.Components)
	if m.has(machine.Notebook) && p.goesTo(m.Host, 443) {
		m.add(machine.Component{Product: machine.WebAdaptor, Port: 443, Context: context})
	}
}

// describeTerraformed is for Esri's Terraform modules: the pools that a
// machine's network interface is in tell what runs there, and a machine with
// Portal and Server also has the Data Store. Where the interface is not known
// the machine is taken for one of the base deployment if it has a place in it.
// Source: Esri/arcgis-gitops, azure/arcgis-enterprise-base-linux and
// azure/arcgis-notebook-server-linux.
func describeTerraformed(m *Machine, d deployment.Deployment, vm deployment.Machine, p pools) {
	enterprise := d.Record["enterprise"]
	if vm.DeploymentID != "" && enterprise != "" {
		m.Host = strings.ToLower(vm.Name + "." + vm.DeploymentID + "." + enterprise + ".internal")
	}
	m.Host = cmp.Or(m.Host, vm.Name)
	m.Site = d.ServerContext
	for _, way := range p.waysOf(vm) {
		switch {
		case way.Port == portal.Port:
			m.add(portal)
		case way.Port == server.Port:
			m.add(server)
		case strings.Contains(strings.ToLower(way.Probe+way.Pool), "notebook"):
			m.Site = contextOf(way)
			m.add(machine.Component{Product: machine.Notebook, Port: notebookPort})
			if way.Port == 443 {
				m.add(machine.Component{Product: machine.WebAdaptor, Port: 443, Context: m.Site})
			}
		}
	}
	if len(m.Components) == 0 && slices.ContainsFunc(vm.Roles, func(r string) bool {
		return strings.EqualFold(r, "primary") || strings.EqualFold(r, "standby")
	}) {
		m.add(portal)
		m.add(server)
	}
	if m.has(machine.Portal) && m.has(machine.Server) {
		m.add(dataStore)
	}
}

// The ports of ArcGIS's web servers.
// Source: Esri, "Ports used by ArcGIS Enterprise"; arcgis-powershell-dsc,
// ArcGIS_Server_TLS, ArcGIS_Portal_TLS, ArcGIS_DataStore_TLS and
// Configurations-Azure (6143, 13443, 20301).
var (
	portal    = machine.Component{Product: machine.Portal, Port: 7443}
	server    = machine.Component{Product: machine.Server, Port: 6443}
	dataStore = machine.Component{Product: machine.DataStore, Port: 2443}
)

const notebookPort = 11443

// roleComponents are what "Server" is at a site of each role, where it is not
// ArcGIS Server alone.
var roleComponents = map[string][]machine.Component{
	"notebookserver":        {{Product: machine.Notebook, Port: notebookPort}},
	"missionserver":         {{Product: machine.Mission, Port: 20443}, {Product: machine.MissionMessages, Port: 20301}},
	"videoserver":           {{Product: machine.Video, Port: 21443}},
	"geoeventserver":        {server, {Product: machine.GeoEvent, Port: 6143, Context: "geoevent"}},
	"workflowmanagerserver": {server, {Product: machine.WorkflowManager, Port: 13443, Context: "workflow"}},
}

// serverComponents are those of a server's role. A site may have further
// functions, and one with a second context has GeoEvent behind it.
func serverComponents(role string, functions []string, second bool) []machine.Component {
	components, special := roleComponents[strings.ToLower(role)]
	if !special {
		components = []machine.Component{server}
	}
	components = slices.Clone(components)
	more := slices.Clone(functions)
	if second {
		more = append(more, "GeoEventServer")
	}
	for _, function := range more {
		name := strings.ToLower(function)
		if name == "workflowmanager" || name == "geoevent" {
			name += "server"
		}
		for _, c := range roleComponents[name] {
			// Only what ArcGIS Server carries; the others are servers of their own.
			if c.Product != machine.GeoEvent && c.Product != machine.WorkflowManager || !slices.Contains(components, server) {
				continue
			}
			if !slices.Contains(components, c) {
				components = append(components, c)
			}
		}
	}
	return components
}

func (m *Machine) add(c machine.Component) {
	if !slices.ContainsFunc(m.Components, func(known machine.Component) bool { return known.Port == c.Port }) {
		m.Components = append(m.Components, c)
	}
}

func (m *Machine) has(product machine.Product) bool {
	return slices.ContainsFunc(m.Components, func(c machine.Component) bool { return c.Product == product })
}
