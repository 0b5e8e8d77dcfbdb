package cloud

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

const (
	// importTries is how often an import is sent at most: each time after it was
	// seen that the one before did not arrive.
	importTries = 3
	// recoverWait and recoverLooks are how a recovered certificate is waited for,
	// which takes seconds (azure.md §4.3).
	recoverWait  = time.Second
	recoverLooks = 60
)

// DeletedCertificate is a certificate that was deleted and can be recovered.
type DeletedCertificate struct {
	Name       string
	Deleted    time.Time
	Purge      time.Time // when it is gone for good
	Thumbprint string
}

// Deleted looks whether a certificate with this name was deleted and is still
// in the way of a new one.
func (c *VaultClient) Deleted(ctx context.Context, name string) (DeletedCertificate, bool, error) {
	response, err := c.certificates.GetDeletedCertificate(ctx, name, nil)
	if err != nil {
		err = c.attempt("look for deleted certificate", clean(name, 200), needImport).failed(err)
		if IsNotFound(err) {
			return DeletedCertificate{}, false, nil
		}
		return DeletedCertificate{}, false, err
	}
	return DeletedCertificate{
		Name: name, Deleted: value(response.DeletedDate), Purge: value(response.ScheduledPurgeDate),
		Thumbprint: fmt.Sprintf("%X", response.X509Thumbprint),
	}, true, nil
}

// Import makes a bundle the newest version of a certificate, which is made when
// there is none, and recovered first when there is a deleted one. Policy and
// tags of an existing certificate are kept, except that the key must be
// exportable and the content type that of a .pfx, or no gateway could use it.
//
// It is convergent: when the newest enabled version is this very certificate
// and usable, that version is given back and nothing is imported. azcore does
// not repeat an import, because each one makes a version; after a lost answer
// the vault is looked at before anything is sent again.
func (c *VaultClient) Import(ctx context.Context, name string, bundle *pki.Bundle) (VaultCertificate, error) {
	a := c.attempt("import certificate", clean(name, 200), needImport)
	if !isVaultName(name) {
		return VaultCertificate{}, a.failed(errors.New("a name in Key Vault has 1 to 127 letters, digits and hyphens"))
	}
	parameters, err := importParameters(bundle)
	if err != nil {
		return VaultCertificate{}, a.failed(err)
	}
	a.write = true
	a.secrets = []secret.Secret{secret.New(*parameters.Password), secret.New(*parameters.Base64EncodedCertificate)}
	for try := 1; ; try++ {
		there, err := c.existing(ctx, name, &parameters)
		if err != nil {
			return VaultCertificate{}, err
		}
		if there.usableAs(bundle) {
			return there, nil
		}
		response, err := c.importOnce(ctx, name, parameters)
		if err == nil {
			imported := c.fromBundle(response.Certificate)
			if imported.Thumbprint != pki.Thumbprint(bundle.Leaf) {
				return imported, a.failed(fmt.Errorf("the vault answered with another certificate (thumbprint %s)", imported.Thumbprint))
			}
			return imported, nil
		}
		err = a.failed(err)
		if try == importTries || !c.worthAnotherImport(ctx, name, err) {
			return VaultCertificate{}, err
		}
	}
}

// usableAs tells that nothing needs to be imported.
func (v VaultCertificate) usableAs(bundle *pki.Bundle) bool {
	return v.Leaf != nil && v.Leaf.Equal(bundle.Leaf) && v.Enabled && v.Exportable && !v.HSM && strings.EqualFold(v.ContentType, pfxType)
}

// existing reads the newest version of a certificate and makes the parameters
// keep its policy and its tags. One that is deleted is recovered.
func (c *VaultClient) existing(ctx context.Context, name string, parameters *azcertificates.ImportCertificateParameters) (VaultCertificate, error) {
	a := c.attempt("read certificate", name, needImport)
	response, err := c.certificates.GetCertificate(ctx, name, "", nil)
	if err != nil {
		if err = a.failed(err); !IsNotFound(err) {
			return VaultCertificate{}, err
		}
		_, deleted, err := c.Deleted(ctx, name)
		if err != nil && !IsForbidden(err) { // who may not look meets it at the import
			return VaultCertificate{}, err
		}
		if !deleted {
			return VaultCertificate{}, nil
		}
		if err := c.recover(ctx, name); err != nil {
			return VaultCertificate{}, err
		}
		if response, err = c.certificates.GetCertificate(ctx, name, "", nil); err != nil {
			return VaultCertificate{}, a.failed(err)
		}
	}
	parameters.Tags = maps.Clone(response.Tags)
	keepPolicy(parameters.CertificatePolicy, response.Policy)
	newest := c.fromBundle(response.Certificate)
	if !newest.Enabled {
		return c.Certificate(ctx, name, "")
	}
	return newest, nil
}

// importOnce sends an import exactly once, whatever the answer.
func (c *VaultClient) importOnce(ctx context.Context, name string, parameters azcertificates.ImportCertificateParameters) (azcertificates.ImportCertificateResponse, error) {
	once := policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1})
	return c.certificates.ImportCertificate(once, name, parameters, nil)
}

// worthAnotherImport decides after a failed import whether to look and try
// again, and does what must come before.
func (c *VaultClient) worthAnotherImport(ctx context.Context, name string, err error) bool {
	var e *Error
	switch {
	case !errors.As(err, &e) || ctx.Err() != nil || e.RetryAfter > longestWait:
		return false
	case HasCode(err, "ObjectIsDeletedButRecoverable"):
		return c.recover(ctx, name) == nil
	case Uncertain(err), IsThrottled(err), HasCode(err, "ObjectIsBeingDeleted", "ObjectIsBeingRecovered"):
		return pause(ctx, max(e.RetryAfter, recoverWait)) == nil
	}
	return false
}

// recover brings a deleted certificate back and waits until it is there.
func (c *VaultClient) recover(ctx context.Context, name string) error {
	a := c.attempt("recover deleted certificate", name, needImport)
	a.write = true
	if _, err := c.certificates.RecoverDeletedCertificate(ctx, name, nil); err != nil {
		return a.failed(err)
	}
	for range recoverLooks {
		_, err := c.bundle(ctx, name, "")
		if err == nil || !IsNotFound(err) {
			return err
		}
		if err := pause(ctx, recoverWait); err != nil {
			return a.failed(err)
		}
	}
	return a.failed(errors.New("the vault has accepted the recovery, and the certificate is not back yet"))
}

// SetEnabled enables or disables one version of a certificate or of a secret;
// its tags and dates stay.
func (c *VaultClient) SetEnabled(ctx context.Context, name, version string, enabled bool) error {
	operation := map[bool]string{true: "enable", false: "disable"}[enabled]
	a := c.attempt(operation, nameAndVersion(name, version), needImport)
	a.write = true
	if version == "" {
		a.write = false
		return a.failed(errors.New("no version was named"))
	}
	_, err := c.certificates.UpdateCertificate(ctx, name, version, azcertificates.UpdateCertificateParameters{
		CertificateAttributes: &azcertificates.CertificateAttributes{Enabled: &enabled},
	}, nil)
	if err = a.failed(err); !IsNotFound(err) {
		return err
	}
	a.need = needSecret
	_, err = c.secrets.UpdateSecretProperties(ctx, name, version, azsecrets.UpdateSecretPropertiesParameters{
		SecretAttributes: &azsecrets.SecretAttributes{Enabled: &enabled},
	}, nil)
	return a.failed(err)
}

// importParameters is a bundle as an import takes it, with the policy of a
// certificate that Key Vault does not renew by itself.
func importParameters(bundle *pki.Bundle) (azcertificates.ImportCertificateParameters, error) {
	data, password, err := pki.WritePFX(bundle, pki.ForKeyVault)
	if err != nil {
		return azcertificates.ImportCertificateParameters{}, err
	}
	key := &azcertificates.KeyProperties{Exportable: new(true), ReuseKey: new(false)}
	switch public := bundle.Leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		key.KeyType, key.KeySize = new(azcertificates.KeyTypeRSA), new(int32(public.N.BitLen()))
	case *ecdsa.PublicKey:
		key.KeyType, key.Curve = new(azcertificates.KeyTypeEC), new(azcertificates.CurveName(public.Curve.Params().Name))
	}
	return azcertificates.ImportCertificateParameters{
		Base64EncodedCertificate: new(base64.StdEncoding.EncodeToString(data)),
		Password:                 new(password.Reveal()),
		CertificateAttributes:    &azcertificates.CertificateAttributes{Enabled: new(true)},
		CertificatePolicy: &azcertificates.CertificatePolicy{
			KeyProperties:    key,
			SecretProperties: &azcertificates.SecretProperties{ContentType: new(pfxType)},
			IssuerParameters: &azcertificates.IssuerParameters{Name: new("Unknown")},
		},
	}, nil
}

// keepPolicy takes over what somebody decided for the certificate. Key and
// content type are those of the file.
func keepPolicy(policy, old *azcertificates.CertificatePolicy) {
	if old == nil {
		return
	}
	if old.KeyProperties != nil && old.KeyProperties.ReuseKey != nil {
		policy.KeyProperties.ReuseKey = old.KeyProperties.ReuseKey
	}
	if old.IssuerParameters != nil {
		policy.IssuerParameters = old.IssuerParameters
	}
	policy.LifetimeActions = old.LifetimeActions
	policy.X509CertificateProperties = old.X509CertificateProperties
}
