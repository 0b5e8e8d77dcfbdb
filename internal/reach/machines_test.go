package reach_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// lines shows machines in short: name, site, system, what runs where.
func lines(machines []reach.Machine) []string {
	var list []string
	for _, m := range machines {
		line := m.Name + " " + m.Site + " " + m.OS + ":"
		for _, c := range m.Components {
			line += fmt.Sprintf(" %s/%d", c.Product, c.Port)
			if c.Context != "" {
				line += "(" + c.Context + ")"
			}
		}
		list = append(list, line)
	}
	return list
}

func TestMachinesOfEveryWorld(t *testing.T) {
	worlds := map[string]map[string][]string{
		"single": {"bm": {"bmServer-0 server windows: server/6443 portal/7443 datastore/2443"}},
		"ha": {"ent": {
			"entDataStr-Pri server windows: datastore/2443",
			"entDataStr-Sby server windows: datastore/2443",
			"entFileShare server windows:",
			"entPortal-Pri portal windows: portal/7443",
			"entPortal-Sec portal windows: portal/7443",
			"entServer-0 server windows: server/6443",
			"entServer-1 server windows: server/6443",
			"imgServer-0 image windows: server/6443",
			"imgServer-1 image windows: server/6443",
			"nbkServer-0 notebooks windows: notebook/11443",
		}},
		"sites": {
			"org": {
				"orgServer-0 server windows: server/6443 portal/7443 datastore/2443",
				"geoServer-0 realtime windows: server/6443 geoevent/6143(geoevent)",
				"misServer-0 mission windows: mission/20443 mission-messages/20301",
				"wfmServer-0 workflow windows: server/6443 workflow/13443(workflow)",
			},
			"opn": {"opnServer-0 open windows: server/6443"},
			"img": {"imgServer-0 imagery windows: server/6443", "imgServer-1 imagery windows: server/6443"},
		},
		"gitops": {
			"arcgis-enterprise-ingress": {
				"primary server linux: server/6443 portal/7443 datastore/2443",
				"standby server linux: server/6443 portal/7443 datastore/2443",
			},
			"lab-ingress": {"primary server linux: server/6443 portal/7443 datastore/2443"},
		},
	}
	for world, deployments := range worlds {
		t.Run(world, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, sim.Options{World: world})
			names := map[string]string{} // by resource id, as the world itself calls them
			for _, d := range p.Deployments() {
				for _, m := range d.Machines {
					names[strings.ToLower(m.ID)] = m.FQDN
				}
			}
			for name, want := range deployments {
				machines := reach.Machines(p.deployment(name), nil)
				if diff := cmp.Diff(want, lines(machines)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
				for _, m := range machines {
					if real := names[strings.ToLower(m.ID)]; !strings.EqualFold(m.Host, real) {
						t.Errorf("%s is dialled as %s, and the world calls it %s", m.Name, m.Host, real)
					}
					if m.Location != "westeurope" {
						t.Errorf("%s is in %q", m.Name, m.Location)
					}
				}
			}
		})
	}
}

type tree = map[string]any

// gateway is a document with pools, each asked on ports through a path map.
func gateway(t *testing.T, pools ...tree) *cloud.Gateway {
	t.Helper()
	id := "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationGateways/agw"
	ref := func(list, name string) tree { return tree{"id": id + "/" + list + "/" + name} }
	var backends, settings, rules []any
	for _, pool := range pools {
		name := pool["name"].(string)
		var addresses []any
		for _, host := range pool["hosts"].([]string) {
			addresses = append(addresses, tree{"fqdn": host})
		}
		var members []any
		if nic, ok := pool["interface"].(string); ok {
			members = []any{tree{"id": nic + "/ipConfigurations/internal"}}
		}
		backends = append(backends, tree{"name": name, "properties": tree{"backendAddresses": addresses, "backendIPConfigurations": members}})
		for _, port := range pool["ports"].([]int) {
			setting := fmt.Sprintf("%s-%d", name, port)
			settings = append(settings, cloudNumber(setting, port))
			rules = append(rules, tree{"name": setting, "properties": tree{"paths": []any{"/" + name + "/*"},
				"backendAddressPool": ref("backendAddressPools", name), "backendHttpSettings": ref("backendHttpSettingsCollection", setting)}})
		}
	}
	document := cloud.Document{"id": id, "name": "agw", "properties": tree{
		"backendAddressPools": backends, "backendHttpSettingsCollection": settings,
		"httpListeners":       []any{tree{"name": "l", "properties": tree{"protocol": "Https"}}},
		"urlPathMaps":         []any{tree{"name": "map", "properties": tree{"pathRules": rules}}},
		"requestRoutingRules": []any{tree{"name": "r", "properties": tree{"httpListener": ref("httpListeners", "l"), "urlPathMap": ref("urlPathMaps", "map")}}},
	}}
	g, err := cloud.ParseGateway(document)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func cloudNumber(name string, port int) tree {
	var d cloud.Document
	_ = d.UnmarshalJSON(fmt.Appendf(nil, `{"name":%q,"properties":{"port":%d}}`, name, port))
	return d
}

func TestMachinesOfOddDeployments(t *testing.T) {
	vm := func(name, id string, roles ...string) deployment.Machine {
		return deployment.Machine{ID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/" + name, Name: name, DeploymentID: id, Roles: roles}
	}
	base := func(machines ...deployment.Machine) deployment.Deployment {
		return deployment.Deployment{ID: "d", Generation: deployment.V2, ServerContext: "server", PortalContext: "portal", ServerRole: "HostingServer", Machines: machines}
	}
	rows := []struct {
		name    string
		d       deployment.Deployment
		gateway *cloud.Gateway
		want    []string
		hosts   []string
	}{
		{"a notebook server behind a web adaptor has the binding of IIS too", func() deployment.Deployment {
			d := base(vm("nb-0", "n", "Server"))
			d.Sites = []deployment.Site{{ID: "n", Role: "NotebookServer", ServerContext: "notebooks"}}
			return d
		}(), gateway(t, tree{"name": "notebooks", "hosts": []string{"nb-0.x.example"}, "ports": []int{443}}),
			[]string{"nb-0 notebooks windows: notebook/11443 webadaptor/443(notebooks)"}, []string{"nb-0.x.example"}},
		{"stores of several kinds are one component", base(vm("ds", "d", "SpatiotemporalDataStore", "GraphDataStore", "TileCacheDataStore")), nil,
			[]string{"ds server windows: datastore/2443"}, []string{"ds"}},
		{"a site's further functions", func() deployment.Deployment {
			d := base(vm("s-0", "s", "Server"))
			d.Sites = []deployment.Site{{ID: "s", Role: "GeneralPurposeServer", ServerContext: "gp", Functions: []string{"WorkflowManager", "NotebookServer"}}}
			return d
		}(), nil, []string{"s-0 gp windows: server/6443 workflow/13443(workflow)"}, []string{"s-0"}},
		{"a stand-alone server with GeoEvent", func() deployment.Deployment {
			d := base(vm("s-0", "d", "Server"))
			d.ServerRole, d.ServerContext, d.SecondContext = "GISServer", "gis", "geo"
			return d
		}(), nil, []string{"s-0 gis windows: server/6443 geoevent/6143(geoevent)"}, []string{"s-0"}},
		{"roles in any case, roles without certificates, a video site", func() deployment.Deployment {
			d := base(vm("v-0", "V", "server"), vm("rdp", "d", "RDPJumpBox"), vm("sql", "d", "SQLServer"))
			d.Sites = []deployment.Site{{ID: "v", Role: "VideoServer", ServerContext: "video"}}
			return d
		}(), nil, []string{"v-0 video windows: video/21443", "rdp server windows:", "sql server windows:"}, []string{"v-0", "rdp", "sql"}},
		{"of two machines of one name in the pools, the one on the machine's ports; two suffixes say nothing of a third",
			base(vm("m-0", "d", "Portal"), vm("ds", "d", "DataStore")), gateway(t,
				tree{"name": "server", "hosts": []string{"m-0.one.example"}, "ports": []int{6443}},
				tree{"name": "portal", "hosts": []string{"m-0.two.example"}, "ports": []int{7443}}),
			[]string{"m-0 portal windows: portal/7443", "ds server windows: datastore/2443"}, []string{"m-0.two.example", "ds"}},
		{"addresses in a pool name nobody", base(vm("10", "d", "Server"), vm("ds", "d", "DataStore")), gateway(t,
			tree{"name": "server", "hosts": []string{"10.0.0.4"}, "ports": []int{6443}}),
			[]string{"10 server windows: server/6443", "ds server windows: datastore/2443"}, []string{"10", "ds"}},
		{"a gateway without a record has what its pools name", deployment.Deployment{Generation: deployment.Plain}, gateway(t,
			tree{"name": "gis", "hosts": []string{"s.example.com", "10.0.0.4"}, "ports": []int{6443, 7443}},
			tree{"name": "shop", "hosts": []string{"shop.example.com"}, "ports": []int{443}}),
			[]string{"s gis : server/6443 portal/7443", "10.0.0.4 gis : server/6443 portal/7443"}, []string{"s.example.com", "10.0.0.4"}},
		{"what a terraformed machine runs is told by the pools of its interface", deployment.Deployment{Generation: deployment.GitOps, ServerContext: "server", Record: map[string]string{"enterprise": "acme"},
			Machines: []deployment.Machine{{Name: "node1", DeploymentID: "notebook", Roles: []string{"node"}, OS: "linux", Interfaces: []string{"/NIC/1"}}}}, gateway(t,
			tree{"name": "notebook-server", "hosts": []string{}, "interface": "/nic/1", "ports": []int{443}}),
			[]string{"node1 notebook-server linux: notebook/11443 webadaptor/443(notebook-server)"}, []string{"node1.notebook.acme.internal"}},
		{"without an interface, a place in the base deployment tells it", deployment.Deployment{Generation: deployment.GitOps, ServerContext: "server", Record: map[string]string{"enterprise": "acme"},
			Machines: []deployment.Machine{{Name: "node1", DeploymentID: "notebook", Roles: []string{"node"}, OS: "linux"}, {Name: "primary", DeploymentID: "base", Roles: []string{"primary"}}}}, nil,
			[]string{"node1 server linux:", "primary server : portal/7443 server/6443 datastore/2443"}, []string{"node1.notebook.acme.internal", "primary.base.acme.internal"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			machines := reach.Machines(row.d, row.gateway)
			if diff := cmp.Diff(row.want, lines(machines)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for i, m := range machines {
				if m.Host != row.hosts[i] {
					t.Errorf("%s is dialled as %s, want %s", m.Name, m.Host, row.hosts[i])
				}
			}
		})
	}
}

func TestTheDefaultWayIsTheOneThatIsOpen(t *testing.T) {
	virtual := reach.Machine{ID: "/id", Name: "a", Components: reach.Machines(deployment.Deployment{Generation: deployment.V2, Machines: []deployment.Machine{{Name: "a", Roles: []string{"Server"}}}}, nil)[0].Components}
	known, share := virtual, reach.Machine{ID: "/share", Name: "share"}
	known.ID = ""
	rows := []struct {
		name     string
		machines []reach.Machine
		dialable []bool
		storage  string
		kind     reach.Kind
		why      string
	}{
		{"all can be dialled, the file share does not count", []reach.Machine{virtual, share, virtual}, []bool{true, false, true}, "stg", reach.Direct, "all 2 machines"},
		{"none can be dialled", []reach.Machine{virtual, virtual}, []bool{false, false}, "stg", reach.Agent, "none of the 2 machines"},
		{"only some can be dialled", []reach.Machine{virtual, virtual}, []bool{true, false}, "stg", reach.Agent, "only 1 of the 2"},
		{"nothing was tried", []reach.Machine{virtual}, nil, "stg", reach.Agent, "cannot dial the machine"},
		{"no storage account", []reach.Machine{virtual}, []bool{false}, "", "", "no storage account"},
		{"no virtual machine, some can be dialled", []reach.Machine{known, virtual}, []bool{false, true}, "stg", reach.Direct, "no virtual machine"},
		{"no virtual machine, none can be dialled", []reach.Machine{known}, []bool{false}, "stg", "", "No way is open"},
		{"no machine with a certificate", []reach.Machine{share}, nil, "stg", "", "nothing to reach"},
	}
	for _, row := range rows {
		choice := reach.Choose(row.machines, row.dialable, row.storage)
		if choice.Kind != row.kind || !strings.Contains(choice.Why, row.why) {
			t.Errorf("%s: %q because %q, want %q because of %q", row.name, choice.Kind, choice.Why, row.kind, row.why)
		}
	}
}
