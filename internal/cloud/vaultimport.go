package cloud

import (
	"context"
	"errors"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"

	"github.com/cartouche-gis/cartouche/internal/pause"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// importTries is how often an import is sent at most: each time after it was
// seen that the one before did not arrive.
const importTries = 3

// Import makes a bundle the newest version of a certificate, which is made when
// there is none, and recovered first when there is a deleted one. Policy and
// tags of an existing certificate are kept, except that the key must be
// exportable and the content type that of a .pfx, or no gateway could use it.
// Where the name is that of a plain secret, it becomes a new version of that.
//
// It is convergent: when the newest enabled version is this very certificate
// and usable, that version is given back and nothing is imported. azcore does
// not repeat an import, because each one makes a version; after a lost answer
// the vault is looked at before anything is sent again.
func (c *VaultClient) Import(ctx context.Context, name string, bundle *pki.Bundle) (VaultCertificate, error) {
	a := c.attempt("import certificate", clean(name, 200), needImport)
	if !IsVaultName(name) {
		return VaultCertificate{}, a.failed(errors.New("a name in Key Vault has 1 to 127 letters, digits and hyphens"))
	}
	var past earlier
	for try := 1; ; try++ {
		there, err := c.existing(ctx, name, &past)
		if err != nil {
			return VaultCertificate{}, past.told(err)
		}
		if there.newest.usableAs(bundle) {
			return there.newest, nil
		}
		imported, err := c.importOnce(ctx, name, there, bundle)
		if err == nil || try == importTries || !c.worthAnotherImport(ctx, name, err, &past) {
			return imported, past.told(err)
		}
	}
}

// earlier is what an import may have changed before it failed.
type earlier struct {
	sent      bool // a try whose end is not known
	recovered bool
}

// told makes an error say what came before it.
func (p earlier) told(err error) error {
	var e *Error
	if !errors.As(err, &e) || !p.sent && !p.recovered {
		return err
	}
	e.MayHaveTakenEffect = true
	if p.recovered {
		e.Message = strings.TrimPrefix(e.Message+"; the certificate was deleted before, and its recovery was begun", "; ")
	}
	return e
}

// usableAs tells that nothing needs to be imported.
func (v VaultCertificate) usableAs(bundle *pki.Bundle) bool {
	return v.Leaf != nil && v.Leaf.Equal(bundle.Leaf) && v.Enabled && v.Exportable && !v.HSM && strings.EqualFold(v.ContentType, pfxType)
}

// existing is what an import meets under its name; the zero value is nothing.
type existing struct {
	newest VaultCertificate // that is enabled, if any is
	// policy and tags are those of the newest version of all.
	policy *azcertificates.CertificatePolicy
	tags   map[string]*string
}

// existing reads the newest version. A certificate that is deleted is recovered.
func (c *VaultClient) existing(ctx context.Context, name string, past *earlier) (existing, error) {
	a := c.attempt("read certificate", name, needImport)
	response, err := c.certificates.GetCertificate(ctx, name, "", nil)
	if err = a.failed(err); IsNotFound(err) {
		var deleted bool
		deleted, err = c.recoverDeleted(ctx, name, past)
		if err == nil && !deleted {
			return c.existingSecret(ctx, name)
		}
		if err == nil {
			response, err = c.certificates.GetCertificate(ctx, name, "", nil)
			err = a.failed(err)
		}
	}
	if err != nil {
		return existing{}, err
	}
	there := existing{newest: c.fromBundle(response.Certificate), policy: response.Policy, tags: response.Tags}
	if !there.newest.Enabled {
		there.newest, err = c.Certificate(ctx, name, "")
	}
	return there, err
}

// existingSecret looks for a plain secret. Who may not see secrets meets one at
// the import.
func (c *VaultClient) existingSecret(ctx context.Context, name string) (existing, error) {
	versions, err := c.secretVersions(ctx, name)
	if len(versions) == 0 || err != nil {
		if IsNotFound(err) || IsForbidden(err) {
			err = nil
		}
		return existing{}, err
	}
	newestFirst(versions)
	there := existing{tags: map[string]*string{}}
	for key, text := range versions[0].Tags {
		there.tags[key] = &text
	}
	there.newest, err = c.secretCertificate(ctx, name, "")
	if isDisabled(err) {
		there.newest, err = versions[0], nil
	}
	return there, err
}

// worthAnotherImport decides after a failed import whether to look and try
// again, and does what must come before.
func (c *VaultClient) worthAnotherImport(ctx context.Context, name string, err error, past *earlier) bool {
	past.sent = past.sent || Uncertain(err)
	var e *Error
	switch {
	case !errors.As(err, &e) || ctx.Err() != nil || e.RetryAfter > longestWait:
		return false
	case HasCode(err, "ObjectIsDeletedButRecoverable"):
		return c.recover(ctx, name, past) == nil
	case Uncertain(err), IsThrottled(err), HasCode(err, "ObjectIsBeingDeleted", "ObjectIsBeingRecovered"):
		return pause.For(ctx, max(e.RetryAfter, recoverWait)) == nil
	}
	return false
}
