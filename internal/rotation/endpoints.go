package rotation

import (
	"crypto/x509"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// ownListeners chooses the HTTPS listeners that serve one of the deployment's
// names. A gateway may be shared with other sites, whose listeners are theirs.
// A listener without host names answers for every name that no other listener
// of its frontend and port has. It is ours when one of our names would reach
// it: a name that nobody else has at all, or one that has the port on another
// frontend, as with a public and a private address.
func ownListeners(gateway *cloud.Gateway, names []string) []Listener {
	var own []Listener
	https := gateway.HTTPSListeners()
	var basic []cloud.Listener
	for _, listener := range https {
		if len(listener.HostNames) == 0 {
			basic = append(basic, listener)
		} else if claimed := matching(listener.HostNames, names); len(claimed) > 0 {
			own = append(own, newListener(gateway, listener, claimed))
		}
	}
	claimed := func(name string, where func(cloud.Listener) bool) bool {
		return slices.ContainsFunc(https, func(l cloud.Listener) bool {
			return where(l) && len(matching(l.HostNames, []string{name})) > 0
		})
	}
	for _, listener := range basic {
		anywhere := func(cloud.Listener) bool { return true }
		onPort := func(l cloud.Listener) bool { return l.Port == listener.Port }
		beside := func(l cloud.Listener) bool { return onPort(l) && l.FrontendName == listener.FrontendName }
		reaching := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			return claimed(name, beside) || claimed(name, anywhere) && !claimed(name, onPort)
		})
		if len(reaching) > 0 {
			own = append(own, newListener(gateway, listener, reaching))
		}
	}
	return own
}

func newListener(gateway *cloud.Gateway, listener cloud.Listener, names []string) Listener {
	own := Listener{
		Name:  listener.Name,
		Entry: listener.CertificateName,
		Names: slices.Clone(names),
		Port:  listener.Port,
	}
	for _, name := range listener.HostNames {
		// Whoever comes by another of its names gets the same certificate.
		if !strings.ContainsAny(name, "*?") && !slices.ContainsFunc(own.Names, func(n string) bool { return strings.EqualFold(n, name) }) {
			own.Names = append(own.Names, name)
		}
	}
	if entry, ok := gateway.Certificate(listener.CertificateName); ok {
		own.KeyVaultSecretID = entry.KeyVaultSecretID
		own.Leaf = describeFirst(entry.Chain)
	}
	return own
}

// matching gives the names that a listener's host names cover. Application
// Gateway allows * and ? in host names (multi-site wildcard listeners).
func matching(hostNames, names []string) []string {
	var matched []string
	for _, name := range names {
		for _, pattern := range hostNames {
			if hostMatches(strings.ToLower(pattern), strings.ToLower(name)) {
				matched = append(matched, name)
				break
			}
		}
	}
	return matched
}

func hostMatches(pattern, name string) bool {
	if pattern == "" || name == "" {
		return pattern == name
	}
	switch pattern[0] {
	case '*':
		return hostMatches(pattern[1:], name) || hostMatches(pattern, name[1:]) || pattern == "*"
	case '?':
		return hostMatches(pattern[1:], name[1:])
	default:
		return pattern[0] == name[0] && hostMatches(pattern[1:], name[1:])
	}
}

// targets are the endpoints to look at: each name as clients resolve it, and
// each name at the gateway's own addresses, which shows a name that leads
// somewhere else.
func (l Listener) targets() []handshake.Target {
	var targets []handshake.Target
	for _, name := range l.Names {
		targets = append(targets, handshake.Target{Host: name, Port: l.Port})
		if addresses := dialable(l.Addresses); len(addresses) > 0 {
			targets = append(targets, handshake.Target{Host: name, Port: l.Port, Addresses: addresses})
		}
	}
	return targets
}

// targetsOf are the endpoints of several listeners, each once: a public and a
// private listener may have one name.
func targetsOf(listeners []Listener) []handshake.Target {
	var targets []handshake.Target
	for _, listener := range listeners {
		for _, target := range listener.targets() {
			same := func(t handshake.Target) bool {
				return t.String() == target.String() && slices.Equal(t.Addresses, target.Addresses)
			}
			if !slices.ContainsFunc(targets, same) {
				targets = append(targets, target)
			}
		}
	}
	return targets
}

// ListenersAt are the listeners that an observation speaks of. A name and a
// port may belong to several, at a public and at a private address; then the
// address decides, if it is one of theirs. A name may lead past the gateway.
func (s State) ListenersAt(observation handshake.Observation) []Listener {
	var named, there []Listener
	host, _, _ := net.SplitHostPort(observation.Address)
	for _, listener := range s.Listeners {
		if !slices.ContainsFunc(listener.targets(), func(t handshake.Target) bool { return t.String() == observation.Target }) {
			continue
		}
		named = append(named, listener)
		if slices.Contains(dialable(listener.Addresses), host) {
			there = append(there, listener)
		}
	}
	if len(there) > 0 {
		return there
	}
	return named
}

// fingerprint is of the leaf that the listener is configured with, "" when
// Azure does not tell.
func (l Listener) fingerprint() string {
	if l.Leaf == nil {
		return ""
	}
	return l.Leaf.SHA256
}

// way is one way to an endpoint, and whether it led there before the change.
type way struct {
	target  handshake.Target
	reached bool
}

func (w way) String() string {
	if len(w.target.Addresses) > 0 {
		return w.target.String() + " at " + strings.Join(w.target.Addresses, ", ")
	}
	return w.target.String() + " as its name resolves"
}

// ways are all ways to the endpoints of a state.
func ways(state State) []way {
	var all []way
	for _, target := range targetsOf(state.Listeners) {
		all = append(all, way{target, reached(state.Wire, target)})
	}
	return all
}

// reached tells whether a handshake with the target was completed. Where a
// proxy resolved the name, only that observation (it has no address) speaks for
// the name; otherwise any does, since an address that the name resolves to may
// well be the gateway's own.
func reached(wire []handshake.Observation, target handshake.Target) bool {
	byProxy := slices.ContainsFunc(wire, func(o handshake.Observation) bool {
		return o.Target == target.String() && o.Address == ""
	})
	return slices.ContainsFunc(wire, func(o handshake.Observation) bool {
		if o.Target != target.String() || served(o) == nil {
			return false
		}
		if len(target.Addresses) == 0 {
			return !byProxy || o.Address == ""
		}
		host, _, err := net.SplitHostPort(o.Address)
		return err == nil && slices.Contains(target.Addresses, host)
	})
}

// unprovable says what a change will not prove: listeners that stay as they
// are, and ways that cannot be looked at from here.
func unprovable(state State, renewed *x509.Certificate) pki.Findings {
	found := append(leftBehind(state, renewed), severalCertificates(state)...)
	for _, way := range ways(state) {
		if !way.reached {
			found = append(found, pki.Finding{
				Code: "endpoint-not-proved", Severity: pki.Note,
				Sentence: way.String() + " cannot be reached from here, so it proves nothing",
			})
		}
	}
	return found
}

// dialable are the IP addresses among the addresses, spelled as handshakes
// record them: an IPv6 address has many spellings.
func dialable(addresses []string) []string {
	var spelled []string
	for _, address := range addresses {
		if ip, err := netip.ParseAddr(address); err == nil {
			spelled = append(spelled, ip.Unmap().String())
		}
	}
	return spelled
}
