package rotation

import (
	"cmp"
	"crypto/x509"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// pinnedAlias is the keystore entry in which Cloud Builder keeps the leaf that
// the gateway serves, on every Portal and Server machine.
// Source: Esri/arcgis-powershell-dsc, Configurations-Azure.
const pinnedAlias = "AppGW-ExternalDNSCerCert"

// Pinned is an entry that holds the leaf of the gateway by itself and is
// refreshed once the new one is proved.
type Pinned struct {
	Machine string          `json:"machine"`
	Host    string          `json:"host"`
	Product machine.Product `json:"product"`
	Port    int             `json:"port"`
	Alias   string          `json:"alias"`
	// Holds is the fingerprint of what is in it now, and Was the certificate
	// itself (DER) where that is known.
	Holds string `json:"holds"`
	Was   []byte `json:"was,omitempty"`
	// SHA256 and Certificate are what it is to hold.
	SHA256      string `json:"sha256"`
	Certificate []byte `json:"certificate"`
}

// pins are the entries that hold another leaf than the one that is to be
// served. Only where the chain is trusted does nothing depend on them, which is
// what every other step of the plan sees to.
func pins(state State, leaf *x509.Certificate) []Pinned {
	var list []Pinned
	wanted := pki.Fingerprint(leaf)
	for _, m := range state.Machines {
		for _, c := range verifiers(m) {
			seen, _ := m.seen(c)
			for _, entry := range seen.Entries {
				if !entry.Trusted || !strings.EqualFold(entry.Alias, pinnedAlias) || is(entry, leaf) {
					continue
				}
				list = append(list, Pinned{
					Machine: m.Name, Host: m.Host, Product: seen.Product, Port: seen.Port, Alias: pinnedAlias,
					Holds: strings.ToLower(cmp.Or(entry.SHA256, entry.SHA1)), Was: state.known(entry), SHA256: wanted, Certificate: leaf.Raw,
				})
			}
		}
	}
	return list
}

// undoPins put back what a run found in the entries that it refreshed, where
// nobody has changed them since.
func undoPins(state State, kept remembered) []Pinned {
	var list []Pinned
	for _, pin := range kept.Pinned {
		old, err := x509.ParseCertificate(pin.Was)
		i := slices.IndexFunc(state.Machines, func(m Machine) bool { return m.Host == pin.Host })
		if err != nil || i < 0 {
			continue
		}
		seen, _ := state.Machines[i].seen(machine.Component{Product: pin.Product, Port: pin.Port})
		for _, entry := range seen.Entries {
			if entry.Trusted && strings.EqualFold(entry.Alias, pin.Alias) && strings.EqualFold(cmp.Or(entry.SHA256, pin.SHA256), pin.SHA256) {
				back := pin
				back.Holds, back.Was = pin.SHA256, pin.Certificate
				back.SHA256, back.Certificate = pki.Fingerprint(old), old.Raw
				list = append(list, back)
			}
		}
	}
	return list
}

// known is the certificate that an entry holds, if the gateway has it or an
// endpoint served it.
func (s State) known(entry machine.Entry) []byte {
	var all []*x509.Certificate
	if s.Gateway != nil {
		for _, on := range s.Gateway.Certificates() {
			all = append(all, on.Chain...)
		}
	}
	for _, observation := range s.Wire {
		all = append(all, observation.Chain...)
	}
	for _, certificate := range all {
		if is(entry, certificate) {
			return certificate.Raw
		}
	}
	return nil
}

// hostsPinned are the machines whose pinned entry is refreshed, each once.
func (p Plan) hostsPinned() []string {
	var hosts []string
	for _, pin := range p.Pinned {
		hosts = append(hosts, pin.Host)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}
