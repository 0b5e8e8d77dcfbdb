package cloud

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pause"
)

const (
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

// recoverDeleted brings a deleted certificate back if there is one. Who may not
// look meets it at the import.
func (c *VaultClient) recoverDeleted(ctx context.Context, name string, past *earlier) (bool, error) {
	_, deleted, err := c.Deleted(ctx, name)
	if IsForbidden(err) {
		return false, nil
	}
	if err != nil || !deleted {
		return false, err
	}
	return true, c.recover(ctx, name, past)
}

// recover brings a deleted certificate back and waits until it is there.
func (c *VaultClient) recover(ctx context.Context, name string, past *earlier) error {
	a := c.attempt("recover deleted certificate", name, needImport)
	a.write = true
	_, err := c.certificates.RecoverDeletedCertificate(ctx, name, nil)
	err = a.failed(err)
	past.recovered = past.recovered || err == nil || Uncertain(err)
	if err != nil {
		return err
	}
	for range recoverLooks {
		_, err := c.bundle(ctx, name, "")
		if err == nil || !IsNotFound(err) {
			return err
		}
		if err := pause.For(ctx, recoverWait); err != nil {
			return a.failed(err)
		}
	}
	return a.failed(errors.New("the vault has accepted the recovery, and the certificate is not back yet"))
}
