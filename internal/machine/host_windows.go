package machine

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// ownGroup makes the end of the program the end of what it started, too: the
// tools of ArcGIS are batch files that start Java.
func ownGroup(command *exec.Cmd) {
	command.Cancel = func() error {
		tree := exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(command.Process.Pid))
		if err := tree.Run(); err != nil {
			return command.Process.Kill()
		}
		return nil
	}
}

// asOwner does nothing: the tools on Windows belong to administrators.
func asOwner(*exec.Cmd, string) {}

func (computer) Lend(string, string) error { return nil }

// ImportPFX does in this process what Import-PfxCertificate does, so that the
// password gets into no argument list and the key into no file. The key cannot
// be exported again. (learn.microsoft.com, PFXImportCertStore)
func (computer) ImportPFX(_ context.Context, pfx, password secret.Secret) error {
	content := []byte(pfx.Reveal())
	if len(content) == 0 {
		return errors.New("there is no PFX to import")
	}
	phrase, err := windows.UTF16PtrFromString(password.Reveal())
	if err != nil {
		return errors.New("the password of the PFX cannot be given to Windows")
	}
	blob := windows.CryptDataBlob{Size: uint32(len(content)), Data: &content[0]}
	// Without CRYPT_MACHINE_KEYSET the key would lie in the profile of whoever
	// runs this, out of the reach of IIS; Esri's own DSC leaves it out.
	from, err := windows.PFXImportCertStore(&blob, phrase, windows.CRYPT_MACHINE_KEYSET)
	if err != nil {
		return fmt.Errorf("open the PFX: %w", err)
	}
	defer windows.CertCloseStore(from, 0)
	my, err := computerStore("MY")
	if err != nil {
		return err
	}
	defer windows.CertCloseStore(my, 0)
	authorities, err := computerStore("CA")
	if err != nil {
		return err
	}
	defer windows.CertCloseStore(authorities, 0)

	found := false
	// Each call frees the context that it is given.
	for cert, err := windows.CertEnumCertificatesInStore(from, nil); err == nil && cert != nil; cert, err = windows.CertEnumCertificatesInStore(from, cert) {
		to, how := authorities, uint32(windows.CERT_STORE_ADD_USE_EXISTING)
		if hasKey(cert) {
			to, how, found = my, windows.CERT_STORE_ADD_REPLACE_EXISTING, true
		}
		if err := windows.CertAddCertificateContextToStore(to, cert, how, nil); err != nil {
			windows.CertFreeCertificateContext(cert)
			return fmt.Errorf("put a certificate into the store of the computer: %w", err)
		}
	}
	if !found {
		return errors.New("the PFX has no certificate with a key")
	}
	return nil
}

func computerStore(name string) (windows.Handle, error) {
	named, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	store, err := windows.CertOpenStore(windows.CERT_STORE_PROV_SYSTEM_W, 0, 0, windows.CERT_SYSTEM_STORE_LOCAL_MACHINE, uintptr(unsafe.Pointer(named)))
	if err != nil {
		return 0, fmt.Errorf("open the store %s of the computer: %w", name, err)
	}
	return store, nil
}

var certGetCertificateContextProperty = windows.NewLazySystemDLL("crypt32.dll").NewProc("CertGetCertificateContextProperty")

// hasKey tells whether a private key belongs to the certificate
// (CERT_KEY_PROV_INFO_PROP_ID is 2, wincrypt.h).
func hasKey(cert *windows.CertContext) bool {
	var size uint32
	ok, _, _ := certGetCertificateContextProperty.Call(uintptr(unsafe.Pointer(cert)), 2, 0, uintptr(unsafe.Pointer(&size)))
	return ok != 0
}
