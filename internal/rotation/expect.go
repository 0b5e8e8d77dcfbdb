package rotation

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// expectation is the leaf that an endpoint must serve, by spot.
type expectation map[spot]wanted

// spot is one way to knock at an endpoint: where, at which address, with which SNI.
type spot struct{ target, address, serverName string }

type wanted struct {
	leaf string // SHA-256 fingerprint
	// also are leaves that are as good, where nobody can tell which listener answers.
	also []string
	// meanwhile is the leaf that may still be seen while instances switch;
	// nothing else may.
	meanwhile string
}

// before says what was served there.
func (w wanted) before() string {
	if w.leaf == "" {
		return ""
	}
	return "served " + w.leaf[:min(len(w.leaf), 16)] + "…"
}

func (w wanted) is(leaf string) bool { return leaf == w.leaf || slices.Contains(w.also, leaf) }

func spotOf(observation handshake.Observation) spot {
	return spot{observation.Target, observation.Address, observation.ServerName}
}

// speaksForName tells whether a spot is asked for by name, as clients do. What
// is served without SNI may be another site's, and so proves nothing alone.
func (s spot) speaksForName() bool {
	host, _, err := net.SplitHostPort(s.target)
	if err != nil {
		return false
	}
	_, notIP := netip.ParseAddr(host) // no SNI is ever sent for an IP address
	return s.serverName != "" || notIP == nil
}

// provable tells whether anything is expected under the name of a listener.
func (e expectation) provable() bool {
	for at := range e {
		if at.speaksForName() {
			return true
		}
	}
	return false
}

// worthALook leaves out addresses at which nothing is expected: a private one
// that cannot be reached from here would hold up every look until its dialling
// times out. Names are always looked at, since they may lead elsewhere by now.
func (e expectation) worthALook(targets []handshake.Target) []handshake.Target {
	return slices.DeleteFunc(targets, func(target handshake.Target) bool {
		if len(target.Addresses) == 0 {
			return false
		}
		for at := range e {
			host, _, err := net.SplitHostPort(at.address)
			if err == nil && at.target == target.String() && slices.Contains(target.Addresses, host) {
				return false
			}
		}
		return true
	})
}

// expect derives from what was seen before which leaf each endpoint must serve
// afterwards. An endpoint that could not be reached before proves nothing and
// is not asked for.
func expect(before State, moves []Move) expectation {
	expected := expectation{}
	for _, byName := range []bool{true, false} { // what is seen without SNI is held against what is seen with it
		for _, observation := range before.Wire {
			leaf, at := served(observation), spotOf(observation)
			if leaf == nil || at.speaksForName() != byName || strangerFollows(before, observation) {
				continue
			}
			if byName {
				expected[at] = wantedByName(before, moves, observation, pki.Fingerprint(leaf))
			} else {
				expected[at] = wantedWithoutSNI(before, moves, observation, pki.Fingerprint(leaf), expected)
			}
		}
	}
	return expected
}

// wantedByName: the listener that has the name, the port and, if there are
// several of those, the address or else the leaf that was seen.
func wantedByName(before State, moves []Move, observation handshake.Observation, seen string) wanted {
	candidates := before.ListenersAt(observation)
	if same := slices.DeleteFunc(slices.Clone(candidates), func(l Listener) bool { return l.fingerprint() != seen }); len(same) > 0 {
		candidates = same
	}
	want := wanted{leaf: seen, meanwhile: seen}
	for _, listener := range candidates {
		leaf, moved := leafAfter(moves, listener.Name, listener.fingerprint())
		if moved {
			// Where nobody can tell them apart, the one that moves is the one to
			// prove. A leaf of which nothing is known is served by nobody.
			return wanted{leaf: leaf, meanwhile: seen}
		}
		if leaf != "" {
			want.leaf = leaf
		}
	}
	return want
}

// wantedWithoutSNI: a gateway answers for one of its listeners, which may be
// another site's. That one is known by its leaf; the leaf of a listener that
// does not move must stay what it is.
func wantedWithoutSNI(before State, moves []Move, observation handshake.Observation, seen string, named expectation) wanted {
	var leaves []string
	for _, listener := range sharing(before, observation) {
		entry, ok := before.Gateway.Certificate(listener.CertificateName)
		if ok && len(entry.Chain) > 0 && pki.Fingerprint(entry.Chain[0]) == seen {
			leaf, _ := leafAfter(moves, listener.Name, seen)
			leaves = append(leaves, leaf)
		}
	}
	if len(leaves) == 0 { // the configuration does not explain what was seen
		host, _, _ := net.SplitHostPort(observation.Target)
		if want, ok := named[spot{observation.Target, observation.Address, host}]; ok && want.meanwhile == seen {
			return want
		}
		leaves = []string{seen}
	}
	want := wanted{leaf: leaves[0], meanwhile: seen}
	for _, leaf := range leaves {
		if want.leaf == seen {
			want.leaf = leaf // the one that changes, if there is one
		}
	}
	want.also = slices.DeleteFunc(leaves, func(leaf string) bool { return leaf == want.leaf })
	return want
}

// strangerFollows tells that what was seen without SNI is another site's, whose
// listener follows Key Vault. Any write makes the gateway look there, so what it
// serves next is no business of ours, and proves nothing.
func strangerFollows(before State, observation handshake.Observation) bool {
	if spotOf(observation).speaksForName() {
		return false
	}
	seen := pki.Fingerprint(served(observation))
	return slices.ContainsFunc(sharing(before, observation), func(l cloud.Listener) bool {
		ours := slices.ContainsFunc(before.Listeners, func(own Listener) bool { return strings.EqualFold(own.Name, l.Name) })
		entry, _ := before.Gateway.Certificate(l.CertificateName)
		in, refers := ParseInVault(entry.KeyVaultSecretID)
		return !ours && refers && in.Version == "" && len(entry.Chain) > 0 && pki.Fingerprint(entry.Chain[0]) == seen
	})
}

// sharing are the HTTPS listeners of the gateway, whoever's they are, that may
// have answered: those of the port, and of the frontend when the address tells it.
func sharing(before State, observation handshake.Observation) []cloud.Listener {
	var ports []int
	frontends := map[string]bool{}
	for _, own := range before.ListenersAt(observation) {
		ports = append(ports, own.Port)
		if listener, ok := before.Gateway.Listener(own.Name); ok {
			frontends[listener.FrontendName] = true
		}
	}
	return slices.DeleteFunc(before.Gateway.HTTPSListeners(), func(l cloud.Listener) bool {
		return !slices.Contains(ports, l.Port) || !frontends[l.FrontendName]
	})
}

// leafAfter is the leaf of a listener when the moves are made, and whether it
// is one that moves.
func leafAfter(moves []Move, listener, now string) (leaf string, moved bool) {
	for _, move := range moves {
		if strings.EqualFold(move.Listener, listener) {
			return move.ToLeaf, true
		}
	}
	return now, false
}

// asBefore expects every endpoint to serve again what it served before.
func asBefore(before State, changed expectation) expectation {
	expected := expectation{}
	for _, observation := range before.Wire {
		if leaf := served(observation); leaf != nil && !strangerFollows(before, observation) {
			at := spotOf(observation)
			expected[at] = wanted{leaf: pki.Fingerprint(leaf), meanwhile: changed[at].leaf}
		}
	}
	return expected
}
