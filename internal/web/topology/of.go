package topology

import (
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Of is the picture of a deployment as it was observed. certificate says where
// one is told about, by its SHA-256.
func Of(state rotation.State, certificate func(sha256 string) string) Picture {
	if len(state.Machines) == 0 { // not looked at: what is known is where they are
		for _, place := range state.Places() {
			state.Machines = append(state.Machines, rotation.Machine{Machine: place})
		}
	}
	v := view{State: state, certificate: certificate}
	p := Picture{
		Title: "How " + strings.Join(state.Deployment.Names(), " and ") + " is served",
		About: "From left to right: the names that people type, the gateway and its listeners, the pools, and the machines. The same stands in the tables below.",
	}
	v.names(&p)
	v.gateway(&p)
	v.vaults(&p)
	v.pools(&p)
	for i, m := range state.Machines {
		p.Machines = append(p.Machines, v.machine(MachineID(i), m))
		for _, c := range m.Components {
			for _, way := range state.WaysTo(m.Machine, c) {
				p.join(poolID(way.Pool), MachineID(i))
			}
		}
	}
	p.thin()
	return p
}

// MachineID is where a page tells about a machine of a state, by its number.
func MachineID(i int) string { return "machine-" + strconv.Itoa(i+1) }

// ListenerID is where a page tells about a listener of a state, by its number.
func ListenerID(i int) string { return "listener-" + strconv.Itoa(i+1) }

func poolID(name string) string { return "pool " + strings.ToLower(name) }

// join adds a link once.
func (p *Picture) join(from, to string) {
	if l := (Link{from, to}); !slices.Contains(p.Links, l) {
		p.Links = append(p.Links, l)
	}
}

// view makes boxes of a state.
type view struct {
	rotation.State
	certificate func(sha256 string) string
}

// names are what people type, with what they get there.
func (v view) names(p *Picture) {
	var names []string
	for _, listener := range v.Listeners {
		for _, name := range listener.Names {
			if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
				names = append(names, name)
			}
		}
	}
	for i, name := range names {
		box := Box{ID: "name-" + strconv.Itoa(i+1), Title: name, Href: "#wire"}
		var at []string
		seen := map[string]bool{}
		for _, o := range v.Wire {
			host, _, _ := net.SplitHostPort(o.Target)
			if !strings.EqualFold(host, name) || o.ServerName == "" && net.ParseIP(name) == nil {
				continue
			}
			if address, _, err := net.SplitHostPort(o.Address); err == nil && !slices.Contains(at, address) {
				at = append(at, address)
			}
			row := v.gets(o, name)
			if key := row.Text + row.Href; !seen[key] {
				seen[key] = true
				box.Rows = append(box.Rows, row)
			}
		}
		if len(at) > 0 {
			box.Note = "at " + strings.Join(at, ", ")
		}
		if len(box.Rows) == 0 {
			box.Rows = []Row{{Kind: Says, Text: "not looked at"}}
		}
		p.Names = append(p.Names, box)
		for j, listener := range v.Listeners {
			if slices.ContainsFunc(listener.Names, func(n string) bool { return strings.EqualFold(n, name) }) {
				p.join(box.ID, ListenerID(j))
			}
		}
	}
}

// gets is what a client gets at an endpoint.
func (v view) gets(o handshake.Observation, name string) Row {
	leaf := o.Leaf()
	switch {
	case leaf == nil || o.Failure != "":
		return Row{Kind: Differs, Text: "no answer: " + o.Failure}
	case !pki.Covers(leaf, name):
		row := v.row(Differs, "", leaf)
		row.Text += ", which is not for it"
		return row
	}
	return v.row(Serves, "", leaf)
}

// row is a row about a certificate.
func (v view) row(kind Kind, before string, c *x509.Certificate) Row {
	return Row{Kind: kind, Text: before + NameOf(c), Until: c.NotAfter, Href: v.certificate(pki.Fingerprint(c))}
}

// NameOf is the shortest telling name of a certificate.
func NameOf(c *x509.Certificate) string {
	switch names := pki.Names(c); {
	case c.Subject.CommonName != "":
		return c.Subject.CommonName
	case len(names) > 0:
		return names[0]
	case len(c.Subject.Organization) > 0:
		return c.Subject.Organization[0]
	}
	return pki.Describe(c).Subject
}

func (v view) gateway(p *Picture) {
	p.Gateway = Box{ID: "gateway", Title: v.Gateway.Name(), Note: "Application Gateway", Href: "#listeners"}
	if state := v.Gateway.ProvisioningState(); state != "Succeeded" {
		p.Gateway.Rows = append(p.Gateway.Rows, Row{Kind: Differs, Text: "its last change: " + state})
	}
	for i, listener := range v.Listeners {
		p.Listeners = append(p.Listeners, v.listener(ListenerID(i), listener))
		for _, route := range v.Gateway.Routes() {
			if strings.EqualFold(route.Listener, listener.Name) {
				p.join(ListenerID(i), poolID(route.Pool))
			}
		}
	}
	p.Gateway.Rows = append(p.Gateway.Rows, v.roots()...)
}

// mostRoots is how many trusted roots are drawn; the tables have all.
const mostRoots = 4

// roots are those by which the gateway accepts the machines.
func (v view) roots() []Row {
	var rows []Row
	for _, root := range v.Gateway.TrustedRoots() {
		switch {
		case len(root.Chain) > 0:
			rows = append(rows, v.row(Trusts, "trusts ", root.Chain[0]))
		default:
			rows = append(rows, Row{Kind: Trusts, Text: "trusts " + root.Name + ", which Azure does not show"})
		}
	}
	if more := len(rows) - mostRoots; more > 0 {
		rows = append(rows[:mostRoots:mostRoots], Row{Kind: Says, Text: fmt.Sprintf("and %d more that it trusts", more), Href: "#certificates"})
	}
	return rows
}

// listener is one listener: what it is configured with, and whether that is
// what is served under its names.
func (v view) listener(id string, l rotation.Listener) Box {
	box := Box{ID: id, Href: "#" + id, Title: l.Name, Note: "port " + strconv.Itoa(l.Port)}
	if len(l.Addresses) > 0 {
		box.Note += " at " + strings.Join(l.Addresses, ", ")
	}
	entry, _ := v.Gateway.Certificate(l.Entry)
	configured := ""
	if len(entry.Chain) > 0 {
		configured = pki.Fingerprint(entry.Chain[0])
	}
	served := ServedBy(v.State, l)
	agrees := func(c *x509.Certificate) bool { return pki.Fingerprint(c) == configured }
	for _, leaf := range served {
		box.Rows = append(box.Rows, v.row(Serves, "", leaf))
	}
	switch {
	case configured == "":
		box.Rows = append(box.Rows, Row{Kind: Says, Text: l.Entry + ": Azure does not show it"})
	case len(served) == 0:
		box.Rows = append(box.Rows, v.row(Configured, "configured: ", entry.Chain[0]))
	case !slices.ContainsFunc(served, func(c *x509.Certificate) bool { return !agrees(c) }):
	case len(served) > 1 && slices.ContainsFunc(served, agrees):
		box.Rows = append(box.Rows, Row{Kind: Differs, Text: "serves different ones"})
	default:
		box.Rows = append(box.Rows, Row{Kind: Differs, Text: "not what is configured"}, v.row(Configured, "configured: ", entry.Chain[0]))
	}
	if in, ok := rotation.ParseInVault(l.KeyVaultSecretID); ok {
		box.Rows = append(box.Rows, Row{Kind: Says, Text: "from vault " + vaultName(in.Vault) + ": " + in.Name, Href: "#vaults"})
	}
	return box
}

// ServedBy are the leafs that were seen under a listener's names, each once.
func ServedBy(state rotation.State, l rotation.Listener) []*x509.Certificate {
	var leafs []*x509.Certificate
	for _, o := range state.Wire {
		leaf := o.Leaf()
		if leaf == nil || o.Failure != "" || o.ServerName == "" || slices.ContainsFunc(leafs, leaf.Equal) {
			continue
		}
		if slices.ContainsFunc(state.ListenersAt(o), func(own rotation.Listener) bool { return own.Name == l.Name }) {
			leafs = append(leafs, leaf)
		}
	}
	return leafs
}

func vaultName(uri string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(uri, "https://"), ".")
	return name
}
