package rotation

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

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
