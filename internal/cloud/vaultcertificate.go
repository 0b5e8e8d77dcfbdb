package cloud

import (
	"crypto/x509"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

// VaultKind is how a certificate is kept in a vault.
type VaultKind string

const (
	// VaultKindCertificate is a certificate of Key Vault: what it is can be
	// read without its key.
	VaultKindCertificate VaultKind = "certificate"
	// VaultKindSecret is a .pfx that was stored as a plain secret: what it is
	// can only be read together with its key.
	VaultKindSecret VaultKind = "secret"
)

// VaultCertificate is one version of a certificate in a vault.
type VaultCertificate struct {
	Name    string
	Version string
	Kind    VaultKind
	// SecretID names this very version: https://v.vault.azure.net/secrets/n/ver.
	// [VaultCertificate.Versionless] is what a gateway follows.
	SecretID string
	Enabled  bool
	// NotBefore and NotAfter are those of the certificate; of a secret what
	// somebody wrote down, zero when nobody did.
	NotBefore, NotAfter time.Time
	Created, Updated    time.Time
	Thumbprint          string // as package pki gives it, "" when unknown
	Tags                map[string]string

	// The rest is known when the version itself was read, not only a list.

	// Leaf is the certificate; nil when it was only listed, is pending, or is
	// a secret that was not opened.
	Leaf *x509.Certificate
	// ContentType is "application/x-pkcs12" for what gateways can use.
	ContentType string
	// Exportable tells that the key can be had as a secret, as gateways need it.
	Exportable bool
	// KeyType is RSA, EC, RSA-HSM or EC-HSM, "" when unknown.
	KeyType string
	HSM     bool
	// Unread says why only the list's facts are known, "" when all was read.
	Unread string
}

// Versionless is the secret identifier without a version, which a gateway
// follows to each new one.
func (v VaultCertificate) Versionless() string {
	uri, name, _, err := SplitSecretID(v.SecretID)
	if err != nil {
		return ""
	}
	return uri + "/secrets/" + name
}

// Subject is the certificate's, "" while Leaf is unknown.
func (v VaultCertificate) Subject() string { return pki.Describe(v.Leaf).Subject }

// Names are the DNS names and IP addresses that it covers, none while Leaf is
// unknown.
func (v VaultCertificate) Names() []string { return pki.Describe(v.Leaf).Names }
