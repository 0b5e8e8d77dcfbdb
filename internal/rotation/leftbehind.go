package rotation

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// leftBehind warns of HTTPS listeners that serve the very entry that ours go
// away from, under names that are not the deployment's. They may be somebody
// else's, so they are not touched; but if they are not, they would go on
// serving the old certificate until it ends. That the new one covers their
// names, too, is a sign that they are meant, and no more.
func leftBehind(state State, renewed *x509.Certificate) pki.Findings {
	var found pki.Findings
	for _, listener := range state.Gateway.HTTPSListeners() {
		ours := slices.ContainsFunc(state.Listeners, func(l Listener) bool { return strings.EqualFold(l.Name, listener.Name) })
		shares := slices.ContainsFunc(state.Listeners, func(l Listener) bool { return strings.EqualFold(l.Entry, listener.CertificateName) })
		if ours || !shares {
			continue
		}
		uncovered := func(host string) bool { return !pki.Covers(renewed, host) }
		though := ""
		if len(listener.HostNames) > 0 && !slices.ContainsFunc(listener.HostNames, uncovered) {
			though = ", though the new one is for its names as well"
		}
		found = append(found, pki.Finding{
			Code: "listener-left-behind", Severity: pki.Warning,
			Sentence: fmt.Sprintf("listener %s (%s) serves the same certificate entry %s, under no name of this deployment: it keeps the old certificate%s",
				listener.Name, answersTo(listener), listener.CertificateName, though),
			Mend: "if it is yours, name what users type for it, and it is taken along: --name NAME",
		})
	}
	return found
}

// severalCertificates warns when a gateway without a record serves more than
// one certificate and nobody has said which names are meant: the new one would
// go to all of its listeners.
func severalCertificates(state State) pki.Findings {
	d := state.Deployment
	var entries []string
	for _, listener := range state.Listeners {
		if !contains(entries, listener.Entry) {
			entries = append(entries, listener.Entry)
		}
	}
	if d.Generation != deployment.Plain || len(d.GivenNames) > 0 || len(entries) < 2 {
		return nil
	}
	return pki.Findings{{
		Code: "several-certificates", Severity: pki.Warning,
		Sentence: fmt.Sprintf("the gateway serves %d certificates (%s), and the new one would take the place of all of them", len(entries), strings.Join(entries, ", ")),
		Mend:     "say which names it is for: --name NAME, as often as needed",
	}}
}

func answersTo(listener cloud.Listener) string {
	if len(listener.HostNames) == 0 {
		return "any other name"
	}
	return strings.Join(listener.HostNames, ", ")
}
