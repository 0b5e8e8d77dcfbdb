package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// fillVaults offers the vaults, or what is in the chosen one. sent tells that
// another page was written instead.
func (s *Server) fillVaults(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal, page *certificatePage) (sent bool, err error) {
	if page.Vault == "" {
		all, sent, err := seen(s, w, r, renewal, "vaults", "Looking for Key Vaults", func(ctx context.Context, session *app.Session) ([]app.VaultValue, error) {
			return session.VaultValues(ctx)
		})
		page.Vaults = &vaultList{}
		for _, v := range all {
			o := vaultOption(v, page.From)
			page.Vaults.List = append(page.Vaults.List, o)
			page.Vaults.Open = page.Vaults.Open || o.Refused == ""
		}
		if len(all) == 0 {
			page.Vaults.Said = []string{"No vault was found in what this sign-in may see."}
		}
		return sent, err
	}
	page.Vaults = &vaultList{}
	renewal.Lock()
	var d deployment.Deployment // none, where a file is only put into a vault
	if renewal.Deployment != nil {
		d = *renewal.Deployment
	}
	by := renewalOf(renewal)
	renewal.Unlock()
	if page.Certificate != "" {
		return s.fillVersions(w, r, renewal, page, d, by)
	}
	found, sent, err := seen(s, w, r, renewal, "vault "+page.Vault, "Looking into the vault "+page.Vault, func(ctx context.Context, session *app.Session) (app.VaultCertificatesValue, error) {
		client, err := session.Vault(page.Vault)
		if err != nil {
			return app.VaultCertificatesValue{}, err
		}
		return session.VaultCertificates(ctx, client, session.CriteriaOf(d, by, session.Roots))
	})
	if err != nil {
		f := app.Explain(err)
		page.VaultTyped, page.Vault, page.VaultError = page.Vault, "", pages.Sentences(f.Message, f.Hint)
		return s.fillVaults(w, r, renewal, page)
	}
	for _, v := range found.Certificates {
		if page.From == wizard.Create && v.Kind != cloud.VaultKindCertificate {
			continue
		}
		page.InVault = append(page.InVault, s.certificateOption(v))
	}
	return sent, nil
}

// versionsFound are the versions of a certificate in a vault, and which is the newest.
type versionsFound struct {
	app.VaultCertificatesValue
	newest string
}

// fillVersions offers the versions of the chosen certificate: the newest, always,
// and each of them for ever.
func (s *Server) fillVersions(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal, page *certificatePage, d deployment.Deployment, by app.Renewal) (sent bool, err error) {
	if !cloud.IsVaultName(page.Certificate) {
		return false, notFound("That is no name of a certificate in a Key Vault.")
	}
	found, sent, err := seen(s, w, r, renewal, "vault "+page.Vault+" "+page.Certificate, "Looking at the versions of "+page.Certificate, func(ctx context.Context, session *app.Session) (versionsFound, error) {
		client, err := session.Vault(page.Vault)
		if err != nil {
			return versionsFound{}, err
		}
		value, newest, err := session.VaultVersions(ctx, client, page.Certificate, session.CriteriaOf(d, by, session.Roots))
		return versionsFound{value, newest}, err
	})
	if sent || err != nil {
		return sent, err
	}
	renewal.Lock()
	chosen := renewal.Chosen
	renewal.Unlock()
	kept := ""
	if chosen.Vault == page.Vault && chosen.Name == page.Certificate {
		kept = chosen.Version
	}
	page.Versions = []option{{Text: "Always the newest version", Hint: "Recommended: when it is renewed in the vault, the gateway takes it by itself.", Chosen: kept == ""}}
	for _, v := range found.Certificates {
		o := s.certificateOption(v)
		o.Value, o.Text, o.Chosen = v.Version, "Only version "+v.Version, kept == v.Version
		if v.Certificate == nil && v.NotAfter != nil { // of older ones the vault's list is all that is known
			o.Hint = "until " + pages.Day(*v.NotAfter)
		}
		if v.Created != nil {
			o.Hint += " · made on " + pages.Day(*v.Created)
		}
		if v.Version == found.newest {
			o.Hint = "the newest now · " + o.Hint
		}
		page.Versions = append(page.Versions, o)
	}
	return false, nil
}

// vaultOption is a vault to choose, with why it cannot be.
func vaultOption(v app.VaultValue, from wizard.Source) option {
	o := option{Value: v.Name, Text: v.Name, Hint: together(v.ResourceGroup, v.SubscriptionName)}
	switch c := v.Certificates; {
	case v.Unread != nil:
		o.Refused = "It could not be looked into: " + pages.Sentences(v.Unread.Message, v.Unread.Hint)
	case c != nil:
		o.Hint += fmt.Sprintf(" · %d usable of %d", c.Usable, c.Usable+c.Unusable)
		if c.Unopened > 0 {
			o.Hint += fmt.Sprintf(" · %d in plain secrets", c.Unopened)
		}
		if from == wizard.FromVault && c.Usable+c.Unopened == 0 {
			o.Refused = "It holds no certificate that a gateway can use."
		}
	}
	return o
}

// certificateOption is a certificate in a vault to choose, with why it cannot be.
func (s *Server) certificateOption(v app.VaultCertificateValue) option {
	o := option{Value: v.Name, Text: v.Name}
	if why := v.WhyNot(); why != "" {
		o.Refused = "Cannot be used: " + why
	}
	if v.Certificate == nil {
		o.Hint = "kept as " + string(v.Kind) + " and not opened: what it holds shows in the review"
		return o
	}
	days := pki.DaysUntil(v.Certificate.NotAfter, s.options.App.Now())
	o.Badge = &pages.Badge{Kind: pages.UrgencyOf(days), Text: pages.Days(days)}
	o.Hint = strings.Join(few(v.Certificate.Names, 4), ", ") + " · until " + pages.Day(v.Certificate.NotAfter) + " · kept as " + string(v.Kind)
	return o
}
