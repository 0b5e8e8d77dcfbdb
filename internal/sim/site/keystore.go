package site

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// entry is one entry of a machine's keystore: with a key a PrivateKeyEntry,
// which a web server can use, without one a trustedCertEntry.
type entry struct {
	key   crypto.Signer
	leaf  *x509.Certificate
	chain []*x509.Certificate // without the leaf
}

func trustedEntry(certificate *x509.Certificate) *entry { return &entry{leaf: certificate} }

// pair is what a listener serves. guess: the chain is served as it was in the
// PFX, whether or not importCertificateChain asked for entries of its own.
func (e *entry) pair() *tls.Certificate {
	pair := &tls.Certificate{Certificate: [][]byte{e.leaf.Raw}, PrivateKey: e.key, Leaf: e.leaf}
	for _, certificate := range e.chain {
		pair.Certificate = append(pair.Certificate, certificate.Raw)
	}
	return pair
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

// readPFX takes the key and the certificate that belongs to it, wherever that
// is in the file, and the others as its chain.
func readPFX(data []byte, password string) (*entry, error) {
	key, first, rest, err := pkcs12.DecodeChain(data, password)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("key is a %T", key)
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return nil, fmt.Errorf("public key is a %T", signer.Public())
	}
	made := &entry{key: signer}
	for _, certificate := range append([]*x509.Certificate{first}, rest...) {
		if made.leaf == nil && public.Equal(certificate.PublicKey) {
			made.leaf = certificate
			continue
		}
		made.chain = append(made.chain, certificate)
	}
	if made.leaf == nil {
		return nil, errors.New("no certificate belongs to the key")
	}
	return made, nil
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

// selfSigned makes an entry like the one of Cloud Builder's generated PFX: RSA,
// five years, all names of the machines.
func (s *Site) selfSigned(names []string) (*entry, error) {
	key, err := s.ground.Keys.RSA()
	if err != nil {
		return nil, fmt.Errorf("make key for %s: %w", names[0], err)
	}
	return selfSignedWith(key, names)
}

// sameKeyFor is another self-signed certificate with the same key, which saves
// the making of a second key.
func (e *entry) sameKeyFor(name string) (*entry, error) {
	return selfSignedWith(e.key, []string{name})
}

func selfSignedWith(key crypto.Signer, names []string) (*entry, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 62))
	if err != nil {
		return nil, fmt.Errorf("make serial number for %s: %w", names[0], err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: names[0]},
		DNSNames:     names,
		NotBefore:    now.Add(-24 * time.Hour),
		NotAfter:     now.AddDate(5, 0, 0),
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
