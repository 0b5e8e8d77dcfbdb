package pki

import (
	"encoding/asn1"
	"errors"
)

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
