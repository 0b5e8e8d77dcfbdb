package cloud

import (
	"bytes"
	"crypto/x509"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

// GatewayCertificate is an sslCertificates or trustedRootCertificates entry.
type GatewayCertificate struct {
	Name string
	ID   string
	// Chain is what Azure tells of the certificate: the leaf first, then its
	// issuers as far as they are there, then what fits nowhere. It is empty
	// when Azure tells nothing, and then Problem may say why.
	Chain []*x509.Certificate
	// KeyVaultSecretID is set when the entry is a reference; without a version
	// at its end the gateway looks for a newer one every four hours.
	KeyVaultSecretID  string
	ProvisioningState string
	// Problem says why Chain is empty although there is something to read.
	Problem string
}

// Certificates are the entries that listeners can point to.
func (g *Gateway) Certificates() []GatewayCertificate {
	return g.certificates("sslCertificates", "publicCertData")
}

// Certificate finds an entry by its name, whose case does not matter.
func (g *Gateway) Certificate(name string) (GatewayCertificate, bool) {
	for _, certificate := range g.Certificates() {
		if strings.EqualFold(certificate.Name, name) {
			return certificate, true
		}
	}
	return GatewayCertificate{}, false
}

// TrustedRoots are the roots by which the gateway trusts backends.
func (g *Gateway) TrustedRoots() []GatewayCertificate {
	return g.certificates("trustedRootCertificates", "data")
}

func (g *Gateway) certificates(list, field string) []GatewayCertificate {
	var certificates []GatewayCertificate
	for _, item := range g.children(list) {
		certificate := GatewayCertificate{
			Name:              textAt(item, "name"),
			ID:                g.childID(list, item),
			KeyVaultSecretID:  textAt(item, "properties", "keyVaultSecretId"),
			ProvisioningState: textAt(item, "properties", "provisioningState"),
		}
		if data := textAt(item, "properties", field); data != "" {
			chain, err := readChain(data)
			if err != nil {
				certificate.Problem = clean(err.Error(), maximumText)
			}
			certificate.Chain = chain
		}
		certificates = append(certificates, certificate)
	}
	return certificates
}

// readChain reads what Azure tells of a certificate in base64: on gateways of
// the second generation PKCS#7 with the whole chain in no certain order, on
// those of the first one DER certificate.
func readChain(data string) ([]*x509.Certificate, error) {
	certificates, err := pki.ParseCertificates([]byte(data))
	if err != nil {
		return nil, err
	}
	return leafFirst(certificates), nil
}

// maximumChain is how many certificates are put in order; true chains have at
// most five.
const maximumChain = 50

// leafFirst orders a chain. The leaf is the certificate that issues no other
// one, and among several of those the first that is no authority.
func leafFirst(certificates []*x509.Certificate) []*x509.Certificate {
	if len(certificates) < 2 || len(certificates) > maximumChain {
		return certificates
	}
	leaf := -1
	for i, candidate := range certificates {
		if issuesAnother(certificates, i) {
			continue
		}
		if leaf < 0 || certificates[leaf].IsCA && !candidate.IsCA {
			leaf = i
		}
	}
	leaf = max(leaf, 0) // only authorities that issue each other in a ring
	used := make([]bool, len(certificates))
	var chain []*x509.Certificate
	for next := leaf; next >= 0; next = issuerOf(certificates, next, used) {
		used[next] = true
		chain = append(chain, certificates[next])
	}
	for i, rest := range certificates {
		if !used[i] {
			chain = append(chain, rest)
		}
	}
	return chain
}

func issuesAnother(certificates []*x509.Certificate, i int) bool {
	for j, other := range certificates {
		if i != j && issued(certificates[i], other) {
			return true
		}
	}
	return false
}

func issuerOf(certificates []*x509.Certificate, i int, used []bool) int {
	for j, candidate := range certificates {
		if !used[j] && issued(candidate, certificates[i]) {
			return j
		}
	}
	return -1
}

// issued goes by names and key identifiers: whether the signature is right is
// judged elsewhere, and by handshakes.
func issued(issuer, certificate *x509.Certificate) bool {
	if issuer.Equal(certificate) || !bytes.Equal(issuer.RawSubject, certificate.RawIssuer) {
		return false
	}
	return len(issuer.SubjectKeyId) == 0 || len(certificate.AuthorityKeyId) == 0 ||
		bytes.Equal(issuer.SubjectKeyId, certificate.AuthorityKeyId)
}
