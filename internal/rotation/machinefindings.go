package rotation

import (
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

// internalSoon is when an internal certificate is worth a warning: replacing it
// restarts machines, so it wants a date.
const internalSoon = 60 * 24 * time.Hour

// mendInternal is how internal certificates are replaced.
const mendInternal = "replace it with a plan of its own: cartouche plan DEPLOYMENT --internal issue"

// port is a component as it was seen, with what it served.
type port struct {
	at   Machine
	seen machine.Seen
	// chain is what it sent, leaf first; none where it did not answer.
	chain []*x509.Certificate
}

// ports are all components that were looked at.
func (s State) ports() []port {
	var all []port
	for _, m := range s.Machines {
		if m.Report == nil {
			continue
		}
		for _, seen := range m.Report.Components {
			p := port{at: m, seen: seen}
			for _, der := range seen.Chain {
				if certificate, err := x509.ParseCertificate(der); err == nil {
					p.chain = append(p.chain, certificate)
				}
			}
			all = append(all, p)
		}
	}
	return all
}

func (p port) String() string {
	return fmt.Sprintf("%s on %s (port %d)", productName(p.seen.Product), p.at.Name, p.seen.Port)
}

// active is the entry that the component is configured to serve.
func (p port) active() (machine.Entry, bool) {
	for _, entry := range p.seen.Entries {
		if p.seen.Alias != "" && strings.EqualFold(entry.Alias, p.seen.Alias) {
			return entry, true
		}
	}
	return machine.Entry{}, false
}

// MachineFindings judge the machines of a state as they were seen, as of a day:
// what they serve, what they would serve after a restart, what they trust, and
// whether the gateway trusts them. roots are the authorities that ArcGIS knows.
// It is pure, and empty for a state whose machines were not looked at.
func MachineFindings(state State, roots *pki.Roots, now time.Time) pki.Findings {
	var found pki.Findings
	for _, m := range state.Machines {
		found = append(found, machineUnseen(state, m)...)
	}
	all := state.ports()
	for _, p := range all {
		found = append(found, portUnread(p)...)
		found = append(found, internalDates(p, now)...)
		found = append(found, servedAgainstConfigured(p, now)...)
		found = append(found, stalePin(state, p)...)
		found = append(found, staleEntries(p, now)...)
		found = append(found, externalTrust(state, p, roots)...)
	}
	found = append(found, laggingServices(all)...)
	found = append(found, backendTrust(state, all, now)...)
	found = append(found, differentAliases(all)...)
	found = append(found, iis(all, now)...)
	found = append(found, openDoors(all)...)
	return dedupe(found).WorstFirst()
}

// machineUnseen says of which machines nothing is known.
func machineUnseen(state State, m Machine) pki.Findings {
	switch {
	case len(m.Components) == 0 || state.Way == reach.DSC:
		return nil
	case m.Off != "":
		return pki.Findings{{
			Code: "machine-off", Severity: pki.Warning,
			Sentence: fmt.Sprintf("%s was not looked at: %s", m.Name, m.Off),
			Mend:     "start it: az vm start --ids '" + m.ID + "'",
		}}
	case m.Report == nil:
		return pki.Findings{{
			Code: "machine-not-seen", Severity: pki.Warning,
			Sentence: fmt.Sprintf("%s was not looked at: %s", m.Name, orElse(m.Trouble, "nobody tried")),
			Mend:     m.Mend,
		}}
	}
	return nil
}

// portUnread says which component tells nothing, or not all.
func portUnread(p port) pki.Findings {
	switch {
	case len(p.chain) == 0:
		return pki.Findings{{
			Code: "port-silent", Severity: pki.Warning,
			Sentence: fmt.Sprintf("%s serves nothing: %s", p, orElse(p.seen.WireTrouble, "it sent no certificate")),
			Mend:     "see whether its service runs",
		}}
	case p.seen.Trouble != "" && p.seen.TroubleCode != machine.CodeNoCredentials:
		return pki.Findings{{
			Code: "keystore-not-read", Severity: pki.Warning,
			Sentence: fmt.Sprintf("what %s is configured to serve and what it trusts is not known: %s", p, p.seen.Trouble),
		}}
	}
	return nil
}

// internalDates judges what a machine serves. The gateway refuses a backend
// whose certificate has expired; a data store has other readers.
// Source: Azure documentation, "Troubleshoot backend health issues".
func internalDates(p port, now time.Time) pki.Findings {
	if len(p.chain) == 0 {
		return nil
	}
	leaf := p.chain[0]
	left := leaf.NotAfter.Sub(now)
	switch {
	case left < 0:
		severity := pki.Refusal
		if p.seen.Product == machine.DataStore {
			severity = pki.Warning
		}
		return pki.Findings{{
			Code: "internal-expired", Severity: severity,
			Sentence: fmt.Sprintf("%s serves %s, which expired on %s", p, pki.Describe(leaf).Subject, leaf.NotAfter.Format(time.DateOnly)),
			Mend:     mendInternal,
		}}
	case left < internalSoon:
		return pki.Findings{{
			Code: "internal-expires-soon", Severity: pki.Warning,
			Sentence: fmt.Sprintf("%s serves %s, which expires on %s", p, pki.Describe(leaf).Subject, leaf.NotAfter.Format(time.DateOnly)),
			Mend:     mendInternal,
		}}
	}
	return nil
}

// servedAgainstConfigured finds a component that would serve something else
// after a restart: one is pending, or the next one breaks what works.
func servedAgainstConfigured(p port, now time.Time) pki.Findings {
	entry, known := p.active()
	switch {
	case len(p.chain) == 0 || p.seen.Alias == "" || len(p.seen.Entries) == 0:
		return nil
	case !known:
		return pki.Findings{{
			Code: "alias-gone", Severity: pki.Warning,
			Sentence: fmt.Sprintf("%s is configured to serve %q, which is not in its keystore: after a restart it serves its self-signed certificate", p, p.seen.Alias),
			Mend:     mendInternal,
		}}
	case entry.SHA256 == "" && entry.SHA1 == "" || is(entry, p.chain[0]):
		return nil
	}
	until := ""
	if !entry.NotAfter.IsZero() {
		until = ", which is good until " + entry.NotAfter.Format(time.DateOnly)
		if entry.NotAfter.Before(now) {
			until = ", which expired on " + entry.NotAfter.Format(time.DateOnly)
		}
	}
	return pki.Findings{{
		Code: "served-not-configured", Severity: pki.Warning,
		Sentence: fmt.Sprintf("%s serves %s and is configured to serve %s%s: its next restart changes what it serves", p, pki.Describe(p.chain[0]).Subject, p.seen.Alias, until),
		Mend:     "if that is meant, restart it; the gateway must trust what it will serve",
	}}
}

// stalePin finds a pinned entry that is not what the gateway serves.
func stalePin(state State, p port) pki.Findings {
	serving := servingNow(state)
	if serving == nil {
		return nil
	}
	for _, entry := range p.seen.Entries {
		if entry.Trusted && strings.EqualFold(entry.Alias, pinnedAlias) && !is(entry, serving) {
			return pki.Findings{{
				Code: "pin-stale", Severity: pki.Note,
				Sentence: fmt.Sprintf("%s has another certificate in %s than the gateway serves", p, pinnedAlias),
				Mend:     "nothing depends on it where the chain is trusted; the next renewal that looks at the machines refreshes it",
			}}
		}
	}
	return nil
}

// staleEntries finds what lies about in a keystore: expired, or left behind by
// a DSC run that ended between its two restarts.
// Source: Esri/arcgis-powershell-dsc, ArcGIS_Server_TLS ("-temp").
func staleEntries(p port, now time.Time) pki.Findings {
	var stale []string
	for _, entry := range p.seen.Entries {
		switch {
		case strings.EqualFold(entry.Alias, p.seen.Alias):
		case strings.HasSuffix(strings.ToLower(entry.Alias), "-temp"):
			stale = append(stale, entry.Alias+" (left by a DSC run)")
		case !entry.NotAfter.IsZero() && entry.NotAfter.Before(now):
			stale = append(stale, fmt.Sprintf("%s (expired on %s)", entry.Alias, entry.NotAfter.Format(time.DateOnly)))
		}
	}
	if len(stale) == 0 {
		return nil
	}
	return pki.Findings{{
		Code: "entries-stale", Severity: pki.Note,
		Sentence: fmt.Sprintf("the keystore of %s has entries that serve nobody: %s", p, inWords(stale)),
		Mend:     "delete them in its administrator directory when nobody needs them",
	}}
}

// externalTrust finds a keystore that knows neither the root of what the
// gateway serves nor its leaf.
func externalTrust(state State, p port, roots *pki.Roots) pki.Findings {
	sent := servingChain(state)
	if len(sent) == 0 || len(p.seen.Entries) == 0 || unreadEntry(p.seen.Entries) != "" {
		return nil
	}
	judgement := pki.JudgeChain(sent, pki.Criteria{Now: state.At, Roots: roots})
	if judgement.RootKnown || slices.ContainsFunc(judgement.Chain, func(c *x509.Certificate) bool { return trusts(p.seen.Entries, c) }) {
		return nil
	}
	// A root is not sent, so that it is missing can be told by its name only.
	issuer := judgement.Chain[len(judgement.Chain)-1].Issuer
	if slices.ContainsFunc(p.seen.Entries, func(e machine.Entry) bool {
		return e.Trusted && issuer.CommonName != "" && strings.Contains(e.Subject, "CN="+issuer.CommonName)
	}) {
		return nil
	}
	return pki.Findings{{
		Code: "external-not-trusted", Severity: pki.Warning,
		Sentence: fmt.Sprintf("%s has nothing in its keystore by which it could accept what the gateway serves (issued by %s)", p, pki.Describe(sent[0]).Issuer),
		Mend:     "renew it with its root in the .pfx, looking at the machines: then the root is imported",
	}}
}

// servingChain is what the deployment's name served.
func servingChain(state State) []*x509.Certificate {
	for _, observation := range state.Wire {
		if served(observation) != nil && spotOf(observation).speaksForName() {
			return observation.Chain
		}
	}
	return nil
}

// laggingServices finds what takes ArcGIS Server's certificate when it starts
// and has not started since Server's was replaced.
func laggingServices(all []port) pki.Findings {
	var found pki.Findings
	for _, p := range all {
		if p.seen.Product != machine.GeoEvent && p.seen.Product != machine.WorkflowManager || len(p.chain) == 0 {
			continue
		}
		for _, server := range all {
			if server.at.Host == p.at.Host && server.seen.Product == machine.Server && len(server.chain) > 0 && !server.chain[0].Equal(p.chain[0]) {
				found = append(found, pki.Finding{
					Code: "service-lags", Severity: pki.Warning,
					Sentence: fmt.Sprintf("%s serves another certificate (until %s) than ArcGIS Server on the same machine", p, p.chain[0].NotAfter.Format(time.DateOnly)),
					Mend:     "restart its service: it takes ArcGIS Server's certificate when it starts",
				})
			}
		}
	}
	return found
}

// backendTrust holds what machines serve against what the gateway trusts, by the
// settings with which it reaches them.
func backendTrust(state State, all []port, now time.Time) pki.Findings {
	if state.Gateway == nil || len(all) == 0 {
		return nil
	}
	var found pki.Findings
	settings, routes := state.Gateway.Settings(), state.ownRoutes()
	presented := map[string]bool{}
	complete := !slices.ContainsFunc(state.Machines, func(m Machine) bool { return len(m.Components) > 0 && m.Report == nil })
	var ours []string
	for _, setting := range settings {
		used := slices.ContainsFunc(routes, func(r cloud.Route) bool { return strings.EqualFold(r.Setting, setting.Name) })
		if !used || !strings.EqualFold(setting.Protocol, "Https") || len(setting.Roots) == 0 {
			continue
		}
		ours = append(ours, setting.Roots...)
		for _, p := range all {
			if !state.behind(routes, setting, p) {
				continue
			}
			if len(p.chain) == 0 {
				complete = false
				continue
			}
			accepted := false
			for _, name := range setting.Roots {
				root, _ := state.Gateway.TrustedRoot(name)
				if slices.ContainsFunc(root.Chain, func(c *x509.Certificate) bool { return vouches(c, p.chain) }) {
					presented[strings.ToLower(name)], accepted = true, true
				}
			}
			if !accepted {
				found = append(found, pki.Finding{
					Code: "backend-not-trusted", Severity: pki.Refusal,
					Sentence: fmt.Sprintf("%s serves %s (issued by %s), which no trusted root of the gateway's backend setting %s accepts", p,
						pki.Describe(p.chain[0]).Subject, pki.Describe(p.chain[0]).Issuer, setting.Name),
					Mend: mendInternal,
				})
			}
		}
	}
	for _, root := range state.Gateway.TrustedRoots() {
		used := slices.ContainsFunc(ours, func(name string) bool { return strings.EqualFold(name, root.Name) })
		if !used || len(root.Chain) == 0 {
			continue
		}
		until := root.Chain[0].NotAfter
		switch {
		case presented[strings.ToLower(root.Name)] && until.Before(now.Add(internalSoon)):
			found = append(found, pki.Finding{
				Code: "trusted-root-expires", Severity: pki.Warning,
				Sentence: fmt.Sprintf("the gateway's trusted root %s, which machines present, is good until %s", root.Name, until.Format(time.DateOnly)),
				Mend:     mendInternal,
			})
		case !presented[strings.ToLower(root.Name)] && complete:
			found = append(found, pki.Finding{
				Code: "trusted-root-stale", Severity: pki.Note,
				Sentence: fmt.Sprintf("the gateway's trusted root %s (until %s) is presented by no machine", root.Name, until.Format(time.DateOnly)),
				Mend:     "cartouche clean DEPLOYMENT --internal removes it where a run of Cartouche replaced it",
			})
		}
	}
	return found
}

// ownRoutes are the ways from the deployment's listeners.
func (s State) ownRoutes() []cloud.Route {
	return slices.DeleteFunc(s.Gateway.Routes(), func(r cloud.Route) bool {
		return !slices.ContainsFunc(s.Listeners, func(l Listener) bool { return strings.EqualFold(l.Name, r.Listener) })
	})
}

// behind tells whether the gateway reaches a port by a backend setting.
func (s State) behind(routes []cloud.Route, setting cloud.BackendSetting, p port) bool {
	if setting.Port != p.seen.Port {
		return false
	}
	for _, pool := range s.Pools() {
		routed := slices.ContainsFunc(routes, func(r cloud.Route) bool {
			return strings.EqualFold(r.Pool, pool.Name) && strings.EqualFold(r.Setting, setting.Name)
		})
		if routed && slices.ContainsFunc(pool.Addresses, func(a string) bool { return hostIs(a, p.at.Machine) }) {
			return true
		}
	}
	return false
}

// vouches tells whether a trusted root accepts a chain as it was sent: it is the
// leaf itself, or it has signed it or one of those above it.
func vouches(root *x509.Certificate, chain []*x509.Certificate) bool {
	if root.Equal(chain[0]) {
		return true
	}
	pool, others := x509.NewCertPool(), x509.NewCertPool()
	pool.AddCert(root)
	for _, certificate := range chain[1:] {
		others.AddCert(certificate)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: pool, Intermediates: others, CurrentTime: chain[0].NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return err == nil
}

// hostIs tells whether an address in a pool is a machine: its name in the
// network, or a full name that begins with the machine's.
func hostIs(address string, m reach.Machine) bool {
	first, _, _ := strings.Cut(address, ".")
	return strings.EqualFold(address, m.Host) || net.ParseIP(address) == nil && strings.EqualFold(first, m.Name)
}

// differentAliases finds portal machines that are configured by different
// names: only one is kept for the portal, and an upgrade would put both back to
// the self-signed "portal".
// Source: Esri support article 000022836.
func differentAliases(all []port) pki.Findings {
	bySite := map[string][]port{}
	for _, p := range all {
		if p.seen.Product == machine.Portal && p.seen.Alias != "" {
			bySite[strings.ToLower(p.at.Site)] = append(bySite[strings.ToLower(p.at.Site)], p)
		}
	}
	var found pki.Findings
	for _, portals := range bySite {
		for _, other := range portals[1:] {
			if !strings.EqualFold(other.seen.Alias, portals[0].seen.Alias) {
				found = append(found, pki.Finding{
					Code: "portal-aliases-differ", Severity: pki.Warning,
					Sentence: fmt.Sprintf("the portal serves by the alias %s on %s and by %s on %s: an upgrade would put both back to the self-signed certificate",
						portals[0].seen.Alias, portals[0].at.Name, other.seen.Alias, other.at.Name),
					Mend: mendInternal + "; it uses one alias on all machines",
				})
			}
		}
	}
	return found
}

// iis judges the bindings of HTTP.sys, by which a Web Adaptor is served.
func iis(all []port, now time.Time) pki.Findings {
	var found pki.Findings
	for _, p := range all {
		if p.seen.Product != machine.WebAdaptor || p.at.Report == nil {
			continue
		}
		if trouble := p.at.Report.BindingsTrouble; trouble != "" {
			found = append(found, pki.Finding{
				Code: "iis-not-read", Severity: pki.Warning,
				Sentence: fmt.Sprintf("what is bound in IIS on %s is not known: %s", p.at.Name, trouble),
				Mend:     "look at its bindings: netsh http show sslcert",
			})
		}
		for _, binding := range p.at.Report.Bindings {
			_, number, err := net.SplitHostPort(binding.At)
			if err != nil || number != fmt.Sprint(p.seen.Port) {
				continue
			}
			if answersFor(p, binding) && len(p.chain) > 0 && !strings.EqualFold(binding.Thumbprint, pki.Thumbprint(p.chain[0])) {
				found = append(found, pki.Finding{
					Code: "iis-differs", Severity: pki.Warning,
					Sentence: fmt.Sprintf("IIS on %s is to serve %s at %s, and another certificate is served there", p.at.Name, binding.Thumbprint, binding.At),
					Mend:     "look at its bindings: netsh http show sslcert",
				})
			}
			if !binding.NotAfter.IsZero() && binding.NotAfter.Before(now.Add(internalSoon)) {
				found = append(found, pki.Finding{
					Code: "iis-expires", Severity: pki.Warning,
					Sentence: fmt.Sprintf("the certificate that is bound at %s in IIS on %s is good until %s", binding.At, p.at.Name, binding.NotAfter.Format(time.DateOnly)),
					Mend:     mendInternal,
				})
			}
		}
	}
	return found
}

// answersFor tells whether a binding is what the port answers by when it is
// asked for the machine's name, as it was: the one of that name, else one of an
// address. One of another name answers to that name only.
// Source: learn.microsoft.com, "netsh http add sslcert" (hostnameport, ipport).
func answersFor(p port, binding machine.Binding) bool {
	named := func(b machine.Binding) bool {
		host, number, err := net.SplitHostPort(b.At)
		return err == nil && number == fmt.Sprint(p.seen.Port) && strings.EqualFold(host, p.at.Host)
	}
	if slices.ContainsFunc(p.at.Report.Bindings, named) {
		return named(binding)
	}
	host, _, err := net.SplitHostPort(binding.At)
	return err == nil && net.ParseIP(host) != nil
}

// openDoors are settings that somebody may want to know of. Nothing of them is
// ever changed here.
func openDoors(all []port) pki.Findings {
	var found pki.Findings
	said := map[string]bool{}
	for _, p := range all {
		site := string(p.seen.Product) + " " + strings.ToLower(p.at.Site)
		if said[site] || len(p.seen.Settings) == 0 {
			continue
		}
		said[site] = true
		if protocol := p.seen.Settings["Protocol"]; strings.Contains(strings.ToUpper(protocol), "HTTP") && !strings.EqualFold(protocol, "HTTPS") {
			found = append(found, pki.Finding{
				Code: "http-enabled", Severity: pki.Note,
				Sentence: fmt.Sprintf("%s also answers without TLS (%s)", p, protocol),
				Mend:     "Cloud Builder's DSC switches this on at every run; HTTPS only is set in its administrator directory, security, config",
			})
		}
		if strings.EqualFold(p.seen.Settings["HSTSEnabled"], "true") {
			found = append(found, pki.Finding{
				Code: "hsts-enabled", Severity: pki.Note,
				Sentence: fmt.Sprintf("%s tells browsers to insist on TLS (HSTS): a certificate that they do not accept locks them out", p),
			})
		}
	}
	return found
}
