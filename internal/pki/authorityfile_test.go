package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// madeAuthority is a root, or what parent issued, with its key.
func madeAuthority(t *testing.T, name string, parent *Authority, isCA bool) *Authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0), BasicConstraintsValid: true, IsCA: isCA,
	}
	issuer, signer := template, any(key)
	if parent != nil {
		issuer, signer = parent.Certificate, parent.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	made := &Authority{Certificate: certificate, Key: key}
	if parent != nil {
		made.Chain = append([]*x509.Certificate{parent.Certificate}, parent.Chain...)
	}
	return made
}

func pemOf(t *testing.T, a *Authority) (certificates, key []byte) {
	t.Helper()
	for _, c := range append([]*x509.Certificate{a.Certificate}, a.Chain...) {
		certificates = append(certificates, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(a.Key)
	if err != nil {
		t.Fatal(err)
	}
	return certificates, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func TestAnAuthorityIsReadFromWhatPeopleHave(t *testing.T) {
	t.Parallel()
	root := madeAuthority(t, "Company Root", nil, true)
	issuing := madeAuthority(t, "Company Issuing CA", root, true)
	certificates, key := pemOf(t, issuing)
	password := secret.New("open-sesame")
	pfx, err := WriteAuthority(issuing, password)
	if err != nil {
		t.Fatal(err)
	}
	for name, given := range map[string]struct{ data, key []byte }{
		"a .pfx":                         {pfx, nil},
		"PEM and a key of its own":       {certificates, key},
		"PEM with the key in it":         {append(bytes.Clone(certificates), key...), nil},
		"PEM with the key at its head":   {append(bytes.Clone(key), certificates...), nil},
		"PEM in which the root is first": {reversed(t, issuing), key},
	} {
		got, err := ReadAuthority(given.data, given.key, password)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !got.Certificate.Equal(issuing.Certificate) || len(got.Chain) != 1 || !got.Chain[0].Equal(root.Certificate) {
			t.Errorf("%s: read %s with a chain of %d", name, got.Certificate.Subject, len(got.Chain))
		}
	}
}

func reversed(t *testing.T, a *Authority) []byte {
	t.Helper()
	own, _ := pemOf(t, &Authority{Certificate: a.Certificate, Key: a.Key})
	above, _ := pemOf(t, &Authority{Certificate: a.Chain[0], Key: a.Key})
	return append(above, own...)
}

func TestWhatIsNoAuthority(t *testing.T) {
	t.Parallel()
	root := madeAuthority(t, "Company Root", nil, true)
	other := madeAuthority(t, "Another Root", nil, true)
	leaf := madeAuthority(t, "gis.example.com", root, false)
	rootPEM, rootKey := pemOf(t, root)
	_, otherKey := pemOf(t, other)
	leafPEM, leafKey := pemOf(t, leaf)
	pfx, err := WriteAuthority(root, secret.New("right"))
	if err != nil {
		t.Fatal(err)
	}
	locked := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte{1}})
	for _, test := range []struct {
		data, key []byte
		want      string
	}{
		{leafPEM, leafKey, "no certificate of an authority"},
		{rootPEM, otherKey, "belongs to none"},
		{rootPEM, []byte("no key"), "holds no private key"},
		{rootPEM, locked, "openssl pkcs12 -export"},
		{rootPEM, nil, "not a .pfx"},
		{pfx, nil, "password does not open"},
		{[]byte("nothing"), rootKey, "no certificates"},
	} {
		_, err := ReadAuthority(test.data, test.key, secret.New("wrong"))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %q", err, test.want)
		}
	}
}
