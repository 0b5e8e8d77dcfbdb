package rotation

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// internalSoon is when an internal certificate is worth a warning: replacing it
// restarts machines, so it wants a date.
const internalSoon = 60 * 24 * time.Hour

// mendInternal is how internal certificates are replaced.
const mendInternal = "replace it with a plan of its own: cartouche plan DEPLOYMENT --internal issue"

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
