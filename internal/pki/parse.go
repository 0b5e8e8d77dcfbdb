package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

const (
	oidSignedData = "1.2.840.113549.1.7.2"

	// maxParsed bounds how many certificates one input may hold; Mozilla's
	// whole list has about 140.
	maxParsed = 500
)

var errNoCertificates = errors.New("no certificates found: neither PEM, DER nor PKCS#7")

// ParseCertificates reads certificates from PEM (any number, other blocks are
// passed over), DER (any number, one behind the other), PKCS#7 (.p7b, .p7c,
// what Application Gateway v2 gives as publicCertData), or base64 text of the
// latter two. It reads at most 1 MiB and 500 certificates, and gives an error
// when there is none.
func ParseCertificates(data []byte) ([]*x509.Certificate, error) {
	if len(data) > maxFileSize {
		return nil, fmt.Errorf("parse certificates: %d bytes are more than %d", len(data), maxFileSize)
	}
	certificates, err := parseAny(data)
	if err != nil {
		return nil, fmt.Errorf("parse certificates: %w", err)
	}
	return certificates, nil
}

func parseAny(data []byte) ([]*x509.Certificate, error) {
	if len(data) > 0 && data[0] == 0x30 {
		return parseBinary(data)
	}
	text := plainText(data)
	if bytes.Contains(text, []byte("-----BEGIN ")) {
		return parsePEM(text)
	}
	if decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(text)), "")); err == nil && len(decoded) > 0 {
		// Terraform gives Azure PEM in base64, and Azure gives it back.
		if bytes.Contains(decoded, []byte("-----BEGIN ")) {
			return parsePEM(decoded)
		}
		return parseBinary(decoded)
	}
	return nil, errNoCertificates
}

func parsePEM(text []byte) ([]*x509.Certificate, error) {
	var found []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE", "PKCS7", "CMS":
			more, err := parseBinary(block.Bytes)
			if err != nil {
				return nil, err
			}
			found = append(found, more...)
		}
		if len(found) > maxParsed {
			return nil, fmt.Errorf("more than %d certificates", maxParsed)
		}
	}
	if len(found) == 0 {
		return nil, errNoCertificates
	}
	return found, nil
}

func parseBinary(data []byte) ([]*x509.Certificate, error) {
	var found []*x509.Certificate
	for rest := data; len(bytes.TrimSpace(rest)) > 0; {
		if len(found) >= maxParsed {
			return nil, fmt.Errorf("more than %d certificates", maxParsed)
		}
		element, after, err := normaliseBER(rest)
		if err != nil {
			return nil, fmt.Errorf("%w (%w)", errNoCertificates, err)
		}
		var info contentInfo
		if _, err := asn1.Unmarshal(element, &info); err == nil && info.Type.String() == oidSignedData {
			return parseSignedData(info.Content.Bytes)
		}
		cert, err := x509.ParseCertificate(element)
		switch {
		case err == nil:
			found = append(found, cert)
		case len(found) == 0:
			return nil, fmt.Errorf("%w (%w)", errNoCertificates, err)
		default: // "TRUSTED CERTIFICATE" has OpenSSL's own data behind the certificate
			return found, nil
		}
		rest = after
	}
	if len(found) == 0 {
		return nil, errNoCertificates
	}
	return found, nil
}

// signedData is PKCS#7 (RFC 2315 section 9.1) as far as its certificates.
type signedData struct {
	Version      int
	Digests      asn1.RawValue
	Content      asn1.RawValue
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
}

func parseSignedData(der []byte) ([]*x509.Certificate, error) {
	var signed signedData
	if _, err := asn1.Unmarshal(der, &signed); err != nil {
		return nil, fmt.Errorf("read PKCS#7: %w", err)
	}
	if len(signed.Certificates.Bytes) == 0 {
		return nil, errors.New("the PKCS#7 holds no certificates")
	}
	found, err := x509.ParseCertificates(signed.Certificates.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read PKCS#7: %w", err)
	}
	if len(found) > maxParsed {
		return nil, fmt.Errorf("more than %d certificates", maxParsed)
	}
	return found, nil
}
