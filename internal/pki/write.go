package pki

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/cartouche-gis/cartouche/internal/secret"
	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

// Consumer is who will read a .pfx file.
type Consumer string

const (
	// ForGateway: a certificate given to Application Gateway in the body of
	// its document. Its password may have 4 to 12 characters.
	ForGateway Consumer = "gateway"
	// ForKeyVault: an import into Key Vault.
	ForKeyVault Consumer = "key-vault"
	// ForVaultSecret: a plain secret of Key Vault, from which a gateway reads a
	// .pfx without a password: Key Vault and what carries the bytes protect it.
	ForVaultSecret Consumer = "vault-secret"
	// ForArcGIS: an import into Portal, Server and their relatives, whose Java
	// may be too old for AES (before 8u301 and 11.0.12). Esri 000037586 asks
	// for a password without special characters.
	ForArcGIS Consumer = "arcgis"
)

type writing struct {
	encoder        *pkcs12.Encoder
	passwordLength int
}

var writings = map[Consumer]writing{
	ForGateway:     {pkcs12.LegacyDES, 12},
	ForKeyVault:    {pkcs12.Modern2023, 32},
	ForVaultSecret: {pkcs12.LegacyDES, 0},
	ForArcGIS:      {pkcs12.LegacyDES, 24},
}

// WritePFX writes leaf, key and intermediates (no root) in the encryption that
// the consumer reads, under a fresh random password of letters and digits; for
// a plain secret under none.
func WritePFX(b *Bundle, consumer Consumer) (data []byte, password secret.Secret, err error) {
	how, known := writings[consumer]
	if !known {
		return nil, secret.Secret{}, fmt.Errorf("write pfx: no consumer %q", consumer)
	}
	if b.Leaf == nil || b.Key == nil {
		return nil, secret.Secret{}, errors.New("write pfx: the bundle has no leaf or no key")
	}
	password, err = randomPassword(how.passwordLength)
	if err != nil {
		return nil, secret.Secret{}, fmt.Errorf("write pfx for %s: %w", consumer, err)
	}
	data, err = how.encoder.Encode(b.Key, b.Leaf, b.Intermediates, password.Reveal())
	if err != nil {
		return nil, secret.Secret{}, fmt.Errorf("write pfx for %s: %w", consumer, err)
	}
	return data, password, nil
}

// randomPassword draws letters and digits, each equally likely: octets that
// would favour the first of them are thrown away.
func randomPassword(length int) (secret.Secret, error) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	const fair = 256 / len(letters) * len(letters)
	drawn := make([]byte, 0, length)
	for octet := make([]byte, 1); len(drawn) < length; {
		if _, err := rand.Read(octet); err != nil {
			return secret.Secret{}, fmt.Errorf("draw a password: %w", err)
		}
		if int(octet[0]) < fair {
			drawn = append(drawn, letters[int(octet[0])%len(letters)])
		}
	}
	return secret.New(string(drawn)), nil
}

// sizeForGateway is what WritePFX will write for the gateway, to within a few
// dozen bytes.
func sizeForGateway(b *Bundle) int {
	const frame, perBag = 350, 50 // salts, MAC, identifiers and lengths, as measured
	size := frame + len(b.Leaf.Raw) + perBag
	if key, err := x509.MarshalPKCS8PrivateKey(b.Key); err == nil {
		size += len(key) + perBag
	}
	for _, cert := range b.Intermediates {
		size += len(cert.Raw) + perBag
	}
	return size
}
