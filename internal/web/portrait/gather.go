package portrait

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/web/topology"
)

// certificate is one that was seen somewhere, with all places.
type certificate struct {
	*x509.Certificate
	sha256 string
	// served are places that sent it first, sent those that sent it after
	// another, configured those that would serve it, trusted who goes by it.
	served, sent, configured, trusted []string
}

// gather finds every certificate of a look.
func gather(seen Seen) []*certificate {
	var all []*certificate
	at := func(c *x509.Certificate) *certificate {
		if known := find(all, pki.Fingerprint(c)); known != nil {
			return known
		}
		all = append(all, &certificate{Certificate: c, sha256: pki.Fingerprint(c)})
		return all[len(all)-1]
	}
	chain := func(chain []*x509.Certificate, where string) {
		for i, c := range chain {
			if i == 0 {
				add(&at(c).served, where)
			} else {
				add(&at(c).sent, where)
			}
		}
	}
	state := seen.State
	for _, o := range state.Wire {
		if o.Failure == "" {
			chain(o.Chain, o.Target)
		}
	}
	for _, l := range state.Listeners {
		entry, _ := state.Gateway.Certificate(l.Entry)
		for i, c := range entry.Chain {
			if i == 0 {
				add(&at(c).configured, "listener "+l.Name)
			} else {
				at(c)
			}
		}
	}
	for _, root := range gatewayRoots(state) {
		for _, c := range root.Chain {
			add(&at(c).trusted, "the gateway, for machines (trusted root "+root.Name+")")
		}
	}
	for _, m := range state.Machines {
		if m.Report == nil {
			continue
		}
		for _, s := range m.Report.Components {
			chain(topology.ChainOf(s), s.Product.Name()+" on "+topology.MachineName(state, m)+", port "+strconv.Itoa(s.Port))
		}
	}
	// Keystores do not show certificates, only what they are.
	for _, m := range state.Machines {
		if m.Report == nil {
			continue
		}
		for _, s := range m.Report.Components {
			for _, e := range s.Entries {
				i := slices.IndexFunc(all, func(c *certificate) bool {
					return (e.SHA256 != "" || e.SHA1 != "") && topology.SameLeaf(e, c.Certificate)
				})
				where := fmt.Sprintf("%s on %s (as %s)", s.Product.Name(), topology.MachineName(state, m), e.Alias)
				switch {
				case i < 0:
				case e.Trusted:
					add(&all[i].trusted, where)
				case strings.EqualFold(e.Alias, s.Alias):
					add(&all[i].configured, where)
				}
			}
		}
	}
	return all
}

func add(list *[]string, text string) {
	if !slices.Contains(*list, text) {
		*list = append(*list, text)
	}
}

// shortest is how much of a SHA-256 names a certificate of a look.
const shortest = 16

// find finds a certificate by its SHA-256, or by enough of its beginning.
func find(all []*certificate, sha256 string) *certificate {
	if len(sha256) < shortest {
		return nil
	}
	i := slices.IndexFunc(all, func(c *certificate) bool {
		return len(sha256) <= len(c.sha256) && strings.EqualFold(c.sha256[:len(sha256)], sha256)
	})
	if i < 0 {
		return nil
	}
	return all[i]
}

// issuerOf is who vouches for a certificate: one that was seen, or one of the
// authorities that are known. Nil when nobody knows it.
func (v view) issuerOf(c *x509.Certificate) *x509.Certificate {
	for _, other := range v.all {
		if other.IsCA && !other.Equal(c) && c.CheckSignatureFrom(other.Certificate) == nil {
			return other.Certificate
		}
	}
	if v.Roots == nil {
		return nil
	}
	return v.Roots.Issuer(c)
}

// selfSigned tells whether a certificate vouches for itself.
func selfSigned(c *x509.Certificate) bool { return pki.Describe(c).SelfSigned }

// Certificate is a row of the table of certificates.
type Certificate struct {
	Shown
	SHA256 string
	// Role says in a word or two what it does here.
	Role   string
	Issuer string
	Places []string
}

// ofOneMachine tells whether a certificate is served in one place, which is a machine:
// then it stands where the machine does.
func (c Certificate) ofOneMachine() bool { return c.Role == machinesServe && len(c.Places) == 1 }

// machinesServe is what certificates of machines do.
const machinesServe = "machines serve it"

// table has every certificate: first what clients get, then what machines
// serve, then who vouches for those.
func (v view) table() []Certificate {
	roles := []string{"clients get it", "configured", machinesServe, "trusted", "vouches for others"}
	var list []Certificate
	for _, c := range v.all {
		row := Certificate{Shown: *v.shown(c.Certificate), SHA256: c.sha256, Issuer: topology.IssuedBy(c.Certificate)}
		switch {
		case slices.ContainsFunc(v.State.Wire, func(o observation) bool { return o.Failure == "" && o.Leaf() != nil && o.Leaf().Equal(c.Certificate) }):
			row.Role, row.Places = roles[0], c.served
		case slices.ContainsFunc(c.configured, func(where string) bool { return strings.HasPrefix(where, "listener ") }):
			row.Role, row.Places = roles[1], c.configured
		case len(c.served) > 0:
			row.Role, row.Places = roles[2], c.served
		case len(c.trusted) > 0:
			row.Role, row.Places = roles[3], c.trusted
		default:
			row.Role, row.Places = roles[4], c.sent
		}
		list = append(list, row)
	}
	slices.SortStableFunc(list, func(a, b Certificate) int {
		if a.Role != b.Role {
			return slices.Index(roles, a.Role) - slices.Index(roles, b.Role)
		}
		return a.Due.Until.Compare(b.Due.Until)
	})
	return list
}
