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

// walker goes through the parts of one PFX.
type walker struct {
	*contents
	meter   meter
	phrases []passphrase // spellings of the password that may still be right
	proved  bool         // a MAC or a decryption has shown which one is
}

func (w *walker) checkMAC(mac macData, safe []byte) error {
	if mac.Mac.Algorithm.Algorithm == nil {
		w.repairs.add(codeNoMAC, mendRewrite,
			"the file has no MAC, so that nobody can tell whether it was changed on its way; it was read all the same")
		return nil
	}
	return w.try(func(p passphrase) error { return w.meter.verify(mac, safe, p) })
}

// try offers every spelling of the password until one opens, and stays with it.
func (w *walker) try(open func(passphrase) error) error {
	for _, p := range w.phrases {
		err := open(p)
		if err == nil {
			w.phrases, w.proved = []passphrase{p}, true
		}
		if !errors.Is(err, errDoesNotOpen) {
			return err
		}
	}
	if w.proved {
		return defect(codeTwoPasswords, mendRewrite+"   # -twopass, if the two passwords are known",
			"the password is right for one part of the file and wrong for another: the file was made with two passwords, or is damaged")
	}
	return errDoesNotOpen
}

func (w *walker) decrypt(algorithm algorithmIdentifier, data []byte) (plain []byte, err error) {
	err = w.try(func(p passphrase) (err error) {
		plain, err = w.meter.decrypt(algorithm, data, p)
		return err
	})
	return plain, err
}

func (w *walker) part(part contentInfo) error {
	switch part.Type.String() {
	case oidData:
		var bags []byte
		if err := decode(part.Content.Bytes, &bags); err != nil {
			return err
		}
		return w.bags(bags, 0)
	case oidEncryptedData:
		var encrypted encryptedData
		if err := decode(part.Content.Bytes, &encrypted); err != nil {
			return err
		}
		data, err := joinPieces(encrypted.Content.Data.Bytes, encrypted.Content.Data.IsCompound)
		if err != nil {
			return broken(err)
		}
		bags, err := w.decrypt(encrypted.Content.Algorithm, data)
		if err != nil {
			return err
		}
		return w.bags(bags, 0)
	}
	return unsupportedEncryption("the protection of a part", part.Type)
}

func (w *walker) bags(data []byte, depth int) error {
	if depth > maxBagDepth {
		return damaged("its parts are nested too deeply")
	}
	var bags []safeBag
	if err := decode(data, &bags); err != nil {
		return err
	}
	for _, bag := range bags {
		var err error
		switch bag.ID.String() {
		case oidCertificateBag:
			err = w.certificate(bag.Value.Bytes)
		case oidKeyBag:
			err = w.key(bag.Value.Bytes)
		case oidShroudedKeyBag:
			var shrouded shroudedKey
			if err = decode(bag.Value.Bytes, &shrouded); err == nil {
				var plain []byte
				if plain, err = w.decrypt(shrouded.Algorithm, shrouded.Data); err == nil {
					err = w.key(plain)
				}
			}
		case oidSafeContentsBag:
			err = w.bags(bag.Value.Bytes, depth+1)
		}
		// Revocation lists and Java's secret keys are of no interest here.
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) certificate(data []byte) error {
	if len(w.certificates) >= maxCertificates {
		return defect(codeTooManyCertificates, mendRewrite, "the file holds more than %d certificates", maxCertificates)
	}
	var bag certificateBag
	if err := decode(data, &bag); err != nil {
		return err
	}
	if bag.Type.String() != oidX509InCertificate {
		return nil
	}
	certificate, err := x509.ParseCertificate(bag.Data)
	if err != nil {
		w.repairs.add(codeUnreadableEntry, mendRewrite, "a certificate in the file cannot be parsed and was left out")
		return nil
	}
	w.certificates = append(w.certificates, certificate)
	return nil
}

func (w *walker) key(pkcs8 []byte) error {
	if len(w.keys)+len(w.unsupported) >= maxKeys {
		return defect(codeSeveralKeys, mendSeveralKeys, "the file holds more than %d private keys", maxKeys)
	}
	var algorithm struct {
		Version   int
		Algorithm algorithmIdentifier
		Key       []byte
	}
	der, _, err := normaliseBER(pkcs8)
	if err != nil {
		return broken(err)
	}
	if _, err := asn1.Unmarshal(der, &algorithm); err != nil {
		return damaged("a private key in it cannot be parsed")
	}
	if len(der) <= maxKeySize {
		if parsed, err := x509.ParsePKCS8PrivateKey(der); err == nil {
			if signer, ok := parsed.(crypto.Signer); ok {
				w.keys = append(w.keys, signer)
				return nil
			}
		}
	}
	w.unsupported = append(w.unsupported, keyAlgorithmName(algorithm.Algorithm.Algorithm))
	return nil
}

// decode reads one DER or BER element, the whole of data, into out.
func decode(data []byte, out any) error {
	der, rest, err := normaliseBER(data)
	if err != nil {
		return broken(err)
	}
	if len(rest) > 0 {
		return damaged("a part of it has surplus bytes")
	}
	if _, err := asn1.Unmarshal(der, out); err != nil {
		return damaged("a part of it has an unexpected structure")
	}
	return nil
}

func broken(err error) error {
	if errors.Is(err, errTruncated) {
		return defect(codeTruncatedFile, mendCopyAgain, "the file ends too early: a part of it is missing")
	}
	return damaged(err.Error())
}

func damaged(why string) error {
	return defect(codeDamagedFile, mendCopyAgain, "the file is damaged: %s", why)
}

func unsupportedEncryption(what string, algorithm asn1.ObjectIdentifier) error {
	name := algorithmNames[algorithm.String()]
	if name == "" {
		name = "algorithm " + algorithm.String()
	}
	return defect(codeUnsupportedEncryption, mendRewrite, "%s of the file (%s) is not supported", what, name)
}

func keyAlgorithmName(algorithm asn1.ObjectIdentifier) string {
	if name := algorithmNames[algorithm.String()]; name != "" {
		return name
	}
	return "algorithm " + algorithm.String()
}

// algorithmNames are for sentences: what is known and not supported.
var algorithmNames = map[string]string{
	"1.2.840.113549.1.12.1.1": "RC4, 128 bits",
	"1.2.840.113549.1.12.1.2": "RC4, 40 bits",
	"1.2.840.113549.1.5.3":    "DES with MD5",
	"1.2.840.113549.1.5.10":   "DES with SHA-1",
	"1.3.6.1.4.1.11591.4.11":  "scrypt",
	"1.2.840.113549.3.7":      "3DES in PBES2",
	"1.2.840.113549.1.7.2":    "signed data",
	"1.2.840.113549.1.7.3":    "enveloped data",
	"1.2.840.113549.1.1.1":    "RSA of an unusable size or form",
	"1.2.840.113549.1.1.10":   "RSASSA-PSS",
	"1.2.840.10040.4.1":       "DSA",
	"1.2.840.10045.2.1":       "elliptic curve of an unusable kind",
	"1.3.101.110":             "X25519",
	"1.3.101.111":             "X448",
	"1.3.101.113":             "Ed448",
	"2.16.840.1.101.3.4.3.17": "ML-DSA-44",
	"2.16.840.1.101.3.4.3.18": "ML-DSA-65",
	"2.16.840.1.101.3.4.3.19": "ML-DSA-87",
	"1.2.840.113549.2.5":      "MD5",
	"2.16.840.1.101.3.4.2.8":  "SHA3-256",
	"2.16.840.1.101.3.4.2.10": "SHA3-512",
	"1.2.643.7.1.1.2.2":       "GOST R 34.11-2012",
}
