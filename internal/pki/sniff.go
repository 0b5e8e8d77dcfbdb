package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"unicode/utf16"
)

// maxFileSize is far above any real .pfx file (2 to 20 KiB).
const maxFileSize = 1 << 20

// What mends a file that is something else. The commands ask for passwords;
// none takes one as an argument.
const (
	mendCopyAgain = "Copy or export the file again, in binary mode, and compare its size with the original."
	mendExport    = "openssl pkcs12 -export -in certificate.pem -inkey key.pem -certfile chain.pem -out new.pfx"
	mendRewrite   = "openssl pkcs12 -in FILE.pfx -legacy -out all.pem && openssl pkcs12 -export -in all.pem -out new.pfx && rm all.pem"
	mendFindKey   = "The key was made together with the certificate request; find it there, then: " + mendExport
)

// uncover takes the wrapping of text off a .pfx file, or says what the file is
// if it is none. The DER or BER of the PFX comes back with what was put right.
func uncover(data []byte) ([]byte, Findings, error) {
	if len(data) > maxFileSize {
		return nil, nil, defect(codeFileTooLarge, "Give the .pfx file itself, not an archive or a key store with everything in it.",
			"the file has %d bytes; a .pfx file of more than %d is not read", len(data), maxFileSize)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil, defect(codeEmptyFile, mendCopyAgain, "the file is empty")
	}
	if data[0] == 0x30 {
		return data, nil, otherStructure(data)
	}
	text := plainText(data)
	if block, _ := pem.Decode(text); block != nil {
		if block.Type != "PKCS12" {
			return nil, nil, pemDefect(text)
		}
		return block.Bytes, textRepair(), nil
	}
	if decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(text)), "")); err == nil && decoded[0] == 0x30 {
		return decoded, textRepair(), otherStructure(decoded)
	}
	if bytes.HasPrefix(data, []byte{0xfe, 0xed, 0xfe, 0xed}) {
		return nil, nil, defect(codeNotPFX, "keytool -importkeystore -srckeystore FILE -destkeystore new.pfx -deststoretype PKCS12",
			"the file is a Java key store (JKS), not a .pfx file")
	}
	return nil, nil, defect(codeNotPFX, mendExport, "the file is not a .pfx (PKCS#12) file")
}

func textRepair() Findings {
	var repairs Findings
	repairs.add(codeBase64File, "", "the file held the .pfx as base64 text and was decoded")
	return repairs
}

// plainText undoes what editors and PowerShell's redirection do to text.
func plainText(data []byte) []byte {
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) {
		var units []uint16
		for i := 2; i+1 < len(data); i += 2 {
			units = append(units, uint16(data[i])|uint16(data[i+1])<<8)
		}
		return []byte(string(utf16.Decode(units)))
	}
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
}

func pemDefect(text []byte) error {
	var certificates, keys int
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "CERTIFICATE":
			certificates++
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			keys++
		}
	}
	switch {
	case keys > 0 && certificates > 0:
		return defect(codePEMNotPFX, "openssl pkcs12 -export -in FILE.pem -out new.pfx",
			"the file is PEM text with a private key and certificates, not a .pfx file")
	case keys > 0:
		return defect(codePEMNotPFX, mendExport, "the file is PEM text with a private key and no certificate, not a .pfx file")
	}
	return defect(codePEMNotPFX, mendFindKey, "the file is PEM text without a private key, not a .pfx file")
}

// otherStructure recognises the structures that get mistaken for a PFX. It
// gives nil when der may be one.
func otherStructure(der []byte) error {
	normal, _, err := normaliseBER(der)
	if err != nil {
		return nil // ReadPFX says what is wrong
	}
	if _, err := x509.ParseCertificate(normal); err == nil {
		return defect(codeCertificateNotPFX, mendFindKey, "the file is a certificate without a private key, not a .pfx file")
	}
	if _, err := x509.ParseCertificateRequest(normal); err == nil {
		return defect(codeNotPFX, mendFindKey, "the file is a certificate request, not a .pfx file")
	}
	if isPrivateKey(normal) {
		return defect(codeKeyNotPFX, mendExport, "the file is a private key without a certificate, not a .pfx file")
	}
	var first struct{ First asn1.RawValue }
	if _, err := asn1.Unmarshal(normal, &first); err == nil && first.First.Tag == asn1.TagOID {
		return defect(codePKCS7NotPFX, mendFindKey,
			"the file is a PKCS#7 (.p7b) collection of certificates, which holds no private key, not a .pfx file")
	}
	return nil
}

// isPrivateKey looks at no key longer than maxKeySize: to check the numbers of
// an RSA key as long as a file may be takes crypto/rsa a minute.
func isPrivateKey(der []byte) bool {
	if len(der) > maxKeySize {
		return false
	}
	_, notPKCS8 := x509.ParsePKCS8PrivateKey(der)
	_, notPKCS1 := x509.ParsePKCS1PrivateKey(der)
	return notPKCS8 == nil || notPKCS1 == nil
}
