package vault

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

// Content types of a certificate's secret.
const (
	typePFX = "application/x-pkcs12"
	typePEM = "application/x-pem-file"
)

// open reads what an import brings: base64 of a PFX, or PEM with a PKCS#8 key.
// Source: Key Vault documentation, "Import a certificate": the content type
// must fit, and PEM needs the key in PKCS#8.
func open(content, password, contentType string) (*authority.Issued, string, *failure) {
	isPEM := strings.Contains(content, "-----BEGIN ")
	found := typePFX
	if isPEM {
		found = typePEM
	}
	// guess: the texts.
	if isPEM && contentType == typePFX || !isPEM && contentType == typePEM {
		return nil, "", badParameter("The specified X.509 certificate content does not have the content type %s.", contentType)
	}
	read, err := openPFX, error(nil)
	if isPEM {
		read = func(content, _ string) (*authority.Issued, error) { return openPEM(content) }
	}
	p, err := read(content, password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return nil, "", badParameter("The specified password for the PKCS#12 X.509 certificate content is not correct.")
	case err != nil && isPEM:
		return nil, "", badParameter("The specified PEM X.509 certificate content is in an unexpected format. Please check if certificate is in valid PEM format.")
	case err != nil:
		return nil, "", badParameter("The specified PKCS#12 X.509 certificate content can not be read. Please check if certificate is in valid PKCS#12 format.")
	}
	return p, found, nil
}

func openPFX(content, password string) (*authority.Issued, error) {
	file, err := base64.StdEncoding.DecodeString(content)
	if err != nil {
		return nil, err
	}
	return authority.ReadPFX(file, password)
}

func openPEM(content string) (*authority.Issued, error) {
	var key any
	var all []*x509.Certificate
	for rest := []byte(content); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "CERTIFICATE":
			var one *x509.Certificate
			one, err = x509.ParseCertificate(block.Bytes)
			all = append(all, one)
		default:
			err = fmt.Errorf("a block of %s", block.Type)
		}
		if err != nil {
			return nil, err
		}
	}
	return authority.Assemble(key, all)
}

// export is the value of the certificate's secret: base64 of a PFX without
// password, or PEM; without the key when that may not leave the vault.
// Source: "About Key Vault certificates", exportable and non-exportable keys.
// guess: a PFX without key is one with certificates only; its encryption.
func export(p *authority.Issued, contentType string, exportable bool) (string, error) {
	all := append([]*x509.Certificate{p.Leaf}, p.Chain...)
	if contentType == typePEM {
		var out strings.Builder
		if exportable {
			der, err := x509.MarshalPKCS8PrivateKey(p.Key)
			if err != nil {
				return "", err
			}
			_ = pem.Encode(&out, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
		}
		for _, certificate := range all {
			_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
		}
		return out.String(), nil
	}
	file, err := []byte(nil), error(nil)
	if exportable {
		file, err = pkcs12.Modern.Encode(p.Key, p.Leaf, p.Chain, "")
	} else {
		file, err = pkcs12.Modern.EncodeTrustStore(all, "")
	}
	return base64.StdEncoding.EncodeToString(file), err
}
