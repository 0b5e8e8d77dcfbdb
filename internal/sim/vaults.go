package sim

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/vault"
)

// openVaults listens under the names of the vaults, once in each net, so that
// their firewalls can tell the two doors apart.
func (w *World) openVaults() error {
	w.vault = vault.New(vault.Options{
		Ground: w.ground, Suffix: w.cloud.VaultSuffix, Login: w.cloud.Login, Issuer: w.cloud.Issuer, Verify: w.entra.Verify,
		Document:   func(name string) (map[string]any, bool) { return w.manager.Named(vaultKind, name) },
		AllowsData: w.manager.AllowsData, Guesses: w.options.Guesses.Vaults, PageSize: w.options.PageSize,
	})
	outside, inside := w.server(w.vault.From(vault.Outside)), w.server(w.vault.From(vault.Inside))
	w.vaultServers = []*http.Server{outside, inside}
	for _, server := range w.vaultServers {
		server.TLSConfig = w.authority.ServerConfig()
	}
	for _, v := range w.layout.Vaults {
		w.vault.Add(v.Name)
		host := w.vault.Host(v.Name)
		public, err := w.ground.Outside.Listen(host, 443)
		if err != nil {
			return err
		}
		go func() { _ = outside.ServeTLS(public, "", "") }()
		private, err := w.ground.Inside.Listen(host, 443)
		if err != nil {
			return err
		}
		go func() { _ = inside.ServeTLS(private, "", "") }()
	}
	return nil
}

// Vault is the data plane of the world's vaults: to change what is in them
// behind a client's back.
func (w *World) Vault() *vault.Server { return w.vault }

// fetch is how gateways read the vaults, which are opened after the manager.
func (w *World) fetch(ctx context.Context, principal, id string, newest bool) (tls.Certificate, error) {
	return w.vault.Fetch(ctx, principal, id, newest)
}

// issueVaults makes the certificates that vaults have from the beginning.
func (w *World) issueVaults() error {
	now := w.ground.Clock.Now()
	w.vaultIssued = map[*vaultEntry]*authority.Issued{}
	for i := range w.layout.Vaults {
		for j := range w.layout.Vaults[i].Certificates {
			entry := &w.layout.Vaults[i].Certificates[j]
			if len(entry.Chain) > 0 {
				issued, err := w.pair(entry.Chain)
				if err != nil {
					return fmt.Errorf("vault %s: %s: %w", w.layout.Vaults[i].Name, entry.Name, err)
				}
				w.vaultIssued[entry] = issued
				continue
			}
			p, err := w.placeOf(entry.For)
			if err != nil {
				return fmt.Errorf("vault %s: %s: %w", w.layout.Vaults[i].Name, entry.Name, err)
			}
			spec := authority.Spec{Names: entry.Names, Key: entry.Key, Via: w.issuer(p.deployment)}
			if spec.Names == nil {
				spec.Names = p.certificateNames()
			}
			if spec.Key == "" {
				spec.Key = "p256"
			}
			days := entry.Days
			if days == 0 {
				days = 300
			}
			spec.NotAfter = now.AddDate(0, 0, days).Add(time.Hour)
			switch {
			case days < 0:
				spec.NotBefore = spec.NotAfter.AddDate(-1, 0, 0)
			case !entry.Later:
				spec.NotBefore = now.AddDate(0, 0, -31) // a day before it came into the vault
			}
			issued, err := w.authority.Issue(spec)
			if err != nil {
				return fmt.Errorf("vault %s: %s: %w", w.layout.Vaults[i].Name, entry.Name, err)
			}
			w.vaultIssued[entry] = issued
		}
	}
	return nil
}

// placeOf is a deployment by its prefix; "" is the first.
func (w *World) placeOf(prefix string) (place, error) {
	for _, p := range w.places {
		if prefix == "" || p.Prefix == prefix {
			return p, nil
		}
	}
	return place{}, fmt.Errorf("there is no deployment %q", prefix)
}

// addVaults adds identities and vaults, and what is in these but for what comes
// later. current are the certificates that the deployments serve.
func (w *World) addVaults(current []*authority.Issued) error {
	for _, identity := range w.layout.Identities {
		if err := w.addIdentity(identity); err != nil {
			return err
		}
	}
	for i := range w.layout.Vaults {
		if err := w.addVault(&w.layout.Vaults[i]); err != nil {
			return err
		}
	}
	// What the deployments serve is older than what else the vaults have.
	for i, p := range w.places {
		if p.Certificate == nil {
			continue
		}
		seed := vault.Seed{Pair: current[i].TLS(), Created: w.ground.Clock.Now().AddDate(-1, 0, 0)}
		if _, err := w.vault.Put(p.Certificate.Vault, p.Certificate.Name, seed); err != nil {
			return err
		}
	}
	return w.fillVaults(false)
}

// fillVaults puts the entries in that are there from the beginning, or those
// that came later.
func (w *World) fillVaults(later bool) error {
	created := w.ground.Clock.Now().AddDate(0, 0, -30)
	if later {
		created = w.ground.Clock.Now()
	}
	for i := range w.layout.Vaults {
		v := &w.layout.Vaults[i]
		for j := range v.Certificates {
			entry := &v.Certificates[j]
			if entry.Later != later {
				continue
			}
			issued, created := w.vaultIssued[entry], created
			if entry.Age > 0 && !later {
				created = w.ground.Clock.Now().AddDate(0, 0, -entry.Age)
			}
			seed := vault.Seed{Pair: issued.TLS(), PEM: entry.PEM, NotExportable: entry.NotExportable, Disabled: entry.Disabled, Tags: entry.Tags, Created: created}
			if entry.Secret {
				file, err := issued.PFX("")
				if err != nil {
					return err
				}
				seed.Value, seed.ContentType = base64.StdEncoding.EncodeToString(file), "application/x-pkcs12"
			}
			if _, err := w.vault.Put(v.Name, entry.Name, seed); err != nil {
				return err
			}
			if entry.Deleted {
				w.vault.Delete(v.Name, entry.Name)
			}
		}
	}
	return nil
}
