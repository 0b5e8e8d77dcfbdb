package cloud

import (
	"crypto/x509"
	"encoding/hex"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

// The functions below make our values of the SDK's, all of whose fields may be
// missing.

func (c *VaultClient) fromProperties(list []*azcertificates.CertificateProperties) []VaultCertificate {
	var found []VaultCertificate
	for _, item := range list {
		if item == nil {
			continue
		}
		v := c.named((*string)(item.ID), VaultKindCertificate, item.Tags)
		if v.Name == "" {
			continue // no identifier, no certificate
		}
		v.Thumbprint = strings.ToUpper(hex.EncodeToString(item.X509Thumbprint))
		v.certificateAttributes(item.Attributes)
		found = append(found, v)
	}
	return found
}

func (c *VaultClient) fromSecrets(list []*azsecrets.SecretProperties) []VaultCertificate {
	var found []VaultCertificate
	for _, item := range list {
		// The secret of a certificate is managed by Key Vault.
		if item == nil || value(item.Managed) {
			continue
		}
		if v := c.fromSecret(*item); v.Name != "" {
			found = append(found, v)
		}
	}
	return found
}

func (c *VaultClient) fromSecret(item azsecrets.SecretProperties) VaultCertificate {
	v := c.named((*string)(item.ID), VaultKindSecret, item.Tags)
	v.ContentType = clean(value(item.ContentType), 200)
	if a := item.Attributes; a != nil {
		v.Enabled = value(a.Enabled)
		v.NotBefore, v.NotAfter, v.Created, v.Updated = moment(a.NotBefore), moment(a.Expires), moment(a.Created), moment(a.Updated)
	}
	return v
}

func (c *VaultClient) fromBundle(bundle azcertificates.Certificate) VaultCertificate {
	v := c.named((*string)(bundle.ID), VaultKindCertificate, bundle.Tags)
	v.Thumbprint = strings.ToUpper(hex.EncodeToString(bundle.X509Thumbprint))
	v.certificateAttributes(bundle.Attributes)
	v.ContentType = clean(value(bundle.ContentType), 200)
	if policy := bundle.Policy; policy != nil {
		if policy.SecretProperties != nil && v.ContentType == "" {
			v.ContentType = clean(value(policy.SecretProperties.ContentType), 200)
		}
		if key := policy.KeyProperties; key != nil {
			v.Exportable = value(key.Exportable)
			v.KeyType = clean(string(value(key.KeyType)), 50)
			v.HSM = strings.HasSuffix(strings.ToUpper(v.KeyType), "-HSM")
		}
	}
	if leaf, err := x509.ParseCertificate(bundle.CER); err == nil {
		v.fill(leaf)
	}
	return v
}

// named begins with what the identifier says. The host in it is not believed.
func (c *VaultClient) named(id *string, kind VaultKind, tags map[string]*string) VaultCertificate {
	v := VaultCertificate{Kind: kind, Tags: map[string]string{}}
	if _, name, version, err := SplitSecretID(value(id)); err == nil {
		v.Name, v.Version = name, version
		v.SecretID = strings.TrimSuffix(c.uri+"/secrets/"+name+"/"+version, "/")
	}
	for name, text := range tags {
		v.Tags[name] = value(text)
	}
	return v
}

func (v *VaultCertificate) certificateAttributes(a *azcertificates.CertificateAttributes) {
	if a == nil {
		return
	}
	v.Enabled = value(a.Enabled)
	v.NotBefore, v.NotAfter, v.Created, v.Updated = moment(a.NotBefore), moment(a.Expires), moment(a.Created), moment(a.Updated)
}

// fill takes over what the certificate itself says.
func (v *VaultCertificate) fill(leaf *x509.Certificate) {
	v.Leaf, v.NotBefore, v.NotAfter, v.Thumbprint = leaf, pki.UTC(leaf.NotBefore), pki.UTC(leaf.NotAfter), pki.Thumbprint(leaf)
	if v.KeyType == "" {
		v.KeyType, _, _ = strings.Cut(pki.Describe(leaf).KeyAlgorithm, " ")
	}
}

// moment is a time of the SDK, which makes one of any number of seconds.
func moment(at *time.Time) time.Time { return pki.UTC(value(at)) }

// value is what a pointer of the SDK points to, or nothing.
func value[T any](pointer *T) T {
	if pointer == nil {
		var none T
		return none
	}
	return *pointer
}
