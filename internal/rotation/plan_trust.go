package rotation

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

// Trusting is one keystore that gets what the new certificate needs to be
// accepted, before it is served anywhere.
type Trusting struct {
	// Machine is the virtual machine's name, Host its name in the network.
	Machine string          `json:"machine"`
	Host    string          `json:"host"`
	Site    string          `json:"site,omitempty"`
	Product machine.Product `json:"product"`
	Port    int             `json:"port"`
	// Role is "primary" or "standby" at a portal.
	Role string `json:"role,omitempty"`
	// Imports are added to the keystore. None where a run before this one has
	// added them and did not get as far as the restart.
	Imports []Authority `json:"imports"`
	// Restarts tells that the component restarts afterwards: Java reads its
	// trust store when it starts, and not again.
	Restarts bool `json:"restarts"`
	// Away are the pools that the machine is taken out of meanwhile.
	Away []cloud.Member `json:"away,omitempty"`
	// Alone tells that no other machine of the site carries on meanwhile.
	Alone bool `json:"alone,omitempty"`
}

// Authority is a certificate that a keystore is to trust.
type Authority struct {
	Alias   string `json:"alias"`
	Subject string `json:"subject"`
	SHA256  string `json:"sha256"`
	// Certificate is it (DER).
	Certificate []byte `json:"certificate"`

	certificate *x509.Certificate
}

// vouching is what machines come to for a set of certificates.
type vouching struct {
	needs []Trusting
	pins  []Pinned
	// roots are those that no public list has and that every verifier knows, or
	// will know by needs.
	roots []*x509.Certificate
	// held counts the keystores that hold such a root already.
	held int
	// findings say what cannot be told or done.
	findings pki.Findings
}

// verifiers are the components that verify the external certificate: Portal and
// Server reach each other through the gateway, and so do Server's relatives.
func verifiers(m Machine) []machine.Component {
	return slices.DeleteFunc(slices.Clone(m.Components), func(c machine.Component) bool { return !c.HasKeystore() })
}

// seen is a component as it was seen, and why nothing is known of its keystore.
func (m Machine) seen(c machine.Component) (machine.Seen, string) {
	if m.Report == nil {
		return machine.Seen{}, cmp.Or(m.Trouble, "it was not looked at")
	}
	for _, seen := range m.Report.Components {
		if seen.Port != c.Port {
			continue
		}
		if len(seen.Entries) == 0 {
			return seen, cmp.Or(seen.Trouble, seen.WireTrouble, m.Trouble, "its keystore was not read")
		}
		return seen, ""
	}
	return machine.Seen{}, cmp.Or(m.Trouble, "it was not looked at")
}

// vouch holds certificates against the keystores of the machines. bundles are
// what will be served, leading is the one that pinned entries are to hold.
func vouch(state State, goal Goal, bundles []*pki.Bundle, leading *x509.Certificate) vouching {
	var v vouching
	if state.Way == "" {
		return v
	}
	if state.Way == reach.DSC {
		v.needs = byDSC(state, leading)
		for _, bundle := range bundles {
			if root, known := anchor(bundle, goal); root != nil && !known {
				v.roots = append(v.roots, root) // the leaf below it is trusted by itself
			}
		}
		v.findings = dscGap(state, goal)
		return v
	}
	for _, bundle := range bundles {
		v.vouchFor(state, goal, bundle)
	}
	v.pins = pins(state, leading)
	slices.SortStableFunc(v.needs, func(a, b Trusting) int { return state.turn(a) - state.turn(b) })
	return v
}

// anchor is the root of a certificate's chain, as far as it is at hand, and
// whether it counts as known by every Java.
func anchor(bundle *pki.Bundle, goal Goal) (root *x509.Certificate, known bool) {
	judgement := judge(bundle, pki.Criteria{Now: goal.Now, Roots: goal.Roots})
	if judgement.RootKnown {
		return judgement.Chain[len(judgement.Chain)-1], true
	}
	return bundle.Root, false // without it there is nothing to look for, and nothing to import
}

// vouchFor finds the keystores that do not know the root of a bundle. One on a
// public list need not be in any.
func (v *vouching) vouchFor(state State, goal Goal, bundle *pki.Bundle) {
	root, named := anchor(bundle, goal)
	if root == nil || pki.MozillaRoots().Contains(root) {
		return
	}
	if named {
		v.heldByAll(state, root)
		return
	}
	everywhere := true
	for _, m := range state.Machines {
		for _, c := range verifiers(m) {
			seen, trouble := m.seen(c)
			trusted := trusts(seen.Entries, root)
			if !trusted && trouble == "" {
				trouble = unreadEntry(seen.Entries)
			}
			switch {
			case trouble != "":
				everywhere = false
				v.findings = append(v.findings, notSeen(m, c, trouble, root, goal))
			case !trusted:
				v.need(m, seen, authorities(bundle)...)
			case state.restartPending(m.Host, c.Port, root):
				v.need(m, seen)
			default:
				v.held++
			}
		}
	}
	if everywhere && !slices.ContainsFunc(v.roots, root.Equal) {
		v.roots = append(v.roots, root)
	}
}

// heldByAll looks for a root that a person or this computer's environment
// names: it counts as known, and the keystores say whether it truly is. Java
// may know it by itself, so that it is in none of them is told and no more.
func (v *vouching) heldByAll(state State, root *x509.Certificate) {
	held, verifying := 0, 0
	for _, m := range state.Machines {
		for _, c := range verifiers(m) {
			verifying++
			if seen, _ := m.seen(c); trusts(seen.Entries, root) {
				held++
			}
		}
	}
	if held == verifying && held > 0 {
		v.roots, v.held = append(v.roots, root), v.held+held
		return
	}
	v.findings = append(v.findings, pki.Finding{
		Code: "root-known-by-name", Severity: pki.Note,
		Sentence: fmt.Sprintf("the root %q counts as known because it is named (SSL_CERT_FILE, --roots); of %d keystores that were looked for it %d hold it", pki.Describe(root).Subject, verifying, held),
		Mend:     "if the Java of Portal and Server does not know it by itself, put it into the .pfx instead of naming it: then it is imported where it is missing",
	})
}

// trusts tells whether a keystore holds a certificate as a trusted one, under
// whatever alias.
func trusts(entries []machine.Entry, certificate *x509.Certificate) bool {
	return slices.ContainsFunc(entries, func(e machine.Entry) bool { return e.Trusted && is(e, certificate) })
}

// unreadEntry says which entry of a keystore could not be read: it might be the
// one that is looked for.
func unreadEntry(entries []machine.Entry) string {
	for _, entry := range entries {
		if entry.Trouble != "" {
			return fmt.Sprintf("the entry %s could not be read: %s", entry.Alias, entry.Trouble)
		}
	}
	return ""
}

// is tells whether an entry holds a certificate; old releases tell SHA-1 only.
func is(entry machine.Entry, certificate *x509.Certificate) bool {
	if entry.SHA256 == "" {
		return strings.EqualFold(entry.SHA1, pki.Thumbprint(certificate))
	}
	return strings.EqualFold(entry.SHA256, pki.Fingerprint(certificate))
}

// need adds to what a keystore gets. Whatever is added there counts only after a
// restart; a bundle without anything to add is waiting for one.
func (v *vouching) need(m Machine, seen machine.Seen, imports ...Authority) {
	i := slices.IndexFunc(v.needs, func(t Trusting) bool { return t.Host == m.Host && t.Port == seen.Port })
	if i < 0 {
		i = len(v.needs)
		v.needs = append(v.needs, Trusting{
			Machine: m.Name, Host: m.Host, Site: m.Site, Product: seen.Product, Port: seen.Port, Role: seen.Role, Imports: []Authority{}, Restarts: true,
		})
	}
	for _, authority := range imports {
		known := slices.ContainsFunc(seen.Entries, func(e machine.Entry) bool { return e.Trusted && is(e, authority.certificate) }) ||
			slices.ContainsFunc(v.needs[i].Imports, func(a Authority) bool { return a.SHA256 == authority.SHA256 })
		if !known {
			v.needs[i].Imports = append(v.needs[i].Imports, authority)
		}
	}
}

// authorities are the root of a chain and its intermediates, in the order in
// which Esri wants them imported. Their aliases follow from their
// fingerprints, so a run that is repeated finds them again.
func authorities(bundle *pki.Bundle) []Authority {
	list := []Authority{authority("root", bundle.Root)}
	for _, intermediate := range slices.Backward(bundle.Intermediates) {
		list = append(list, authority("intermediate", intermediate))
	}
	return list
}

func authority(kind string, certificate *x509.Certificate) Authority {
	fingerprint := pki.Fingerprint(certificate)
	return Authority{
		Alias: "cartouche-" + kind + "-" + fingerprint[:8], Subject: pki.Describe(certificate).Subject,
		SHA256: fingerprint, Certificate: certificate.Raw, certificate: certificate,
	}
}

// notSeen refuses to serve a certificate of which nobody knows whether a
// machine accepts it, unless a person vouches for that.
func notSeen(m Machine, c machine.Component, trouble string, root *x509.Certificate, goal Goal) pki.Finding {
	finding := pki.Finding{
		Code: "trust-not-seen", Severity: pki.Refusal,
		Sentence: fmt.Sprintf("whether %s on %s knows the root %q cannot be told: %s", c.Product.Name(), m.Name, pki.Describe(root).Subject, trouble),
		Mend:     cmp.Or(m.Mend, "see that the machine can be reached and that the site administrator's login is right; or, if its keystore has the root, say so with --assume-trusted"),
	}
	if goal.AssumeTrusted {
		finding.Severity, finding.Mend = pki.Warning, ""
	}
	return finding
}

// untold leaves out that a root is not known where the machines were asked and
// have not answered: nothing is wrong with the certificate, and what keeps the
// machines from answering is what is to be mended.
func (v vouching) untold(findings pki.Findings) pki.Findings {
	if !v.findings.Refused() || !v.findings.Has("trust-not-seen") {
		return findings
	}
	return slices.DeleteFunc(slices.Clone(findings), func(f pki.Finding) bool { return f.Code == "root-not-known" })
}
