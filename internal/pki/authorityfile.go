package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// ReadAuthority reads an authority with its key: a .pfx file, or certificates
// (PEM, DER or PKCS#7) whose private key is in the PEM file keys, or in the same
// file. Of several certificates the authority is the one that the key belongs to.
func ReadAuthority(data, keys []byte, password secret.Secret) (*Authority, error) {
	bundle := &Bundle{}
	text := keys
	if len(text) == 0 {
		text = data
	}
	if key, err := pemKey(text); err != nil {
		return nil, err
	} else if key == nil {
		if len(keys) > 0 {
			return nil, errors.New("the file of the key holds no private key in PEM")
		}
		if bundle, err = ReadPFX(data, password); err != nil {
			return nil, err
		}
	} else if bundle, err = bundleOfKey(data, key); err != nil {
		return nil, err
	}
	authority := &Authority{Certificate: bundle.Leaf, Key: bundle.Key, Chain: bundle.Intermediates}
	if bundle.Root != nil && !bundle.Root.Equal(bundle.Leaf) {
		authority.Chain = append(authority.Chain, bundle.Root)
	}
	return authority, authority.mayIssue()
}

// mayIssue tells why the certificate is none of an authority, nil when it is.
func (a *Authority) mayIssue() error {
	switch c := a.Certificate; {
	case !c.BasicConstraintsValid || !c.IsCA:
		return fmt.Errorf("%s is no certificate of an authority: it must not issue others", nameOf(c))
	case c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0:
		return fmt.Errorf("the key of %s must not sign certificates", nameOf(c))
	}
	return nil
}

// pemKey is the private key in a PEM file, nil when there is none.
func pemKey(text []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY", block.Headers["DEK-Info"] != "":
			return nil, errors.New("the key is encrypted in PEM, which is not read here; make a .pfx of it: openssl pkcs12 -export -inkey KEY.pem -in CA.pem -out ca.pfx")
		case block.Type == "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case block.Type == "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case block.Type == "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		default:
			continue
		}
		if err != nil {
			return nil, errors.New("the private key cannot be read") // its bytes are nobody's business
		}
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
		return nil, errors.New("the private key cannot sign")
	}
	return nil, nil
}

// bundleOfKey finds the certificate of a key, and those that issued it.
func bundleOfKey(data []byte, key crypto.Signer) (*Bundle, error) {
	certificates, err := ParseCertificates(data)
	if err != nil {
		return nil, err
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	bundle := &Bundle{Key: key}
	for _, c := range certificates {
		if ok && public.Equal(c.PublicKey) {
			bundle.Leaf = c
			break
		}
	}
	if bundle.Leaf == nil {
		return nil, errors.New("the private key belongs to none of the certificates")
	}
	for last := bundle.Leaf; !selfSigned(last) && len(bundle.Intermediates) <= len(certificates); {
		var issuer *x509.Certificate
		for _, c := range certificates {
			if c.IsCA && !c.Equal(last) && bytes.Equal(c.RawSubject, last.RawIssuer) && last.CheckSignatureFrom(c) == nil {
				issuer = c
			}
		}
		if issuer == nil {
			break
		}
		last = issuer
		if selfSigned(issuer) {
			bundle.Root = issuer
			break
		}
		bundle.Intermediates = append(bundle.Intermediates, issuer)
	}
	return bundle, nil
}

// WriteAuthority writes an authority with its key as a .pfx under a password.
func WriteAuthority(a *Authority, password secret.Secret) ([]byte, error) {
	if a == nil || a.Key == nil {
		return nil, errors.New("write authority: it has no key")
	}
	data, err := pkcs12.Modern2023.Encode(a.Key, a.Certificate, a.Chain, password.Reveal())
	if err != nil {
		return nil, fmt.Errorf("write authority: %w", err)
	}
	return data, nil
}
