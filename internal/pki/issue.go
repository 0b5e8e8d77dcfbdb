package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"time"
)

// Authority is a certificate of an authority and, when it is to sign, its key.
type Authority struct {
	Certificate *x509.Certificate
	Key         crypto.Signer `json:"-"`
	// Chain leads from Certificate to a root, which is its last; empty when
	// Certificate is the root.
	Chain []*x509.Certificate
}

// The sizes of keys that ArcGIS gets. RSA, because the cipher suites that ArcGIS
// offers by default for TLS 1.2 all authenticate by RSA (developers.arcgis.com,
// enterprise-administration, update-web-server-certificate): with an EC key they
// would agree with nobody. A root lives ten years, for which NIST SP 800-57
// wants 128 bits of strength: 3072. A leaf lives one, and its key is used in
// every handshake: 2048.
const (
	RootKeyBits = 3072
	LeafKeyBits = 2048
)

// NewKey makes an RSA key.
func NewKey(bits int) (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, bits) }

// ClockSkew is how far back certificates begin: the clocks of the machines that
// will judge them need not be ours.
const ClockSkew = time.Hour

// NewRoot makes an authority of its own: a self-signed certificate that may
// sign leaves and no further authorities.
func NewRoot(key crypto.Signer, commonName string, now time.Time, days int) (*Authority, error) {
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: commonName, Organization: []string{"Cartouche"}},
		NotBefore: now.Add(-ClockSkew), NotAfter: now.AddDate(0, 0, days),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	certificate, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the root %s: %w", printable(commonName), err)
	}
	return &Authority{Certificate: certificate, Key: key}, nil
}

// Root is the end of the authority's chain.
func (a *Authority) Root() *x509.Certificate {
	if len(a.Chain) > 0 {
		return a.Chain[len(a.Chain)-1]
	}
	return a.Certificate
}

// Issue makes a leaf for servers, for DNS names and IP addresses; the first is
// also its common name, if that is short enough. It ends with the authority at
// the latest.
func (a *Authority) Issue(key crypto.Signer, names []string, now time.Time, days int) (*Bundle, error) {
	if a.Key == nil {
		return nil, errors.New("the key of the authority is missing")
	}
	if len(names) == 0 {
		return nil, errors.New("a certificate needs a name")
	}
	template := &x509.Certificate{
		NotBefore: now.Add(-ClockSkew), NotAfter: now.AddDate(0, 0, days),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if template.NotAfter.After(a.Certificate.NotAfter) {
		template.NotAfter = a.Certificate.NotAfter
	}
	if template.NotBefore.Before(a.Certificate.NotBefore) {
		template.NotBefore = a.Certificate.NotBefore
	}
	if len(names[0]) <= 64 { // ub-common-name, RFC 5280 appendix A
		template.Subject.CommonName = names[0]
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	leaf, err := sign(template, a.Certificate, key.Public(), a.Key)
	if err != nil {
		return nil, fmt.Errorf("issue a certificate for %s: %w", printable(names[0]), err)
	}
	bundle := &Bundle{Leaf: leaf, Key: key, Root: a.Root()}
	if len(a.Chain) > 0 {
		bundle.Intermediates = append([]*x509.Certificate{a.Certificate}, a.Chain[:len(a.Chain)-1]...)
	}
	return bundle, nil
}

// sign lets the library choose serial number, key identifiers and signature.
func sign(template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
