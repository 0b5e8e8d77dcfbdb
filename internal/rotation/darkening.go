package rotation

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// Dark is something that goes dark on a day unless somebody does something.
type Dark struct {
	// At is the last moment at which it works.
	At time.Time `json:"at"`
	// Kind is "external", "internal", "binding", "issuer", "trusted-root" or
	// "next-restart".
	Kind string `json:"kind"`
	// Where says what has the certificate, Subject and SHA256 which one it is.
	Where   string `json:"where"`
	Subject string `json:"subject"`
	SHA256  string `json:"sha256,omitempty"`
	// What says for people what stops then.
	What string `json:"what"`
	// Gone tells that it will be so on the day that was asked for.
	Gone bool `json:"gone"`
}

// Darkening is what goes dark, the first first, as far as was looked at: what
// the external names serve, what machines serve or would serve after a restart,
// and the authorities on which that rests. at is the day as of which it is told
// what is gone. It is pure.
func Darkening(state State, at time.Time) []Dark {
	var list []Dark
	add := func(dark Dark) {
		dark.Gone = !at.Before(dark.At)
		same := func(d Dark) bool {
			return d.Kind == dark.Kind && d.Where == dark.Where && d.SHA256 == dark.SHA256 && d.At.Equal(dark.At)
		}
		if !slices.ContainsFunc(list, same) {
			list = append(list, dark)
		}
	}
	for _, observation := range state.Wire {
		if served(observation) == nil || !spotOf(observation).speaksForName() {
			continue
		}
		where := observation.Target
		add(darkens("external", where, observation.Chain[0], "clients of "+where+" are turned away"))
		for _, issuer := range observation.Chain[1:] {
			add(darkens("issuer", where, issuer, "clients of "+where+" are turned away: an issuer in the chain has expired"))
		}
	}
	all := state.ports()
	for _, p := range all {
		for i, certificate := range p.chain {
			if i == 0 {
				add(darkens("internal", p.String(), certificate, stops(p)))
			} else {
				add(darkens("issuer", p.String(), certificate, stops(p)+": an issuer in the chain has expired"))
			}
		}
		if entry, known := p.active(); known && len(p.chain) > 0 && !is(entry, p.chain[0]) && !entry.NotAfter.IsZero() {
			add(Dark{At: pki.UTC(entry.NotAfter), Kind: "next-restart", Where: p.String(), Subject: entry.Subject, SHA256: strings.ToLower(entry.SHA256),
				What: stops(p) + ", once it has restarted: it is configured to serve this"})
		}
	}
	for _, m := range state.Machines {
		if m.Report == nil {
			continue
		}
		for _, binding := range m.Report.Bindings {
			if !binding.NotAfter.IsZero() {
				add(Dark{At: pki.UTC(binding.NotAfter), Kind: "binding", Where: fmt.Sprintf("IIS on %s (%s)", m.Name, binding.At), Subject: binding.Subject,
					What: "the Web Adaptor on " + m.Name + " is no longer reached"})
			}
		}
	}
	for _, root := range presentedRoots(state, all) {
		add(darkens("trusted-root", "trusted root "+root.name, root.certificate, "the gateway accepts nothing of it any more: machines below it are down"))
	}
	slices.SortStableFunc(list, func(a, b Dark) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Where, b.Where), strings.Compare(a.Kind, b.Kind))
	})
	return list
}

func darkens(kind, where string, certificate *x509.Certificate, what string) Dark {
	return Dark{
		At: pki.UTC(certificate.NotAfter), Kind: kind, Where: where, Subject: pki.Describe(certificate).Subject,
		SHA256: pki.Fingerprint(certificate), What: what,
	}
}

// stops says what no longer works when a machine's certificate has expired.
func stops(p port) string {
	switch p.seen.Product {
	case machine.DataStore:
		return "ArcGIS Server may refuse the data store on " + p.at.Name
	case machine.GeoEvent, machine.WorkflowManager, machine.MissionMessages:
		return p.seen.Product.Name() + " on " + p.at.Name + " is refused by those who verify it"
	}
	return "the gateway takes " + p.seen.Product.Name() + " on " + p.at.Name + " out"
}

// presentedRoot is a trusted root of the gateway on which a machine rests.
type presentedRoot struct {
	name        string
	certificate *x509.Certificate
}

// presentedRoots are those that accept what a machine serves and are not that
// very certificate: those are told already.
func presentedRoots(state State, all []port) []presentedRoot {
	if state.Gateway == nil {
		return nil
	}
	var list []presentedRoot
	for _, root := range state.Gateway.TrustedRoots() {
		for _, certificate := range root.Chain {
			if slices.ContainsFunc(all, func(p port) bool {
				return len(p.chain) > 0 && !certificate.Equal(p.chain[0]) && vouches(certificate, p.chain)
			}) {
				list = append(list, presentedRoot{root.Name, certificate})
			}
		}
	}
	return list
}
