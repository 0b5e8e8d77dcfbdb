package cloud

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// importOnce sends a bundle exactly once, whatever the answer.
func (c *VaultClient) importOnce(ctx context.Context, name string, there existing, bundle *pki.Bundle) (VaultCertificate, error) {
	a := c.attempt("import certificate", name, needImport)
	once := policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1})
	isSecret := there.newest.Kind == VaultKindSecret
	consumer := pki.ForKeyVault
	if isSecret {
		consumer = pki.ForVaultSecret
		a.operation, a.need = "set secret", needSecret
	}
	data, password, err := pki.WritePFX(bundle, consumer)
	if err != nil {
		return VaultCertificate{}, a.failed(err)
	}
	content := base64.StdEncoding.EncodeToString(data)
	a.write, a.secrets = true, []secret.Secret{password, secret.New(content)}
	var imported VaultCertificate
	if isSecret {
		response, err := c.secrets.SetSecret(once, name, azsecrets.SetSecretParameters{
			Value: &content, ContentType: new(pfxType), Tags: there.tags,
			SecretAttributes: &azsecrets.SecretAttributes{Enabled: new(true), NotBefore: &bundle.Leaf.NotBefore, Expires: &bundle.Leaf.NotAfter},
		}, nil)
		if err != nil {
			return VaultCertificate{}, a.failed(err)
		}
		imported = c.fromSecret(azsecrets.SecretProperties{
			ID: response.ID, Attributes: response.Attributes, ContentType: response.ContentType, Tags: response.Tags,
		})
		imported.Exportable = true
		imported.fill(bundle.Leaf)
		return imported, nil
	}
	response, err := c.certificates.ImportCertificate(once, name, azcertificates.ImportCertificateParameters{
		Base64EncodedCertificate: &content,
		Password:                 new(password.Reveal()),
		CertificateAttributes:    &azcertificates.CertificateAttributes{Enabled: new(true)},
		CertificatePolicy:        importPolicy(bundle.Leaf, there.policy),
		Tags:                     there.tags,
	}, nil)
	if err != nil {
		return VaultCertificate{}, a.failed(err)
	}
	imported = c.fromBundle(response.Certificate)
	if imported.Leaf == nil || !imported.Leaf.Equal(bundle.Leaf) {
		return imported, a.failed(fmt.Errorf("the vault answered with another certificate (thumbprint %s)", imported.Thumbprint))
	}
	return imported, nil
}

// importPolicy is the policy of an imported certificate: what somebody decided
// for the one that is there, with key and content type of the file.
func importPolicy(leaf *x509.Certificate, old *azcertificates.CertificatePolicy) *azcertificates.CertificatePolicy {
	key := &azcertificates.KeyProperties{Exportable: new(true), ReuseKey: new(false)}
	switch public := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		key.KeyType, key.KeySize = new(azcertificates.KeyTypeRSA), new(int32(public.N.BitLen()))
	case *ecdsa.PublicKey:
		key.KeyType, key.Curve = new(azcertificates.KeyTypeEC), new(azcertificates.CurveName(public.Curve.Params().Name))
	}
	policy := &azcertificates.CertificatePolicy{
		KeyProperties:    key,
		SecretProperties: &azcertificates.SecretProperties{ContentType: new(pfxType)},
		// What Key Vault calls an authority that it cannot ask.
		IssuerParameters: &azcertificates.IssuerParameters{Name: new("Unknown")},
	}
	if old == nil {
		return policy
	}
	if old.KeyProperties != nil && old.KeyProperties.ReuseKey != nil {
		key.ReuseKey = old.KeyProperties.ReuseKey
	}
	if old.IssuerParameters != nil {
		policy.IssuerParameters = old.IssuerParameters
	}
	policy.LifetimeActions = old.LifetimeActions
	policy.X509CertificateProperties = old.X509CertificateProperties
	return policy
}
