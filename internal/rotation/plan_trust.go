package rotation

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

// pinnedAlias is the keystore entry in which Cloud Builder keeps the leaf that
// the gateway serves, on every Portal and Server machine.
// Source: Esri/arcgis-powershell-dsc, Configurations-Azure.
const pinnedAlias = "AppGW-ExternalDNSCerCert"

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
		return machine.Seen{}, orElse(m.Trouble, "it was not looked at")
	}
	for _, seen := range m.Report.Components {
		if seen.Port != c.Port {
			continue
		}
		if len(seen.Entries) == 0 {
			return seen, orElse(seen.Trouble, orElse(seen.WireTrouble, orElse(m.Trouble, "its keystore was not read")))
		}
		return seen, ""
	}
	return machine.Seen{}, orElse(m.Trouble, "it was not looked at")
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
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
		Sentence: fmt.Sprintf("whether %s on %s knows the root %q cannot be told: %s", productName(c.Product), m.Name, pki.Describe(root).Subject, trouble),
		Mend:     orElse(m.Mend, "see that the machine can be reached and that the site administrator's login is right; or, if its keystore has the root, say so with --assume-trusted"),
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
					Holds: strings.ToLower(orElse(entry.SHA256, entry.SHA1)), Was: state.known(entry), SHA256: wanted, Certificate: leaf.Raw,
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
			if entry.Trusted && strings.EqualFold(entry.Alias, pin.Alias) && strings.EqualFold(orElse(entry.SHA256, pin.SHA256), pin.SHA256) {
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

// byDSC is Cloud Builder's way: the leaf goes into the pinned entry of every
// machine, and its configuration restarts every service for that, whoever
// issued the certificate.
// Source: Esri/arcgis-powershell-dsc, ArcGIS_Server_TLS and ArcGIS_Portal_TLS.
func byDSC(state State, leaf *x509.Certificate) []Trusting {
	pin := authority("", leaf)
	pin.Alias = pinnedAlias
	var list []Trusting
	for _, m := range state.Machines {
		for _, c := range verifiers(m) {
			list = append(list, Trusting{
				Machine: m.Name, Host: m.Host, Site: m.Site, Product: c.Product, Port: c.Port, Imports: []Authority{pin}, Restarts: true,
			})
		}
	}
	slices.SortStableFunc(list, func(a, b Trusting) int { return state.turn(a) - state.turn(b) })
	return list
}

// dscGap warns that DSC takes the pinned entry of the present certificate away
// before the new one is served. Where that entry is all by which machines accept
// it, they stop doing so until the switch.
func dscGap(state State, goal Goal) pki.Findings {
	sent := servingChain(state)
	if len(sent) == 0 || pki.JudgeChain(sent, pki.Criteria{Now: goal.Now, Roots: goal.Roots}).RootKnown {
		return nil
	}
	return pki.Findings{{
		Code: "dsc-gap", Severity: pki.Warning,
		Sentence: "DSC replaces the pinned entry before the new certificate is served: machines that accept the present one by that entry alone do not accept it until the switch",
		Mend:     "use the way direct or agent: they trust the authority and replace the entry afterwards",
	}}
}

// turn is the place of a component in the order of restarts: servers of further
// sites, then the hosting server, then the standby portal, then the primary.
// Who depends on others goes after them, and what everybody depends on last.
func (s State) turn(t Trusting) int {
	hosting := slices.ContainsFunc(s.Machines, func(m Machine) bool {
		return m.Host == t.Host && (strings.EqualFold(m.Site, s.Deployment.ServerContext) || t.Product == machine.Server && hasPortal(m))
	})
	switch {
	case t.Product == machine.Portal && t.Role == "standby":
		return 2
	case t.Product == machine.Portal:
		return 3
	case t.Product == machine.Server && hosting:
		return 1
	}
	return 0
}

func hasPortal(m Machine) bool {
	return slices.ContainsFunc(m.Components, func(c machine.Component) bool { return c.Product == machine.Portal })
}

// restarting are the names of machines that restart for trust, each once.
func restarting(needs []Trusting) []string {
	names := []string{}
	for _, need := range needs {
		if need.Restarts && !slices.Contains(names, need.Machine) {
			names = append(names, need.Machine)
		}
	}
	return names
}

// productNames are the words for products.
var productNames = map[machine.Product]string{
	machine.Portal: "Portal", machine.Server: "ArcGIS Server", machine.Notebook: "Notebook Server", machine.Mission: "Mission Server",
	machine.Video: "Video Server", machine.DataStore: "Data Store", machine.GeoEvent: "GeoEvent Server",
	machine.WorkflowManager: "Workflow Manager Server", machine.WebAdaptor: "the Web Adaptor", machine.MissionMessages: "Mission Server's messages",
}

func productName(product machine.Product) string {
	if name, known := productNames[product]; known {
		return name
	}
	return string(product)
}

// hostsTrusting and hostsPinned are the machines that are changed, each once.
func (p Plan) hostsTrusting() []string {
	var hosts []string
	for _, need := range p.Trusting {
		hosts = append(hosts, need.Host)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

func (p Plan) hostsPinned() []string {
	var hosts []string
	for _, pin := range p.Pinned {
		hosts = append(hosts, pin.Host)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// lastOnes refuses to restart the only machine of several that the gateway still
// sends requests to. A machine without neighbours has none to wait for: that it
// is away for a while is said in the plan.
func lastOnes(state State, needs []Trusting) pki.Findings {
	var found pki.Findings
	for _, need := range needs {
		if !need.Restarts {
			continue
		}
		if down := neighboursDown(state.Backends, need); len(down) > 0 {
			found = append(found, pki.Finding{
				Code: "last-healthy-machine", Severity: pki.Refusal,
				Sentence: fmt.Sprintf("%s on %s would restart while its neighbours are not well: %s", productName(need.Product), need.Machine, inWords(down)),
				Mend:     "mend those first; the gateway has nobody else to send requests to meanwhile",
			})
		}
	}
	return found
}

// neighboursDown are the other servers of a machine's pools, when none of them
// is up.
func neighboursDown(servers []cloud.BackendServer, need Trusting) []string {
	var down []string
	for _, own := range servers {
		if !hostIs(own.Address, reach.Machine{Name: need.Machine, Host: need.Host}) {
			continue
		}
		var neighbours []string
		up := false
		for _, other := range servers {
			if other.Pool == own.Pool && other.Setting == own.Setting && other.Address != own.Address {
				neighbours = append(neighbours, other.Address)
				up = up || other.Up()
			}
		}
		if !up {
			down = append(down, neighbours...)
		}
	}
	slices.Sort(down)
	return slices.Compact(down)
}
