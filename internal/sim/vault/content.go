package vault

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// Content types of a certificate's secret.
const (
	typePFX = "application/x-pkcs12"
	typePEM = "application/x-pem-file"
)

// open reads what an import brings: base64 of a PFX, or PEM with a PKCS#8 key.
// Source: Key Vault documentation, "Import a certificate": the content type
// must fit, and PEM needs the key in PKCS#8.
func open(content, password, contentType string) (*pair, string, *failure) {
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
		read = func(content, _ string) (*pair, error) { return openPEM(content) }
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

func openPFX(content, password string) (*pair, error) {
	file, err := base64.StdEncoding.DecodeString(content)
	if err != nil {
		return nil, err
	}
	key, first, rest, err := pkcs12.DecodeChain(file, password)
	if err != nil {
		return nil, err
	}
	return assemble(key, append([]*x509.Certificate{first}, rest...))
}

func openPEM(content string) (*pair, error) {
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
	return assemble(key, all)
}

// assemble takes the certificate of the key as the leaf.
func assemble(key any, all []*x509.Certificate) (*pair, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("no private key")
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return nil, errors.New("the key cannot be compared")
	}
	p := &pair{key: signer}
	for _, certificate := range all {
		if p.leaf == nil && public.Equal(certificate.PublicKey) {
			p.leaf = certificate
			continue
		}
		p.chain = append(p.chain, certificate)
	}
	if p.leaf == nil {
		return nil, errors.New("no certificate of the key")
	}
	return p, nil
}

// export is the value of the certificate's secret: base64 of a PFX without
// password, or PEM; without the key when that may not leave the vault.
// Source: "About Key Vault certificates", exportable and non-exportable keys.
// guess: a PFX without key is one with certificates only; its encryption.
func (p *pair) export(contentType string, exportable bool) (string, error) {
	all := append([]*x509.Certificate{p.leaf}, p.chain...)
	if contentType == typePEM {
		var out strings.Builder
		if exportable {
			der, err := x509.MarshalPKCS8PrivateKey(p.key)
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
		file, err = pkcs12.Modern.Encode(p.key, p.leaf, p.chain, "")
	} else {
		file, err = pkcs12.Modern.EncodeTrustStore(all, "")
	}
	return base64.StdEncoding.EncodeToString(file), err
}
