package cloud

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// Certificates lists the newest version of each certificate, and of each .pfx
// that is kept as a plain secret, by name. Certificates are read one by one for
// what a list does not tell; secrets are not opened, because that reads the
// key. When only the secrets cannot be listed, the certificates come together
// with that error.
func (c *VaultClient) Certificates(ctx context.Context) ([]VaultCertificate, error) {
	pager := c.certificates.NewListCertificatePropertiesPager(&azcertificates.ListCertificatePropertiesOptions{IncludePending: new(true)})
	listed, err := pages(ctx, pager, c.attempt("list certificates", "", needList), func(page azcertificates.ListCertificatePropertiesResponse) []VaultCertificate {
		return c.fromProperties(page.Value)
	})
	if err != nil {
		return nil, err
	}
	c.readEach(ctx, listed)
	if ctx.Err() != nil {
		return nil, c.attempt("list certificates", "", needList).failed(ctx.Err())
	}
	secrets, err := pages(ctx, c.secrets.NewListSecretPropertiesPager(nil), c.attempt("list secrets", "", needSecrets), func(page azsecrets.ListSecretPropertiesResponse) []VaultCertificate {
		return slices.DeleteFunc(c.fromSecrets(page.Value), func(v VaultCertificate) bool { return v.ContentType != pfxType })
	})
	all := append(listed, secrets...)
	slices.SortFunc(all, func(a, b VaultCertificate) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}

// readEach reads the newest version of what was listed, side by side. One that
// cannot be read stays as it was listed and says why.
func (c *VaultClient) readEach(ctx context.Context, listed []VaultCertificate) {
	var reads errgroup.Group
	reads.SetLimit(vaultParallel)
	for i := range listed {
		reads.Go(func() error {
			read, err := c.bundle(ctx, listed[i].Name, "")
			if err != nil {
				listed[i].Unread = err.Error()
				return nil
			}
			listed[i] = read
			return nil
		})
	}
	_ = reads.Wait() // failures are in Unread
}

// Versions lists all versions of a certificate, or of a secret with that name,
// newest first, as a list tells them.
func (c *VaultClient) Versions(ctx context.Context, name string) ([]VaultCertificate, error) {
	a := c.attempt("list versions", name, needList)
	versions, err := pages(ctx, c.certificates.NewListCertificatePropertiesVersionsPager(name, nil), a, func(page azcertificates.ListCertificatePropertiesVersionsResponse) []VaultCertificate {
		return c.fromProperties(page.Value)
	})
	if IsNotFound(err) || err == nil && len(versions) == 0 {
		var secretErr error
		versions, secretErr = c.secretVersions(ctx, name)
		if secretErr == nil && len(versions) == 0 || IsForbidden(secretErr) {
			return nil, c.notFound(ctx, a, name, secretErr)
		}
		err = secretErr
	}
	if err != nil {
		return nil, err
	}
	newestFirst(versions)
	return versions, nil
}

func (c *VaultClient) secretVersions(ctx context.Context, name string) ([]VaultCertificate, error) {
	a := c.attempt("list versions of secret", name, needSecrets)
	return pages(ctx, c.secrets.NewListSecretPropertiesVersionsPager(name, nil), a, func(page azsecrets.ListSecretPropertiesVersionsResponse) []VaultCertificate {
		return c.fromSecrets(page.Value)
	})
}

// newestFirst orders by the moment at which a version was made. Key Vault
// counts in whole seconds; equals keep the order of the list.
func newestFirst(versions []VaultCertificate) {
	slices.SortStableFunc(versions, func(a, b VaultCertificate) int { return b.Created.Compare(a.Created) })
}

// Certificate reads one version, "" meaning the newest that is enabled (the
// newest of all when none is). Of a certificate the key is never read; a plain
// secret is opened, which does read it, and is forgotten except for what is
// public.
func (c *VaultClient) Certificate(ctx context.Context, name, version string) (VaultCertificate, error) {
	found, err := c.bundle(ctx, name, version)
	switch {
	case IsNotFound(err):
		found, err := c.secretCertificate(ctx, name, version)
		if IsNotFound(err) || IsForbidden(err) && !isDisabled(err) && !c.isSecret(ctx, name) {
			err = c.notFound(ctx, c.attempt("read certificate", nameAndVersion(name, version), needList), name, err)
		}
		return found, err
	case err == nil && (found.Enabled || version != ""):
		return found, nil
	case err != nil && (version != "" || !isDisabled(err)):
		return VaultCertificate{}, err
	}
	// Whether a vault answers with its newest version or with its newest
	// enabled one is not documented.
	enabled, listErr := c.newestEnabled(ctx, name)
	if listErr != nil {
		return VaultCertificate{}, listErr
	}
	if enabled == "" {
		return found, err
	}
	return c.bundle(ctx, name, enabled)
}

// newestEnabled is the version, "" when none is enabled.
func (c *VaultClient) newestEnabled(ctx context.Context, name string) (string, error) {
	versions, err := c.Versions(ctx, name)
	for _, v := range versions {
		if v.Enabled {
			return v.Version, err
		}
	}
	return "", err
}

// bundle reads one version of a certificate; "" is what the vault gives then.
func (c *VaultClient) bundle(ctx context.Context, name, version string) (VaultCertificate, error) {
	a := c.attempt("read certificate", nameAndVersion(name, version), needList)
	response, err := c.certificates.GetCertificate(ctx, name, version, nil)
	if err != nil {
		return VaultCertificate{}, a.failed(err)
	}
	return c.fromBundle(response.Certificate), nil
}

// PFX reads the key: the .pfx of a certificate or of a plain secret, "" meaning
// the newest enabled version. The caller must need it. A secret that is no .pfx
// without a password is a *pki.DefectError.
func (c *VaultClient) PFX(ctx context.Context, name, version string) (*pki.Bundle, error) {
	_, bundle, err := c.openEnabled(ctx, name, version)
	return bundle, err
}

// secretCertificate opens a plain secret for what is public in it.
func (c *VaultClient) secretCertificate(ctx context.Context, name, version string) (VaultCertificate, error) {
	found, bundle, err := c.openEnabled(ctx, name, version)
	if defect, ok := errors.AsType[*pki.DefectError](err); ok {
		found.Unread = defect.Sentence
		return found, nil
	}
	if err != nil {
		return VaultCertificate{}, err
	}
	found.fill(bundle.Leaf)
	return found, nil
}

func (c *VaultClient) openEnabled(ctx context.Context, name, version string) (VaultCertificate, *pki.Bundle, error) {
	found, bundle, err := c.open(ctx, name, version)
	if version != "" || !isDisabled(err) {
		return found, bundle, err
	}
	enabled, listErr := c.newestEnabled(ctx, name)
	if listErr != nil || enabled == "" {
		return VaultCertificate{}, nil, cmp.Or(listErr, err)
	}
	return c.open(ctx, name, enabled)
}

// open reads a secret and what is in it.
func (c *VaultClient) open(ctx context.Context, name, version string) (VaultCertificate, *pki.Bundle, error) {
	a := c.attempt("read secret", nameAndVersion(name, version), needKey)
	response, err := c.secrets.GetSecret(ctx, name, version, nil)
	if err != nil {
		return VaultCertificate{}, nil, a.failed(err)
	}
	found := c.fromSecret(azsecrets.SecretProperties{
		ID: response.ID, Attributes: response.Attributes, ContentType: response.ContentType, Tags: response.Tags,
	})
	found.Exportable = true
	data, err := base64.StdEncoding.DecodeString(value(response.Value))
	if err != nil {
		data = []byte(value(response.Value)) // PEM, or no certificate at all
	}
	bundle, err := pki.ReadPFX(data, secret.Secret{})
	return found, bundle, err
}

// pages reads all pages of a list, within the bounds of every list.
func pages[P any](ctx context.Context, pager *runtime.Pager[P], a vaultAttempt, items func(P) []VaultCertificate) ([]VaultCertificate, error) {
	var all []VaultCertificate
	for n := 0; pager.More(); n++ {
		if n == maximumPages || len(all) > maximumItems {
			return nil, a.failed(fmt.Errorf("the list does not end (%d items)", len(all)))
		}
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, a.failed(err)
		}
		all = append(all, items(page)...)
	}
	return all, nil
}

// isDisabled tells that a version cannot be read because it is disabled.
func isDisabled(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusForbidden &&
		(HasCode(err, "SecretDisabled", "CertificateDisabled") || strings.Contains(strings.ToLower(errorTexts(e)), "disabled"))
}

// isSecret tells whether a plain secret of this name is seen in the list of
// secrets, for who may not read one.
func (c *VaultClient) isSecret(ctx context.Context, name string) bool {
	versions, err := c.secretVersions(ctx, name)
	return err == nil && len(versions) > 0
}

// notFound says whether the name is that of a deleted certificate. secret is
// what came of looking for a secret: who may work with certificates only is
// forbidden to, whether there is one or not.
func (c *VaultClient) notFound(ctx context.Context, a vaultAttempt, name string, secret error) *Error {
	e := a.newError()
	e.Status, e.Code = http.StatusNotFound, "CertificateNotFound"
	e.Message = "there is no certificate or secret with this name in the vault"
	if IsForbidden(secret) {
		e.Message = "there is no certificate with this name in the vault; whether there is a secret this sign-in may not see"
	}
	e.Hint = "cartouche certificates --vault " + c.name
	if deleted, is, _ := c.Deleted(ctx, name); is {
		e.Message = "the certificate was deleted on " + deleted.Deleted.UTC().Format(time.DateOnly) + " and can be recovered"
		e.Hint = fmt.Sprintf("az keyvault certificate recover --vault-name %s --name %s", c.name, clean(name, 127))
	}
	return e
}

func nameAndVersion(name, version string) string {
	if version == "" {
		return clean(name, 200)
	}
	return clean(name, 200) + " version " + clean(version, 200)
}
