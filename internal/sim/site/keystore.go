package site

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

// entry is one entry of a machine's keystore: with a key a PrivateKeyEntry,
// which a web server can use, without one a trustedCertEntry.
type entry struct {
	key   crypto.Signer
	leaf  *x509.Certificate
	chain []*x509.Certificate // without the leaf
	alone bool                // the leaf is served without its chain
}

func trustedEntry(certificate *x509.Certificate) *entry { return &entry{leaf: certificate} }

// pair is what a listener serves.
func (s *Site) pair(of *entry) (*tls.Certificate, error) {
	if _, isRSA := of.key.(*rsa.PrivateKey); !isRSA && s.spec.Options.RSAOnly {
		return nil, errors.New("no suite for a key that is not RSA")
	}
	pair := &tls.Certificate{Certificate: [][]byte{of.leaf.Raw}, PrivateKey: of.key, Leaf: of.leaf}
	for _, certificate := range of.chain {
		if !of.alone {
			pair.Certificate = append(pair.Certificate, certificate.Raw)
		}
	}
	return pair, nil
}

// entry of the pair that a machine was given; nil without one.
func (s MachineSpec) entry() (*entry, error) {
	if s.Pair == nil {
		return nil, nil
	}
	key, ok := s.Pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("key of %s is a %T", s.Name, s.Pair.PrivateKey)
	}
	made := &entry{key: key, leaf: s.Pair.Leaf}
	for _, der := range s.Pair.Certificate[1:] {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("chain of %s: %w", s.Name, err)
		}
		made.chain = append(made.chain, certificate)
	}
	return made, nil
}

// pbes2 is how a PKCS#12 file names the encryption that old Javas cannot read.
var pbes2 = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d}

// readPFX makes an entry of a PFX, with a key and the certificate that belongs
// to it.
func readPFX(data []byte, password string) (*entry, error) {
	read, err := authority.ReadPFX(data, password)
	if err != nil {
		return nil, err
	}
	return &entry{key: read.Key, leaf: read.Leaf, chain: read.Chain}, nil
}

func (c *call) readPFX(data []byte, password string) (*entry, error) {
	if c.site.spec.Options.OldPKCS12 && bytes.Contains(data, pbes2) {
		return nil, errors.New("unknown algorithm PBES2")
	}
	return readPFX(data, password)
}

// readCertificate reads a .cer or .crt, DER or PEM.
func readCertificate(data []byte) (*x509.Certificate, error) {
	if block, _ := pem.Decode(data); block != nil {
		data = block.Bytes
	}
	return x509.ParseCertificate(data)
}

func selfIssued(certificate *x509.Certificate) bool {
	return bytes.Equal(certificate.RawIssuer, certificate.RawSubject)
}

// selfSigned makes an entry like the one of Cloud Builder's generated PFX: RSA
// unless told otherwise, five years, all names of the machines.
func (s *Site) selfSigned(names []string) (*entry, error) {
	var key crypto.Signer
	var err error
	if s.spec.Key == "p256" {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		key, err = s.ground.Keys.RSA()
	}
	if err != nil {
		return nil, fmt.Errorf("make key for %s: %w", names[0], err)
	}
	return selfSignedWith(key, names, s.spec.NotAfter)
}

// sameKeyFor is another self-signed certificate with the same key, which saves
// the making of a second key.
func (e *entry) sameKeyFor(name string, until time.Time) (*entry, error) {
	return selfSignedWith(e.key, []string{name}, until)
}

func selfSignedWith(key crypto.Signer, names []string, until time.Time) (*entry, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 62))
	if err != nil {
		return nil, fmt.Errorf("make serial number for %s: %w", names[0], err)
	}
	if until.IsZero() {
		until = time.Now().AddDate(5, 0, 0)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: names[0]},
		DNSNames:     names,
		NotBefore:    until.AddDate(-5, 0, -1),
		NotAfter:     until,
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate of %s: %w", names[0], err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read certificate of %s: %w", names[0], err)
	}
	return &entry{key: key, leaf: leaf}, nil
}
