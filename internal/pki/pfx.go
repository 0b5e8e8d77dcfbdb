package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"errors"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// The PFX is taken apart here, rather than by the library that writes it,
// because that library takes the first certificate for the leaf, gives up on
// two keys, a missing MAC, BER and more than two parts, and works off any
// iteration count, also one that is only found inside an encrypted part.

const (
	maxCertificates = 100
	maxKeys         = 10
	maxKeySize      = 16 << 10 // bytes of PKCS#8; RSA 16384 needs 9 KiB
	maxBagDepth     = 4
)

const (
	oidData              = "1.2.840.113549.1.7.1"
	oidEncryptedData     = "1.2.840.113549.1.7.6"
	oidKeyBag            = "1.2.840.113549.1.12.10.1.1"
	oidShroudedKeyBag    = "1.2.840.113549.1.12.10.1.2"
	oidCertificateBag    = "1.2.840.113549.1.12.10.1.3"
	oidSafeContentsBag   = "1.2.840.113549.1.12.10.1.6"
	oidX509InCertificate = "1.2.840.113549.1.9.22.1"
)

type pfxPDU struct {
	Version  int
	AuthSafe contentInfo
	MAC      macData `asn1:"optional"`
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,tag:0,optional"`
}

type encryptedData struct {
	Version int
	Content struct {
		Type      asn1.ObjectIdentifier
		Algorithm algorithmIdentifier
		Data      asn1.RawValue `asn1:"optional"` // [0], in one piece or in several
	}
}

type safeBag struct {
	ID         asn1.ObjectIdentifier
	Value      asn1.RawValue `asn1:"explicit,tag:0"`
	Attributes asn1.RawValue `asn1:"optional"`
}

type certificateBag struct {
	Type asn1.ObjectIdentifier
	Data []byte `asn1:"explicit,tag:0"`
}

type shroudedKey struct {
	Algorithm algorithmIdentifier
	Data      []byte
}

// contents is what a PFX holds, in the order of the file.
type contents struct {
	certificates []*x509.Certificate
	keys         []crypto.Signer
	// unsupported names the algorithms of keys that Go cannot use.
	unsupported []string
	repairs     Findings
}

// ReadPFX reads a .pfx (PKCS#12) file: the leaf is the certificate that the
// private key belongs to, wherever it stands, and the chain is put in order.
// What had to be put right is in Bundle.Repairs. A file that cannot be used
// gives a *DefectError. No more work is done than maxWork iterations, whatever
// the file asks for.
func ReadPFX(data []byte, password secret.Secret) (*Bundle, error) {
	der, repairs, err := uncover(data)
	if err != nil {
		return nil, err
	}
	found := contents{repairs: repairs}
	if err := found.read(der, password); err != nil {
		if errors.Is(err, errDoesNotOpen) {
			return nil, wrongPassword()
		}
		return nil, err
	}
	return found.bundle()
}

func wrongPassword() error {
	return defect(codeWrongPassword, "openssl pkcs12 -in FILE.pfx -noout   # asks for the password and says whether it is right",
		"the password does not open the file")
}

func (c *contents) read(data []byte, password secret.Secret) error {
	der, rest, err := normaliseBER(data)
	if err != nil {
		return broken(err)
	}
	if len(rest) > 0 {
		c.repairs.add(codeTrailingBytes, "", "%d bytes behind the end of the .pfx were ignored", len(rest))
	}
	if !bytes.Equal(der, data[:len(data)-len(rest)]) {
		c.repairs.add(codeBEREncoding, "", "the file was BER with indefinite lengths and was read as DER")
	}
	var pfx pfxPDU
	if err := decode(der, &pfx); err != nil || pfx.Version != 3 {
		return defect(codeNotPFX, mendExport, "the file is not a .pfx (PKCS#12) file")
	}
	if pfx.AuthSafe.Type.String() != oidData {
		return unsupportedEncryption("the protection by a signature", pfx.AuthSafe.Type)
	}
	var safe []byte
	if err := decode(pfx.AuthSafe.Content.Bytes, &safe); err != nil {
		return err
	}
	walk := walker{contents: c, phrases: passphrases(password)}
	if err := walk.checkMAC(pfx.MAC, safe); err != nil {
		return err
	}
	var parts []contentInfo
	if err := decode(safe, &parts); err != nil {
		return err
	}
	for _, part := range parts {
		if err := walk.part(part); err != nil {
			return err
		}
	}
	return nil
}
