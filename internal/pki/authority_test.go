package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"testing"
	"time"
)

// today is the moment at which every test judges.
var today = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// made is a certificate made for a test, with its key.
type made struct {
	*x509.Certificate
	key crypto.Signer
}

// change alters the template of a certificate before it is signed.
type change func(*x509.Certificate)

// withKey is the change that makes a certificate for this key; a public key
// is enough where the private one is not used.
func withKey(key any) change {
	return func(c *x509.Certificate) { c.PublicKey = key }
}

func valid(from, to time.Time) change {
	return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = from, to }
}

func named(names ...string) change {
	return func(c *x509.Certificate) { c.DNSNames = names }
}

// rsaKeys are shared, because making them takes the time of a whole test.
var rsaKeys = [2]func() *rsa.PrivateKey{sync.OnceValue(newRSAKey), sync.OnceValue(newRSAKey)}

func newRSAKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newRoot, newIntermediate and newLeaf make certificates as a public authority
// would; changes make them otherwise. A nil issuer signs the certificate with
// its own key.
func newRoot(t testing.TB, name string, changes ...change) made {
	t.Helper()
	return issue(t, nil, authority(name, 25*365), ecKey(t), changes)
}

func newIntermediate(t testing.TB, name string, issuer made, changes ...change) made {
	t.Helper()
	return issue(t, &issuer, authority(name, 5*365), ecKey(t), changes)
}

func newLeaf(t testing.TB, issuer made, changes ...change) made {
	t.Helper()
	return issue(t, &issuer, leafTemplate(), rsaKeys[0](), changes)
}

func leafTemplate() x509.Certificate {
	return x509.Certificate{
		Subject:     pkix.Name{CommonName: "gis.example.com"},
		DNSNames:    []string{"gis.example.com", "maps.example.com"},
		NotBefore:   today.AddDate(0, 0, -10),
		NotAfter:    today.AddDate(0, 0, 80),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

func authority(name string, days int) x509.Certificate {
	return x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             today.AddDate(-1, 0, 0),
		NotAfter:              today.AddDate(0, 0, days),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
}

func issue(t testing.TB, issuer *made, template x509.Certificate, key crypto.Signer, changes []change) made {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = serial
	for _, change := range changes {
		change(&template)
	}
	var public any = key.Public()
	switch chosen := template.PublicKey.(type) {
	case nil:
	case crypto.Signer:
		key, public = chosen, chosen.Public()
	default:
		key, public = nil, chosen
	}
	template.PublicKey = nil
	parent, signer := &template, key
	if issuer != nil {
		parent, signer = issuer.Certificate, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made{cert, key}
}

// certificates are the certificates of what was made.
func certificates(from ...made) []*x509.Certificate {
	var certs []*x509.Certificate
	for _, m := range from {
		certs = append(certs, m.Certificate)
	}
	return certs
}

// codes are the codes of findings, in their order.
func codes(findings Findings) []string {
	list := []string{}
	for _, finding := range findings {
		list = append(list, finding.Code)
	}
	return list
}
