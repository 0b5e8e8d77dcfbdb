package portrait

import (
	"strconv"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/topology"
)

// Machine is a machine with its ports.
type Machine struct {
	ID, Name, Roles string
	// Why says why there is nothing to tell.
	Why   string
	Ports []Port
}

// Port is one TLS port of a machine.
type Port struct {
	What   string
	Served *Shown
	Issuer string
	// Configured says what the port is configured to serve, Differs that it is
	// something else.
	Configured string
	Differs    bool
	Trusts     []string
	Trouble    string
}

func (v view) machines() []Machine {
	state := v.State
	if len(state.Machines) == 0 {
		for _, place := range state.Places() {
			state.Machines = append(state.Machines, rotation.Machine{Machine: place})
		}
	}
	var list []Machine
	for i, m := range state.Machines {
		row := Machine{ID: topology.MachineID(i), Name: topology.MachineName(state, m), Roles: strings.Join(m.Roles, ", ")}
		switch {
		case m.Off != "":
			row.Why = m.Off
		case m.Trouble != "":
			row.Why = m.Trouble
		case len(m.Components) == 0:
			row.Why = "has no certificate"
		case m.Report == nil:
			row.Why = "not looked at: with the site administrator’s login"
		}
		if m.Report != nil {
			row.Ports = v.ports(m)
		}
		list = append(list, row)
	}
	return list
}

func (v view) ports(m rotation.Machine) []Port {
	var ports []Port
	for _, seen := range m.Report.Components {
		port := Port{What: seen.Product.Name() + ", port " + strconv.Itoa(seen.Port)}
		chain := topology.ChainOf(seen)
		if len(chain) > 0 {
			port.Served, port.Issuer = v.shown(chain[0]), topology.IssuedBy(chain[0])
		}
		for _, text := range []string{seen.WireTrouble, seen.Trouble} {
			if text != "" && !strings.Contains(port.Trouble, text) {
				port.Trouble = strings.TrimPrefix(port.Trouble+"; "+text, "; ")
			}
		}
		port.Configured = seen.Alias
		entry, found := topology.Active(seen)
		if len(chain) > 0 && seen.Alias != "" && len(seen.Entries) > 0 {
			port.Differs = !found || !topology.SameLeaf(entry, chain[0])
		}
		for _, e := range seen.Entries {
			if e.Trusted {
				port.Trusts = append(port.Trusts, topology.EntryName(e))
			}
		}
		ports = append(ports, port)
	}
	for _, b := range m.Report.Bindings {
		ports = append(ports, Port{What: "IIS, " + b.At, Served: &Shown{Name: b.Subject, Due: due(b.NotAfter, v.at)}})
	}
	return ports
}
