package rotation

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

// byDSC is Cloud Builder's way: the leaf goes into the pinned entry of every
// machine, and its configuration restarts every service for that, whoever
// issued the certificate.
// Source: Esri/arcgis-powershell-dsc, ArcGIS_Server_TLS and ArcGIS_Portal_TLS.
func byDSC(state State, leaf *x509.Certificate) []Trusting {
	pin := authority("", leaf)
	pin.Alias = pinnedAlias
	var list []Trusting
	for _, m := range state.Machines {
		for _, c := range verifiers(m) {
			list = append(list, Trusting{
				Machine: m.Name, Host: m.Host, Site: m.Site, Product: c.Product, Port: c.Port, Imports: []Authority{pin}, Restarts: true,
			})
		}
	}
	slices.SortStableFunc(list, func(a, b Trusting) int { return state.turn(a) - state.turn(b) })
	return list
}

// dscGap warns that DSC takes the pinned entry of the present certificate away
// before the new one is served. Where that entry is all by which machines accept
// it, they stop doing so until the switch.
func dscGap(state State, goal Goal) pki.Findings {
	sent := servingChain(state)
	if len(sent) == 0 || pki.JudgeChain(sent, pki.Criteria{Now: goal.Now, Roots: goal.Roots}).RootKnown {
		return nil
	}
	return pki.Findings{{
		Code: "dsc-gap", Severity: pki.Warning,
		Sentence: "DSC replaces the pinned entry before the new certificate is served: machines that accept the present one by that entry alone do not accept it until the switch",
		Mend:     "use the way direct or agent: they trust the authority and replace the entry afterwards",
	}}
}

// turn is the place of a component in the order of restarts: servers of further
// sites, then the hosting server, then the standby portal, then the primary.
// Who depends on others goes after them, and what everybody depends on last.
func (s State) turn(t Trusting) int {
	hosting := slices.ContainsFunc(s.Machines, func(m Machine) bool {
		return m.Host == t.Host && (strings.EqualFold(m.Site, s.Deployment.ServerContext) || t.Product == machine.Server && hasPortal(m))
	})
	switch {
	case t.Product == machine.Portal && t.Role == "standby":
		return 2
	case t.Product == machine.Portal:
		return 3
	case t.Product == machine.Server && hosting:
		return 1
	}
	return 0
}

func hasPortal(m Machine) bool {
	return slices.ContainsFunc(m.Components, func(c machine.Component) bool { return c.Product == machine.Portal })
}

// restarting are the names of machines that restart for trust, each once.
func restarting(needs []Trusting) []string {
	names := []string{}
	for _, need := range needs {
		if need.Restarts && !slices.Contains(names, need.Machine) {
			names = append(names, need.Machine)
		}
	}
	return names
}

// hostsTrusting are the machines that are taught an authority, each once.
func (p Plan) hostsTrusting() []string {
	var hosts []string
	for _, need := range p.Trusting {
		hosts = append(hosts, need.Host)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// lastOnes refuses to restart the only machine of several that the gateway still
// sends requests to. A machine without neighbours has none to wait for: that it
// is away for a while is said in the plan.
func lastOnes(state State, needs []Trusting) pki.Findings {
	var found pki.Findings
	for _, need := range needs {
		if !need.Restarts {
			continue
		}
		if down := neighboursDown(state.Backends, need); len(down) > 0 {
			found = append(found, pki.Finding{
				Code: "last-healthy-machine", Severity: pki.Refusal,
				Sentence: fmt.Sprintf("%s on %s would restart while its neighbours are not well: %s", need.Product.Name(), need.Machine, inWords(down)),
				Mend:     "mend those first; the gateway has nobody else to send requests to meanwhile",
			})
		}
	}
	return found
}

// neighboursDown are the other servers of a machine's pools, when none of them
// is up.
func neighboursDown(servers []cloud.BackendServer, need Trusting) []string {
	var down []string
	for _, own := range servers {
		if !hostIs(own.Address, reach.Machine{Name: need.Machine, Host: need.Host}) {
			continue
		}
		var neighbours []string
		up := false
		for _, other := range servers {
			if other.Pool == own.Pool && other.Setting == own.Setting && other.Address != own.Address {
				neighbours = append(neighbours, other.Address)
				up = up || other.Up()
			}
		}
		if !up {
			down = append(down, neighbours...)
		}
	}
	slices.Sort(down)
	return slices.Compact(down)
}
