package machine

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// TestAPFXGoesIntoTheStoreOfTheComputer changes this computer and takes it
// back; without the right to it, it is skipped.
func TestAPFXGoesIntoTheStoreOfTheComputer(t *testing.T) {
	made := newIdentity(t, "cartouche-test")
	task := made.task(t, Bind, 443)
	if err := NewHost().ImportPFX(t.Context(), task.PFX, secret.New("wrong")); err == nil {
		t.Error("a wrong password opens it")
	}
	if err := NewHost().ImportPFX(t.Context(), task.PFX, task.PFXPassword); err != nil {
		t.Skipf("the store of this computer cannot be written: %v", err)
	}
	my, err := computerStore("MY")
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CertCloseStore(my, 0)
	for cert, err := windows.CertEnumCertificatesInStore(my, nil); err == nil && cert != nil; cert, err = windows.CertEnumCertificatesInStore(my, cert) {
		der := unsafe.Slice(cert.EncodedCert, cert.Length)
		if string(der) != string(made.leaf.Raw) {
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
