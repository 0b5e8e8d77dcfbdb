package site

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// issued is a certificate with its key and whoever issued it.
type issued struct {
	certificate *x509.Certificate
	key         crypto.Signer
	issuer      *issued
}

func issue(t *testing.T, issuer *issued, name string, change func(*x509.Certificate)) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name, Organization: []string{"Example"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 3, 0),
	}
	if change != nil {
		change(template)
	} else {
		template.DNSNames = []string{name}
	}
	parent, signer := template, crypto.Signer(key)
	if issuer != nil {
		parent, signer = issuer.certificate, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issued{certificate: certificate, key: key, issuer: issuer}
}

func newAuthority(t *testing.T, issuer *issued, name string) *issued {
	t.Helper()
	return issue(t, issuer, name, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	})
}

// pfx is a leaf with its whole chain in a file.
func (i *issued) pfx(t *testing.T, password string) []byte {
	t.Helper()
	var chain []*x509.Certificate
	for up := i.issuer; up != nil; up = up.issuer {
		chain = append(chain, up.certificate)
	}
	data, err := pkcs12.Modern.Encode(i.key, i.certificate, chain, password)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// legacyPFX is the leaf in a file as old programs write it: 3DES and SHA-1.
func (i *issued) legacyPFX(t *testing.T, password string) []byte {
	t.Helper()
	data, err := pkcs12.LegacyDES.Encode(i.key, i.certificate, nil, password)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func leafs(list []*issued) []*x509.Certificate {
	var out []*x509.Certificate
	for _, one := range list {
		out = append(out, one.certificate)
	}
	return out
}
