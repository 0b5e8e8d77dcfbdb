package topology

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// MachineName is the name by which people know a machine of a state. Esri's
// Terraform modules call all machines of a role the same, so theirs is longer.
func MachineName(state rotation.State, m rotation.Machine) string {
	labels := strings.Split(m.Host, ".")
	switch {
	case m.Name == "":
		return labels[0]
	case state.Deployment.Generation == deployment.GitOps && len(labels) > 1:
		return labels[0] + "." + labels[1]
	}
	return m.Name
}

// machine is a machine with its ports.
func (v view) machine(id string, m rotation.Machine) Box {
	box := Box{ID: id, Href: "#" + id, Title: MachineName(v.State, m), Note: strings.Join(m.Roles, ", ")}
	switch {
	case m.Off != "":
		box.Rows = append(box.Rows, Row{Kind: Says, Text: m.Off})
	case m.Trouble != "":
		box.Rows = append(box.Rows, Row{Kind: Differs, Text: m.Trouble})
	case len(m.Components) == 0:
		box.Rows = append(box.Rows, Row{Kind: Says, Text: "has no certificate"})
	case m.Report == nil:
		box.Rows = append(box.Rows, Row{Kind: Says, Text: "not looked at: with the site administrator's login"})
	}
	for _, b := range v.Backends {
		if strings.EqualFold(b.Address, m.Host) && !b.Up() {
			box.Rows = append(box.Rows, Row{Kind: Differs, Text: "not well for the gateway: " + strings.TrimSpace(b.Health+" "+b.Log)})
			break
		}
	}
	if m.Report == nil {
		return box
	}
	for _, seen := range m.Report.Components {
		box.Rows = append(box.Rows, v.port(m, seen)...)
	}
	for _, binding := range m.Report.Bindings {
		box.Rows = append(box.Rows, Row{Kind: Serves, Text: "IIS " + binding.At, Until: binding.NotAfter})
	}
	if row, some := v.trusted(m); some {
		row.Href = "#" + id
		box.Rows = append(box.Rows, row)
	}
	return box
}

// port is what a port serves, and what it is configured to serve when that is
// something else.
func (v view) port(m rotation.Machine, seen machine.Seen) []Row {
	name := strings.TrimPrefix(seen.Product.Name(), "ArcGIS ") + " " + strconv.Itoa(seen.Port)
	chain := ChainOf(seen)
	if len(chain) == 0 {
		return []Row{{Kind: Differs, Text: name + ": no answer"}}
	}
	leaf := chain[0]
	row := v.row(Serves, "", leaf)
	row.Text = name + ", " + IssuedBy(leaf)
	if !namesHost(leaf, m.Host) {
		row.Text = name + ": " + NameOf(leaf)
	}
	rows := []Row{row}
	entry, found := Active(seen)
	switch {
	case seen.Alias == "" || len(seen.Entries) == 0:
	case !found:
		rows = append(rows, Row{Kind: Differs, Text: "configured: " + seen.Alias + ", which is not there"})
	case !SameLeaf(entry, leaf):
		rows = append(rows, Row{Kind: Differs, Text: "configured: " + entry.Alias, Until: entry.NotAfter})
	}
	return rows
}

// ChainOf is what a port sent, leaf first.
func ChainOf(seen machine.Seen) []*x509.Certificate {
	var chain []*x509.Certificate
	for _, der := range seen.Chain {
		if c, err := x509.ParseCertificate(der); err == nil {
			chain = append(chain, c)
		}
	}
	return chain
}

// Active is the entry of the keystore that a component is configured to serve.
func Active(seen machine.Seen) (machine.Entry, bool) {
	i := slices.IndexFunc(seen.Entries, func(e machine.Entry) bool { return seen.Alias != "" && strings.EqualFold(e.Alias, seen.Alias) })
	if i < 0 {
		return machine.Entry{}, false
	}
	return seen.Entries[i], true
}

// SameLeaf tells whether an entry is a certificate, where its product tells so
// much; otherwise nothing speaks against it.
func SameLeaf(entry machine.Entry, leaf *x509.Certificate) bool {
	switch {
	case entry.SHA256 != "":
		return strings.EqualFold(entry.SHA256, pki.Fingerprint(leaf))
	case entry.SHA1 != "":
		return strings.EqualFold(entry.SHA1, pki.Thumbprint(leaf))
	}
	return true
}

// namesHost tells whether a certificate is a machine's own.
func namesHost(c *x509.Certificate, host string) bool {
	short, _, _ := strings.Cut(host, ".")
	is := func(name string) bool { return strings.EqualFold(name, host) || strings.EqualFold(name, short) }
	return is(c.Subject.CommonName) || slices.ContainsFunc(pki.Names(c), is)
}

// IssuedBy says in few words who issued a certificate.
func IssuedBy(c *x509.Certificate) string {
	if pki.Describe(c).SelfSigned {
		return "self-signed"
	}
	issuer := c.Issuer.CommonName
	if issuer == "" {
		issuer = c.Issuer.String()
	}
	return "by " + issuer
}

// trusted says whom the components of a machine trust beside Java's own list.
func (v view) trusted(m rotation.Machine) (Row, bool) {
	var entries []machine.Entry
	for _, seen := range m.Report.Components {
		for _, e := range seen.Entries {
			if e.Trusted && !slices.ContainsFunc(entries, func(k machine.Entry) bool { return k.SHA256 == e.SHA256 && k.Alias == e.Alias }) {
				entries = append(entries, e)
			}
		}
	}
	switch {
	case len(entries) == 0:
		return Row{}, false
	case len(entries) > 1:
		return Row{Kind: Trusts, Text: fmt.Sprintf("trusts %d of its own", len(entries))}, true
	case slices.ContainsFunc(v.Wire, func(o handshake.Observation) bool { return o.Leaf() != nil && SameLeaf(entries[0], o.Leaf()) }):
		return Row{Kind: Trusts, Text: "trusts what clients get"}, true // pinned, as Cloud Builder does
	}
	return Row{Kind: Trusts, Text: "trusts " + EntryName(entries[0]), Until: entries[0].NotAfter}, true
}

// EntryName is the common name of an entry of a keystore, or its alias.
func EntryName(e machine.Entry) string {
	for part := range strings.SplitSeq(e.Subject, ",") {
		if name, ok := strings.CutPrefix(strings.TrimSpace(part), "CN="); ok && name != "" {
			return name
		}
	}
	return e.Alias
}
