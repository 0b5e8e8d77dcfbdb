package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"strconv"
	"strings"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// Spec says what kind of certificate to issue. Its zero value, but for Names,
// is what a public CA sells today: RSA 2048, from the intermediate, valid
// from yesterday for 90 days.
type Spec struct {
	Names []string // DNS names and IP addresses; the first is the common name unless CN is given
	CN    string
	// NoSAN leaves the names out of the certificate: common name only.
	NoSAN               bool
	NotBefore, NotAfter time.Time
	Key                 string  // rsa1024, rsa2048, rsa3072, p256, p384 or ed25519
	Via                 *Issuer // who signs; nil is the intermediate
	SelfSigned          bool
	// WithoutChain leaves the CAs out of what a server sends and of the PFX.
	WithoutChain bool
	// WithRoot adds the root to the chain, as Windows does when it exports.
	WithRoot bool
	// WithoutAIA leaves out where the issuer can be fetched.
	WithoutAIA bool
	EKU        []x509.ExtKeyUsage // nil is server authentication; empty but not nil is none
}

// Issued is a certificate with its key and the CAs that belong to it.
type Issued struct {
	Leaf  *x509.Certificate
	Chain []*x509.Certificate // from the leaf's issuer upwards, as far as the Spec wanted
	Key   crypto.Signer
}

// TLS is the pair as a server uses it.
func (i *Issued) TLS() tls.Certificate {
	pair := tls.Certificate{Certificate: [][]byte{i.Leaf.Raw}, PrivateKey: i.Key, Leaf: i.Leaf}
	for _, ca := range i.Chain {
		pair.Certificate = append(pair.Certificate, ca.Raw)
	}
	return pair
}

// PFX packs everything as a PKCS#12 file in today's encryption (AES-256,
// PBKDF2 and a MAC with SHA-256).
func (i *Issued) PFX(password string) ([]byte, error) {
	file, err := pkcs12.Modern.Encode(i.Key, i.Leaf, i.Chain, password)
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", i.Leaf.Subject, err)
	}
	return file, nil
}

// Issue makes a certificate. Every call takes another key.
func (a *Authority) Issue(spec Spec) (*Issued, error) {
	key, err := a.newKey(spec.Key)
	if err != nil {
		return nil, err
	}
	template := a.template(spec)
	issued := &Issued{Key: key}
	if spec.SelfSigned {
		issued.Leaf, err = sign(template, template, key.Public(), key)
		return issued, err
	}
	via := spec.Via
	if via == nil {
		via = a.intermediate
	}
	if !spec.WithoutAIA {
		template.IssuingCertificateURL = []string{"http://" + AIAHost + "/" + via.file}
	}
	issued.Leaf, err = sign(template, via.Certificate, key.Public(), via.key)
	if err != nil {
		return nil, fmt.Errorf("issue %s: %w", template.Subject, err)
	}
	for ca := via; ca != nil && !spec.WithoutChain; ca = ca.Parent {
		if ca.Parent != nil || spec.WithRoot {
			issued.Chain = append(issued.Chain, ca.Certificate)
		}
	}
	return issued, nil
}

func (a *Authority) template(spec Spec) *x509.Certificate {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: spec.CN},
		NotBefore:             spec.NotBefore,
		NotAfter:              spec.NotAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:           spec.EKU,
		BasicConstraintsValid: true,
	}
	if template.Subject.CommonName == "" && len(spec.Names) > 0 {
		template.Subject.CommonName = spec.Names[0]
	}
	if template.NotBefore.IsZero() {
		template.NotBefore = a.now().Add(-24 * time.Hour)
	}
	if template.NotAfter.IsZero() {
		template.NotAfter = template.NotBefore.Add(90 * 24 * time.Hour)
	}
	if spec.EKU == nil {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	for _, name := range spec.Names {
		if spec.NoSAN {
			break
		}
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	return template
}

func (a *Authority) newIssuer(name, kind string, parent *Issuer) (*Issuer, error) {
	key, err := a.newKey(kind)
	if err != nil {
		return nil, err
	}
	return a.signIssuer(name, key, parent)
}

func (a *Authority) signIssuer(name string, key crypto.Signer, parent *Issuer) (*Issuer, error) {
	// A key identifier of its own makes chains follow keys, not names, as
	// real CAs do after a re-issue.
	identifier := sha1.Sum([]byte(name + a.now().String()))
	issuer := &Issuer{Parent: parent, key: key, file: fileOf(name)}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name, Organization: []string{"World CA"}, Country: []string{"NL"}},
		NotBefore:             a.now().AddDate(-5, 0, 0),
		NotAfter:              a.now().AddDate(10, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		SubjectKeyId:          identifier[:],
	}
	signer, above := key, template
	if parent != nil {
		signer, above = parent.key, parent.Certificate
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
		template.IssuingCertificateURL = []string{"http://" + AIAHost + "/" + parent.file}
		template.MaxPathLenZero = true
	}
	certificate, err := sign(template, above, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", name, err)
	}
	issuer.Certificate = certificate
	return issuer, nil
}

// fileOf is a CA's file as an address has it: letters and digits, joined by hyphens.
func fileOf(name string) string {
	plain := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(plain, "-") + ".cer"
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial.Add(serial, big.NewInt(1))
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func (a *Authority) newKey(kind string) (crypto.Signer, error) {
	switch kind {
	case "p256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "p384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ed25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case "", "rsa2048":
		return a.keys.RSA()
	}
	if bits, found := strings.CutPrefix(kind, "rsa"); found {
		if size, err := strconv.Atoi(bits); err == nil && size >= 1024 && size <= 8192 {
			return rsa.GenerateKey(rand.Reader, size)
		}
	}
	return nil, fmt.Errorf("no key of kind %q: want rsa2048, rsa3072, p256, p384 or ed25519", kind)
}
