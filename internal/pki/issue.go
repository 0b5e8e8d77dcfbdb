package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/secret"
	pkcs12 "software.sslmate.com/src/go-pkcs12"
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

// clockSkew is how far back certificates begin: the clocks of the machines that
// will judge them need not be ours.
const clockSkew = time.Hour

// NewRoot makes an authority of its own: a self-signed certificate that may
// sign leaves and no further authorities.
func NewRoot(key crypto.Signer, commonName string, now time.Time, days int) (*Authority, error) {
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: commonName, Organization: []string{"Cartouche"}},
		NotBefore: now.Add(-clockSkew), NotAfter: now.AddDate(0, 0, days),
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
		NotBefore: now.Add(-clockSkew), NotAfter: now.AddDate(0, 0, days),
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

// ReadAuthority reads an authority from its certificate (PEM, DER or PKCS#7,
// with what leads to its root) and its key (PEM, not encrypted), or from a .pfx
// with both, when key is nil. The certificate alone gives an authority that
// cannot sign. The error never holds anything of the key.
func ReadAuthority(certificate, key []byte, password secret.Secret) (*Authority, error) {
	found, err := ParseCertificates(certificate)
	if err != nil {
		bundle, problem := ReadPFX(certificate, password)
		if problem != nil {
			return nil, problem
		}
		return newAuthority(bundle.Leaf, bundle.Key, withRoot(bundle))
	}
	if key == nil {
		return newAuthority(firstAuthority(found), nil, found)
	}
	signer, err := parseKey(key)
	if err != nil {
		return nil, err
	}
	for _, candidate := range found {
		if sameKey(candidate.PublicKey, signer.Public()) {
			return newAuthority(candidate, signer, found)
		}
	}
	return nil, fmt.Errorf("the key belongs to none of the %d certificates", len(found))
}

func withRoot(bundle *Bundle) []*x509.Certificate {
	if bundle.Root == nil {
		return bundle.Intermediates
	}
	return append(slices.Clone(bundle.Intermediates), bundle.Root)
}

// firstAuthority is the one that issued no other of them.
func firstAuthority(found []*x509.Certificate) *x509.Certificate {
	for _, candidate := range found {
		if !slices.ContainsFunc(found, func(other *x509.Certificate) bool { return !other.Equal(candidate) && signedBy(other, candidate) }) {
			return candidate
		}
	}
	return found[0]
}

func newAuthority(certificate *x509.Certificate, key crypto.Signer, others []*x509.Certificate) (*Authority, error) {
	switch {
	case !certificate.IsCA || !certificate.BasicConstraintsValid:
		return nil, fmt.Errorf("%s is not the certificate of an authority", nameOf(certificate))
	case certificate.KeyUsage != 0 && certificate.KeyUsage&x509.KeyUsageCertSign == 0:
		return nil, fmt.Errorf("%s may not sign certificates", nameOf(certificate))
	}
	authority := &Authority{Certificate: certificate, Key: key}
	if selfSigned(certificate) {
		return authority, nil
	}
	arranged := arrange(certificate, others)
	if arranged.root == nil {
		return nil, fmt.Errorf("the root of %s is missing: it has to be trusted before anything is served under it", nameOf(certificate))
	}
	authority.Chain = append(slices.Clone(arranged.intermediates), arranged.root)
	return authority, nil
}

// parseKey reads a private key from PEM.
func parseKey(data []byte) (crypto.Signer, error) {
	if len(data) > maxFileSize {
		return nil, fmt.Errorf("a key file of %d bytes", len(data))
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if strings.Contains(block.Type, "ENCRYPTED") || block.Headers["DEK-Info"] != "" {
			return nil, errors.New("the key file is encrypted; give certificate and key as a .pfx instead: openssl pkcs12 -export -inkey KEY -in CERTIFICATE -out ca.pfx")
		}
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		var key any
		var err error
		switch block.Type {
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		default:
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		}
		if signer, ok := key.(crypto.Signer); ok && err == nil {
			return signer, nil
		}
		return nil, errors.New("the key file cannot be read: it is damaged, or of a kind that cannot be used")
	}
	return nil, errors.New("the key file holds no private key in PEM")
}

// PFX is the authority with its key as a file for safekeeping, encrypted under
// a password that a person chose.
func (a *Authority) PFX(password secret.Secret) ([]byte, error) {
	if a.Key == nil {
		return nil, errors.New("write the authority: its key is missing")
	}
	if len(password.Reveal()) < 8 {
		return nil, errors.New("the password that is to protect the key of an authority needs 8 characters at least")
	}
	data, err := pkcs12.Modern2023.Encode(a.Key, a.Certificate, a.Chain, password.Reveal())
	if err != nil {
		return nil, fmt.Errorf("write the authority: %w", err)
	}
	return data, nil
}
