package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/smallstep/pkcs7"
)

// degenerate is a PKCS#7 that holds nothing but certificates.
func degenerate(t testing.TB, certs ...*x509.Certificate) []byte {
	t.Helper()
	var all []byte
	for _, cert := range certs {
		all = append(all, cert.Raw...)
	}
	data, err := pkcs7.DegenerateCertificate(all)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParseCertificates(t *testing.T) {
	chain := []string{"gis.example.com", "Test Intermediate", "Test Root"}
	p7b := readFile(t, "chain.p7b")
	certificate := readFile(t, "certificate.pfx")
	utf16 := []byte{0xff, 0xfe}
	for _, b := range readFile(t, "root.pem") {
		utf16 = append(utf16, b, 0)
	}
	trusted := pem.EncodeToMemory(&pem.Block{Type: "TRUSTED CERTIFICATE", Bytes: append(bytes.Clone(certificate), 0x30, 0x00)})

	tests := map[string]struct {
		data []byte
		want []string
	}{
		"PEM, one":                            {readFile(t, "root.pem"), chain[2:]},
		"PEM, several":                        {readFile(t, "chain.pem"), chain},
		"PEM with a key":                      {readFile(t, "pem.pfx"), chain},
		"PEM with a byte order mark":          {append([]byte("\xef\xbb\xbf"), readFile(t, "root.pem")...), chain[2:]},
		"PEM in UTF-16":                       {utf16, chain[2:]},
		"PEM with text around":                {append([]byte("subject=Root\r\n"), readFile(t, "root.pem")...), chain[2:]},
		"OpenSSL's trusted certificate":       {trusted, chain[:1]},
		"DER":                                 {certificate, chain[:1]},
		"DER, two":                            {bytes.Repeat(certificate, 2), []string{chain[0], chain[0]}},
		"PKCS#7":                              {p7b, chain},
		"PKCS#7 in BER":                       {indefiniteOuter(p7b), chain},
		"PKCS#7 in PEM":                       {readFile(t, "chain.p7b.pem"), chain},
		"PKCS#7 in base64, as publicCertData": {[]byte(base64.StdEncoding.EncodeToString(p7b)), chain},
		"PEM in base64, as Terraform has it":  {[]byte(base64.StdEncoding.EncodeToString(readFile(t, "root.pem"))), chain[2:]},
		"DER in base64, as publicCertData":    {[]byte(base64.StdEncoding.EncodeToString(certificate)), chain[:1]},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			certs, err := ParseCertificates(test.data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, subjects(certs)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// indefiniteOuter gives the outermost element an indefinite length.
func indefiniteOuter(der []byte) []byte {
	_, _, body, err := readHeader(der)
	if err != nil {
		panic(err)
	}
	return append(append([]byte{0x30, 0x80}, body...), 0, 0)
}

func TestParseCertificatesRefuses(t *testing.T) {
	tests := map[string][]byte{
		"nothing":              nil,
		"text":                 []byte("hello, world"),
		"a key":                readFile(t, "pem-key.pfx"),
		"a .pfx":               readFile(t, "aes256.pfx"),
		"half a certificate":   readFile(t, "certificate.pfx")[:500],
		"an empty PKCS#7":      degenerate(t),
		"a damaged PEM":        pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}),
		"too many":             bytes.Repeat(readFile(t, "certificate.pfx"), maxParsed+1),
		"more than a mebibyte": make([]byte, maxFileSize+1),
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			if certs, err := ParseCertificates(data); err == nil {
				t.Errorf("%d certificates", len(certs))
			}
		})
	}
}
