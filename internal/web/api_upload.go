package web

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// uploadFields are of putting a file into a Key Vault.
var uploadFields = []string{"pfx", "password", "for", "roots", "assume-trusted"}

// namedInVault is the name of the address.
func (c *call) namedInVault() (string, error) {
	name := c.r.PathValue("certificate")
	if !cloud.IsVaultName(name) {
		return "", app.Usage("", "%q is no name in a Key Vault: 1 to 127 letters, digits and hyphens", name)
	}
	return name, nil
}

// upload makes a file the newest version of a certificate in a vault.
func (c *call) upload() (any, error) {
	name, err := c.namedInVault()
	if err != nil {
		return nil, err
	}
	trusted, err := c.form.yes("assume-trusted")
	if err != nil {
		return nil, err
	}
	roots, err := c.form.authorities("roots")
	if err != nil {
		return nil, err
	}
	bundle, _, err := c.form.pfx()
	if err != nil {
		return nil, err
	}
	if bundle == nil {
		return nil, app.Usage("curl --form pfx=@FILE", "say which file: pfx")
	}
	session, err := c.signedIn()
	if err != nil {
		return nil, err
	}
	client, err := session.Vault(c.r.PathValue("vault"))
	if err != nil {
		return nil, err
	}
	criteria, err := session.Criteria(c.r.Context(), c.form.value("for"), session.Roots.With(roots...))
	if err != nil {
		return nil, err
	}
	criteria.AssumeTrusted = trusted
	ready, err := session.PrepareUpload(c.r.Context(), client, name, bundle, criteria)
	if err != nil {
		return nil, err
	}
	return c.doneByServer(work.Job{Kind: uploadKind, Title: "Putting " + ready.Name + " into the vault " + ready.Value.Vault}, func(ctx context.Context, wk *work.Work) (any, error) {
		value, err := ready.As(wk).Carry(ctx)
		c.renewals.LookAgain()
		return value, err
	})
}

// doneByServer is for a change that must not be left in the middle when nobody waits
// for it any more: it is work of the server. The answer comes at its end.
func (c *call) doneByServer(job work.Job, do func(context.Context, *work.Work) (any, error)) (any, error) {
	c.kept = true
	session := c.session
	going := c.book.Start(job, func(ctx context.Context, wk *work.Work) (any, error) {
		if session != nil {
			defer session.Close(context.WithoutCancel(ctx))
		}
		return do(ctx, wk)
	})
	for {
		changed := going.Changed()
		if going.Ended() {
			return going.Result()
		}
		select {
		case <-changed:
		case <-c.r.Context().Done():
			return nil, c.r.Context().Err()
		}
	}
}
