package rollout

import (
	"crypto/x509"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// observed is a port as it was seen.
type observed struct {
	at rotation.Machine
	machine.Seen
}

// ports are all ports of a state that were looked at, in the state's order.
func ports(state rotation.State) []observed {
	var list []observed
	for _, at := range state.Machines {
		if at.Report == nil {
			continue
		}
		for _, seen := range at.Report.Components {
			list = append(list, observed{at, seen})
		}
	}
	return list
}

// find is a port of a state by machine and number.
func find(state rotation.State, machineName string, port int) (observed, bool) {
	for _, o := range ports(state) {
		if strings.EqualFold(o.at.Name, machineName) && o.Component.Port == port {
			return o, true
		}
	}
	return observed{}, false
}

// leaf is the fingerprint of what a port serves, "" when it does not answer.
func (o observed) leaf() string {
	if certificate := o.certificate(); certificate != nil {
		return pki.Fingerprint(certificate)
	}
	return ""
}

func (o observed) certificate() *x509.Certificate {
	if len(o.Chain) == 0 || o.WireTrouble != "" {
		return nil
	}
	certificate, err := x509.ParseCertificate(o.Chain[0])
	if err != nil {
		return nil
	}
	return certificate
}

// entry finds an entry of the keystore; aliases are written in any case.
func (o observed) entry(alias string) (machine.Entry, bool) {
	for _, entry := range o.Entries {
		if alias != "" && strings.EqualFold(entry.Alias, alias) {
			return entry, true
		}
	}
	return machine.Entry{}, false
}

// holds tells whether an entry is a certificate. Old versions tell no SHA-256.
func holds(entry machine.Entry, sha256, thumbprint string) bool {
	if entry.SHA256 != "" || thumbprint == "" {
		return sha256 != "" && strings.EqualFold(entry.SHA256, sha256)
	}
	return strings.EqualFold(entry.SHA1, thumbprint)
}

// trusts tells whether the keystore has a certificate of an authority, under
// whatever alias.
func (o observed) trusts(authority *x509.Certificate) bool {
	return slices.ContainsFunc(o.Entries, func(e machine.Entry) bool {
		return e.Trusted && holds(e, pki.Fingerprint(authority), pki.Thumbprint(authority))
	})
}

// behind are the gateway's ways to a port: backend settings and the pools that
// they are used with.
func behind(gateway *cloud.Gateway, host, name string, port int) []cloud.Route {
	var ways []cloud.Route
	pools := map[string][]string{}
	for _, pool := range gateway.Pools() {
		pools[strings.ToLower(pool.Name)] = pool.Addresses
	}
	for _, route := range gateway.Routes() {
		if route.Port == port && slices.ContainsFunc(pools[strings.ToLower(route.Pool)], func(a string) bool { return isMachine(a, host, name) }) {
			ways = append(ways, route)
		}
	}
	return ways
}

// companions are the products that take the certificate of another one on the
// same machine: its ports change with it, at once or at their next start.
var companions = map[machine.Product][]machine.Product{
	machine.Server:  {machine.GeoEvent, machine.WorkflowManager},
	machine.Mission: {machine.MissionMessages},
}

// waysTo are the gateway's ways to a port and to its companions.
func waysTo(state rotation.State, port Port) []cloud.Route {
	list := behind(state.Gateway, port.Host, port.Machine, port.Port)
	for _, at := range state.Machines {
		if !strings.EqualFold(at.Name, port.Machine) {
			continue
		}
		for _, c := range at.Components {
			if slices.Contains(companions[port.Product], c.Product) {
				list = append(list, behind(state.Gateway, port.Host, port.Machine, c.Port)...)
			}
		}
	}
	return list
}

// isMachine tells whether an address in a pool is a machine: its full name, or
// a full name that begins with the machine's.
func isMachine(address, host, name string) bool {
	first, _, _ := strings.Cut(address, ".")
	return strings.EqualFold(address, host) || net.ParseIP(address) == nil && strings.EqualFold(first, name)
}

// day is how plans write a date.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
