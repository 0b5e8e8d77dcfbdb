package rollout

import (
	"crypto/x509"
	"net"
	"slices"
	"strings"
	"time"

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

// isMachine tells whether an address in a pool is a machine: its full name, or
// a full name that begins with the machine's.
func isMachine(address, host, name string) bool {
	first, _, _ := strings.Cut(address, ".")
	return strings.EqualFold(address, host) || net.ParseIP(address) == nil && strings.EqualFold(first, name)
}

// day is how plans write a date.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
