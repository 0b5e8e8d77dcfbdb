package witness

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// external is what the gateways show to visitors: invariant I1.
type external struct {
	roots   *x509.CertPool
	allowed map[string]bool // fingerprints, for every listener
	// At the beginning, by gateway and listener: chains served (any of the
	// instances), and so what may be served whatever its faults.
	first map[string]map[string]map[string]bool
}

func newExternal(roots *x509.CertPool, leaves []string) external {
	e := external{roots: roots, allowed: map[string]bool{}, first: map[string]map[string]map[string]bool{}}
	for _, leaf := range leaves {
		e.allowed[plain(leaf)] = true
	}
	return e
}

func (e *external) serves(w *Witness, now ground.GatewayServes) {
	if !w.begun {
		e.begin(now)
		return
	}
	if now.Disturbed {
		return // the gateway's own fault
	}
	first := e.first[now.Gateway]
	names := map[string]bool{}
	for _, listener := range now.Listeners {
		names[listener.Name] = true
		if fault := e.fault(w, first, listener); fault != "" {
			w.say("I1", "instance %d of %s serves at listener %s %s", now.Instance, now.Gateway, listener.Name, fault)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(first)) {
		if !names[name] {
			w.say("I1", "instance %d of %s no longer serves listener %s", now.Instance, now.Gateway, name)
		}
	}
}

func (e *external) begin(now ground.GatewayServes) {
	first := e.first[now.Gateway]
	if first == nil {
		first = map[string]map[string]bool{}
		e.first[now.Gateway] = first
	}
	for _, listener := range now.Listeners {
		if first[listener.Name] == nil {
			first[listener.Name] = map[string]bool{}
		}
		first[listener.Name][chainKey(listener.Chain)] = true
	}
}

// fault is what is wrong with what a listener serves, "" for nothing. A listener
// may go on with the very chain that it had.
func (e *external) fault(w *Witness, first map[string]map[string]bool, listener ground.ListenerServes) string {
	had, known := first[listener.Name]
	if had[chainKey(listener.Chain)] {
		return ""
	}
	if len(listener.Chain) == 0 {
		return "no certificate"
	}
	print := fingerprint(listener.Chain[0])
	if !e.allowed[print] && !hasLeaf(had, print) {
		if known {
			return "the leaf " + short(print) + ", neither the old nor the new one"
		}
		for _, others := range first {
			if hasLeaf(others, print) {
				return ""
			}
		}
		return "the leaf " + short(print) + ", which nobody allowed"
	}
	leaf, intermediates, err := read(listener.Chain)
	if err != nil {
		return fmt.Sprintf("the leaf %s, which cannot be read: %v", short(print), err)
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: e.roots, Intermediates: intermediates, CurrentTime: w.world.Ground.Clock.Now()})
	if err != nil {
		return fmt.Sprintf("the leaf %s, which no visitor accepts: %v", short(print), err)
	}
	for _, host := range listener.Hosts {
		if !strings.ContainsAny(host, "*?") && leaf.VerifyHostname(host) != nil {
			return fmt.Sprintf("the leaf %s, which does not name %s", short(print), host)
		}
	}
	return ""
}

// chainKey is a chain as a map's key: the fingerprints, leaf first.
func chainKey(chain [][]byte) string {
	var prints []string
	for _, der := range chain {
		prints = append(prints, fingerprint(der))
	}
	return strings.Join(prints, " ")
}

func hasLeaf(chains map[string]bool, print string) bool {
	for chain := range chains {
		if leaf, _, _ := strings.Cut(chain, " "); leaf == print {
			return true
		}
	}
	return false
}

func read(chain [][]byte) (leaf *x509.Certificate, intermediates *x509.CertPool, err error) {
	intermediates = x509.NewCertPool()
	for i, der := range chain {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, nil, err
		}
		if i == 0 {
			leaf = certificate
			continue
		}
		intermediates.AddCert(certificate)
	}
	return leaf, intermediates, nil
}

// fingerprint is SHA-256 in lower-case hex.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// short is as much of a fingerprint as a sentence needs.
func short(print string) string { return strings.ToUpper(print[:min(8, len(print))]) }
