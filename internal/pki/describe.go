package pki

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"time"
)

// Description is a certificate as people and scripts want to see it. Text that
// comes from the certificate holds no control characters.
type Description struct {
	Subject            string    `json:"subject"`
	Issuer             string    `json:"issuer"`
	SerialNumber       string    `json:"serialNumber"` // lower-case hex
	NotBefore          time.Time `json:"notBefore"`    // UTC
	NotAfter           time.Time `json:"notAfter"`     // UTC
	Names              []string  `json:"names"`        // DNS names and IP addresses of the SAN; never null
	KeyAlgorithm       string    `json:"keyAlgorithm"` // "RSA 2048", "ECDSA P-256", "Ed25519"
	SignatureAlgorithm string    `json:"signatureAlgorithm"`
	SHA256             string    `json:"sha256"`     // Fingerprint
	Thumbprint         string    `json:"thumbprint"` // Thumbprint
	SelfSigned         bool      `json:"selfSigned"`
}

// Describe tells what a certificate says about itself; nil gives the zero Description.
func Describe(cert *x509.Certificate) Description {
	if cert == nil {
		return Description{Names: []string{}}
	}
	return Description{
		Subject:            printable(cert.Subject.String()),
		Issuer:             printable(cert.Issuer.String()),
		SerialNumber:       fmt.Sprintf("%x", cert.SerialNumber),
		NotBefore:          UTC(cert.NotBefore),
		NotAfter:           UTC(cert.NotAfter),
		Names:              Names(cert),
		KeyAlgorithm:       keyName(cert),
		SignatureAlgorithm: signatureName(cert),
		SHA256:             Fingerprint(cert),
		Thumbprint:         Thumbprint(cert),
		SelfSigned:         selfSigned(cert),
	}
}

// UTC is a time that somebody else wrote, in UTC and in the years that JSON has.
// RFC 5280 §4.1.2.5.2 wants certificates to say UTC, and crypto/x509 reads other
// zones all the same: 99991231235959-1200 is in the year 10000, of which
// encoding/json makes an error.
func UTC(t time.Time) time.Time {
	return clamp(t.UTC(), time.Time{}, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC))
}

// Names are the DNS names and IP addresses of the subject alternative name, in
// its order. The common name is not one of them: no browser reads it.
func Names(cert *x509.Certificate) []string {
	names := make([]string, 0, len(cert.DNSNames)+len(cert.IPAddresses))
	for _, name := range cert.DNSNames {
		names = append(names, printable(name))
	}
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// Fingerprint is the SHA-256 of the certificate in lower-case hex.
func Fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

// Thumbprint is the SHA-1 of the certificate in upper-case hex, as Azure and
// Windows show it.
func Thumbprint(cert *x509.Certificate) string {
	sum := sha1.Sum(cert.Raw)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// DaysLeft is the number of whole days from now until the certificate expires,
// negative once it has.
func DaysLeft(cert *x509.Certificate, now time.Time) int { return DaysUntil(cert.NotAfter, now) }

// DaysUntil is the number of whole days from now until an end, negative once it
// has passed.
func DaysUntil(end, now time.Time) int { return int(math.Floor(end.Sub(now).Hours() / 24)) }

// nameOf is how sentences call a certificate.
func nameOf(cert *x509.Certificate) string {
	name := cert.Subject.CommonName
	if name == "" && len(cert.DNSNames) > 0 {
		name = cert.DNSNames[0]
	}
	if name == "" {
		name = cert.Subject.String()
	}
	if name == "" {
		name = "without a name"
	}
	return `"` + printable(name) + `"`
}

// issuerOf is how sentences call the issuer of a certificate.
func issuerOf(cert *x509.Certificate) string {
	name := cert.Issuer.CommonName
	if name == "" {
		name = cert.Issuer.String()
	}
	return `"` + printable(name) + `"`
}

func keyName(cert *x509.Certificate) string {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	if cert.PublicKeyAlgorithm == x509.UnknownPublicKeyAlgorithm {
		return "unknown"
	}
	return cert.PublicKeyAlgorithm.String()
}

func signatureName(cert *x509.Certificate) string {
	if cert.SignatureAlgorithm == x509.UnknownSignatureAlgorithm {
		return "unknown"
	}
	return cert.SignatureAlgorithm.String()
}
