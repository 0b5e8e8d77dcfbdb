package rollout

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// beside are findings of package pki that say nothing about an internal
// certificate: who reads it has been told which root to trust, browsers never
// see it, and it does not go into the gateway.
var beside = []string{"self-signed", "root-not-known", "root-included", "long-lifetime", "too-large-for-gateway", "ca-certificate"}

// judge judges a file for the port that gets it. The machine's full name must
// be covered: it is what the gateway asks for and checks.
func judge(bundle *pki.Bundle, port Port, now time.Time) pki.Findings {
	criteria := pki.Criteria{Now: now, Names: []string{port.Host}, AssumeTrusted: true}
	above := authoritiesOf(bundle)
	if len(above) > 0 {
		criteria.Roots = pki.MozillaRoots().With(above[len(above)-1])
	}
	found := slices.DeleteFunc(pki.Judge(bundle, criteria).Findings, func(f pki.Finding) bool { return slices.Contains(beside, f.Code) })
	if len(above) == 0 || !isSelfSigned(above[len(above)-1]) {
		found = append(found, pki.Finding{
			Code: "root-missing", Severity: pki.Refusal,
			Sentence: fmt.Sprintf("the root above %s is not in the file: it has to be trusted everywhere before the certificate is served", pki.Describe(bundle.Leaf).Subject),
			Mend:     "export the certificate again with its whole chain: openssl pkcs12 -export -inkey KEY -in LEAF -certfile CHAIN -out new.pfx",
		})
	}
	return found
}

// judgeKey refuses a key with which ArcGIS would agree with nobody. The suites
// that it offers by default for TLS 1.2, which is what gateways speak to
// backends, all authenticate by RSA; somebody may have chosen others.
// Source: developers.arcgis.com, enterprise-administration,
// update-web-server-certificate.
func judgeKey(bundle *pki.Bundle, port Port, seen machine.Seen) pki.Findings {
	described := pki.Describe(bundle.Leaf)
	if bundle.Leaf.PublicKeyAlgorithm == x509.RSA || strings.Contains(strings.ToUpper(seen.Settings["cipherSuites"]), "ECDSA") {
		return nil
	}
	return pki.Findings{{
		Code: "key-not-rsa", Severity: pki.Refusal, Mend: "have it issued again, with an RSA key",
		Sentence: fmt.Sprintf("%s has a key of the kind %s, and the cipher suites of %s authenticate by RSA only: it would agree with nobody", described.Subject, described.KeyAlgorithm, port.called()),
	}}
}

// judgeAuthority judges who is to sign.
func judgeAuthority(authority *pki.Authority, now time.Time, leafDays int) (found pki.Findings) {
	certificate := authority.Certificate
	described := pki.Describe(certificate)
	switch {
	case now.After(certificate.NotAfter) || now.Before(certificate.NotBefore):
		found = append(found, pki.Finding{
			Code: "authority-expired", Severity: pki.Refusal,
			Sentence: fmt.Sprintf("the authority %s is good from %s to %s, not now", described.Subject, day(described.NotBefore), day(described.NotAfter)),
			Mend:     "renew the authority, or issue a fresh one: --internal issue",
		})
	case certificate.NotAfter.Before(now.AddDate(0, 0, leafDays)):
		found = append(found, pki.Finding{
			Code: "authority-ends-first", Severity: pki.Warning,
			Sentence: fmt.Sprintf("the authority %s ends on %s, and its leafs with it", described.Subject, day(described.NotAfter)),
			Mend:     "renew the authority first",
		})
	}
	if len(authority.Chain) == 0 && !described.SelfSigned {
		found = append(found, pki.Finding{
			Code: "root-missing", Severity: pki.Refusal,
			Sentence: fmt.Sprintf("the root above %s is missing: it has to be trusted everywhere before anything is served", described.Subject),
			Mend:     "give the certificates up to the root in the same file",
		})
	}
	return found
}

// shortRoot refuses leafs that would outlive their root.
func shortRoot(leafDays, rootDays int) pki.Findings {
	if leafDays >= 1 && rootDays >= leafDays {
		return nil
	}
	return pki.Findings{{
		Code: "authority-ends-first", Severity: pki.Refusal,
		Sentence: fmt.Sprintf("leafs of %d days under a root of %d days make no sense", leafDays, rootDays),
		Mend:     "let the root live longer than its leafs",
	}}
}

func dedupe(findings pki.Findings) pki.Findings {
	var unique pki.Findings
	for _, finding := range findings {
		if !slices.Contains(unique, finding) {
			unique = append(unique, finding)
		}
	}
	return unique
}
