package cli

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// handshakes shows observations, one row each; why one failed stands below,
// since that takes a sentence.
func (u *ui) handshakes(seen []handshake.Observation, now time.Time) {
	rows := make([][]line, 0, len(seen))
	proxies := map[string]bool{}
	var failures []handshake.Observation
	for _, o := range seen {
		served := words(bad("no answer"))
		if leaf := o.Leaf(); leaf != nil {
			served = leafLine(pki.Describe(leaf), o, now, u.outStyle)
		} else {
			failures = append(failures, o)
		}
		if o.Proxy != "" {
			proxies[o.Proxy] = true
		}
		if leaf := o.Leaf(); leaf == nil && len(failures) > 1 {
			last := failures[len(failures)-2]
			if last.Target == o.Target && last.Address == o.Address && last.Failure == o.Failure {
				failures = failures[:len(failures)-1] // without SNI it is the same
			}
		}
		rows = append(rows, []line{words(o.Target), words(at(o)), words(sni(o)), words(app.OrDash(o.Protocol)), served})
	}
	u.table([]string{"endpoint", "at", "SNI", "protocol", "serves"}, rows)
	for _, o := range failures {
		u.item(u.outStyle.cross(), o.Target, faint(" at "+at(o)+": "), o.Failure)
	}
	for proxy := range proxies {
		u.item(u.outStyle.bullet(), faint("through the proxy "+proxy))
	}
}

// leafLine is a leaf in few words: its name only when that is not the one asked for.
func leafLine(d pki.Description, o handshake.Observation, now time.Time, p palette) line {
	l := words(daysLeft(d.NotAfter, now), faint(", "+brief(d.SHA256, p)))
	if name := commonName(d); !strings.HasPrefix(o.Target, name+":") {
		return words(name, ", ", l)
	}
	return l
}

// at is where a handshake was made.
func at(o handshake.Observation) string {
	if o.Address == "" {
		return "its name"
	}
	return strings.TrimSuffix(o.Address, ":443")
}

// sni says whether the name was sent.
func sni(o handshake.Observation) string {
	if o.ServerName == "" {
		return "none"
	}
	return "sent"
}

// brief is enough of a fingerprint to tell a few certificates apart.
func brief(hash string, p palette) string {
	if len(hash) <= 8 {
		return hash
	}
	return hash[:8] + p.glyph("…", "...")
}

// listeners shows the configuration of each listener beside what is served
// under its names.
func (u *ui) listeners(state rotation.State) {
	for _, l := range state.Listeners {
		u.heading("Listener " + l.Name)
		entry := words(l.Entry)
		if l.KeyVaultSecretID != "" {
			reference := app.CertificateValue{KeyVaultSecretID: l.KeyVaultSecretID}
			reference.ReadReference()
			entry = words(l.Entry, faint(" from "), l.KeyVaultSecretID, faint(reference.Following()))
		}
		configured := words(faint("not told by Azure"))
		if l.Leaf != nil {
			configured = words(commonName(*l.Leaf), ", ", daysLeft(l.Leaf.NotAfter, state.At), faint(", "+brief(l.Leaf.SHA256, u.outStyle)))
		}
		u.fields(
			field{"answers to", words(strings.Join(l.Names, ", "))},
			field{"addresses", words(strings.Join(l.Addresses, ", "), faint(whereabouts(l, state)))},
			field{"entry", entry},
			field{"configured", configured},
			field{"on the wire", u.onTheWire(l, state)},
		)
	}
}

// onTheWire compares what is served under a listener's names with its entry.
func (u *ui) onTheWire(l rotation.Listener, state rotation.State) line {
	same, other, silent := 0, 0, 0
	for _, o := range state.Wire {
		host, _, _ := strings.Cut(o.Target, ":")
		switch leaf := o.Leaf(); {
		case !contains(l.Names, host) || atAnother(o, l, state.Listeners):
		case leaf == nil:
			silent++
		case l.Leaf != nil && pki.Fingerprint(leaf) == l.Leaf.SHA256:
			same++
		default:
			other++
		}
	}
	var parts []any
	add := func(n int, sign span, text string) {
		if n == 0 {
			return
		}
		if len(parts) > 0 {
			parts = append(parts, ", ")
		}
		parts = append(parts, sign, " "+text+" in "+app.Count(n, "handshake"))
	}
	add(same, u.outStyle.tick(), "the same")
	add(other, u.outStyle.cross(), "another one")
	add(silent, caution("!"), "no answer")
	return words(parts...)
}

// atAnother tells whether a handshake was made at an address of another
// listener and of none of this one's.
func atAnother(o handshake.Observation, l rotation.Listener, all []rotation.Listener) bool {
	ip, _, err := net.SplitHostPort(o.Address)
	if err != nil || contains(l.Addresses, ip) {
		return false
	}
	return slices.ContainsFunc(all, func(other rotation.Listener) bool { return contains(other.Addresses, ip) })
}

// whereabouts says where a private address is.
func whereabouts(l rotation.Listener, state rotation.State) string {
	listener, ok := state.Gateway.Listener(l.Name)
	if !ok || !listener.Private {
		return ""
	}
	if network := deployment.NetworkOf(listener.SubnetID); network != nil {
		return fmt.Sprintf(" private, in the virtual network %s, subnet %s", network.Name, network.Subnet)
	}
	return " private"
}

func contains(list []string, wanted string) bool {
	for _, item := range list {
		if strings.EqualFold(item, wanted) {
			return true
		}
	}
	return false
}
