package pki_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

var newYear = time.Date(2027, 1, 1, 9, 0, 0, 0, time.UTC)

func newRoot(t *testing.T) *pki.Authority {
	t.Helper()
	root, err := pki.NewRoot(newKey(t), "GIS internal 2027", newYear, 3650)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := pki.NewKey(pki.LeafKeyBits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAnIssuedLeafIsGoodForEachOfItsNamesUnderItsRootAlone(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	bundle, err := root.Issue(newKey(t), []string{"gis1.corp.example.com", "gis1", "10.0.1.4"}, newYear, 397)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(root.Certificate)
	for _, name := range []string{"gis1.corp.example.com", "gis1", "10.0.1.4"} {
		if _, err := bundle.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: name, CurrentTime: newYear}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := bundle.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: "gis2", CurrentTime: newYear}); err == nil {
		t.Error("it is good for a name that it was not issued for")
	}
	leaf := bundle.Leaf
	if _, isRSA := leaf.PublicKey.(*rsa.PublicKey); !isRSA || leaf.IsCA || leaf.Subject.CommonName != "gis1.corp.example.com" {
		t.Errorf("the leaf is %+v", pki.Describe(leaf))
	}
	if want := newYear.AddDate(0, 0, 397); !leaf.NotAfter.Equal(want) {
		t.Errorf("it ends on %s, not on %s", leaf.NotAfter, want)
	}
	if len(bundle.Intermediates) != 0 || !bundle.Root.Equal(root.Certificate) {
		t.Errorf("its chain is %v, %v", bundle.Intermediates, bundle.Root)
	}
}

func TestALeafNeverOutlivesItsAuthority(t *testing.T) {
	t.Parallel()
	root, err := pki.NewRoot(newKey(t), "short", newYear, 30)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := root.Issue(newKey(t), []string{"gis1"}, newYear, 397)
	if err != nil {
		t.Fatal(err)
	}
	if !bundle.Leaf.NotAfter.Equal(root.Certificate.NotAfter) {
		t.Errorf("the leaf ends on %s, its root on %s", bundle.Leaf.NotAfter, root.Certificate.NotAfter)
	}
}

func TestARootMaySignLeavesAndNoFurtherAuthorities(t *testing.T) {
	t.Parallel()
	if root := newRoot(t).Certificate; !root.IsCA || !root.MaxPathLenZero || root.MaxPathLen != 0 {
		t.Errorf("path length %d (%t)", root.MaxPathLen, root.MaxPathLenZero)
	}
}

func TestAnAuthorityIsReadBackFromWhatItWasWrittenTo(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate.Raw})
	pkcs8, err := x509.MarshalPKCS8PrivateKey(root.Key)
	if err != nil {
		t.Fatal(err)
	}
	pfx, err := pki.WriteAuthority(root, secret.New("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]struct {
		certificate, key []byte
		password         string
	}{
		"pfx":             {certificate: pfx, password: "correct horse"},
		"pem, pkcs8":      {certificate: certificate, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})},
		"pem, pkcs1":      {certificate: certificate, key: pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(root.Key.(*rsa.PrivateKey))})},
		"one pem of both": {certificate: slices.Concat(certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))},
	} {
		read, err := pki.ReadAuthority(from.certificate, from.key, secret.New(from.password))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !read.Certificate.Equal(root.Certificate) || !read.Root().Equal(root.Certificate) {
			t.Errorf("%s: another authority was read", name)
		}
		if _, err := read.Issue(newKey(t), []string{"gis1"}, newYear, 30); err != nil {
			t.Errorf("%s: signing gives %v", name, err)
		}
	}
}

func TestAnIntermediateAuthorityPassesItsChainOn(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	rootKey := newKey(t)
	root, err := pki.NewRoot(rootKey, "root", newYear, 3650)
	if err != nil {
		t.Fatal(err)
	}
	template := *root.Certificate
	template.Subject.CommonName, template.SerialNumber, template.MaxPathLenZero, template.MaxPathLen = "issuing", nil, false, -1
	template.SubjectKeyId, template.RawSubject = nil, nil
	wide := template
	wide.Subject.CommonName = "wide root"
	wideDER, err := x509.CreateCertificate(rand.Reader, &wide, &wide, rootKey.Public(), rootKey)
	if err != nil {
		t.Fatal(err)
	}
	wideRoot, _ := x509.ParseCertificate(wideDER)
	der, err := x509.CreateCertificate(rand.Reader, &template, wideRoot, key.Public(), rootKey)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(key)
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})

	both := slices.Concat(wideDER, der) // the root first, as some write it
	authority, err := pki.ReadAuthority(both, keyPEM, secret.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := authority.Issue(newKey(t), []string{"gis1"}, newYear, 397)
	if err != nil {
		t.Fatal(err)
	}
	if len(bundle.Intermediates) != 1 || bundle.Intermediates[0].Subject.CommonName != "issuing" || bundle.Root.Subject.CommonName != "wide root" {
		t.Errorf("the chain is %v, root %v", bundle.Intermediates, bundle.Root.Subject)
	}
}

func TestWhatIsNoAuthorityIsRefusedWithoutAWordOfTheKey(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	leaf, err := root.Issue(newKey(t), []string{"gis1"}, newYear, 397)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(leaf.Key)
	leafKey := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	for name, from := range map[string]struct{ certificate, key []byte }{
		"a leaf":             {leaf.Leaf.Raw, leafKey},
		"the key of another": {root.Certificate.Raw, leafKey},
		"an encrypted key":   {root.Certificate.Raw, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")},
		"a damaged key":      {root.Certificate.Raw, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8[:100]})},
		"no key":             {root.Certificate.Raw, []byte("hello")},
		"neither":            {[]byte("hello"), nil},
	} {
		authority, err := pki.ReadAuthority(from.certificate, from.key, secret.Secret{})
		if err == nil {
			t.Errorf("%s was read as %v", name, authority.Certificate.Subject)
		} else if strings.Contains(err.Error(), string(pkcs8[:20])) {
			t.Errorf("%s: the error quotes the key", name)
		}
	}
}
