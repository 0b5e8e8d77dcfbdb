package machine

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math/big"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// TestAPFXGoesIntoTheStoreOfTheComputer changes this computer and takes it
// back; without the right to it, it is skipped.
func TestAPFXGoesIntoTheStoreOfTheComputer(t *testing.T) {
	// Of RSA, as ArcGIS wants it.
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"cartouche.test"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pfx, password, err := pki.WritePFX(&pki.Bundle{Leaf: leaf, Key: key}, pki.ForArcGIS)
	if err != nil {
		t.Fatal(err)
	}
	if err := NewHost().ImportPFX(t.Context(), secret.New(string(pfx)), secret.New("wrong")); err == nil {
		t.Error("a wrong password opens it")
	}
	switch err := NewHost().ImportPFX(t.Context(), secret.New(string(pfx)), password); {
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		t.Skip("the store of this computer may not be written")
	case err != nil:
		t.Fatal(err)
	}
	my, err := computerStore("MY")
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CertCloseStore(my, 0)
	for cert, err := windows.CertEnumCertificatesInStore(my, nil); err == nil && cert != nil; cert, err = windows.CertEnumCertificatesInStore(my, cert) {
		if !bytes.Equal(unsafe.Slice(cert.EncodedCert, cert.Length), leaf.Raw) {
			continue
		}
		if !hasKey(cert) {
			t.Error("it is there without its key")
		}
		if err := windows.CertDeleteCertificateFromStore(windows.CertDuplicateCertificateContext(cert)); err != nil {
			t.Error(err)
		}
		windows.CertFreeCertificateContext(cert)
		return
	}
	t.Error("it is not there")
}
