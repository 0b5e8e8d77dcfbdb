package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// certificatesOptions are the flags of `certificates`.
type certificatesOptions struct {
	azure     azureFlags
	vault     string
	forWhat   string
	rootFiles []string
}

func newCertificatesCommand(a *program) *cobra.Command {
	var options certificatesOptions
	cmd := &cobra.Command{
		Use:     "certificates --vault VAULT [NAME]",
		GroupID: groupLook,
		Short:   "list what is in a Key Vault, and why a gateway cannot use it",
		Long: `Lists every certificate of a vault, and every .pfx that was stored there as a plain
secret: what it covers, how long it is valid, and whether a gateway can use it. With NAME
one of them is shown in full with all its versions.

No key is read, except that of a plain secret that is named: there is no other way to know
what is in it. What a certificate does not tell without its key, its chain above all, is
judged by what the certificate itself leads to.`,
		Example: `  cartouche certificates --vault entvault
  cartouche certificates --vault entvault --for gis.example.com
  cartouche certificates --vault https://entvault.vault.azure.net gis-2027 --json`,
		Args: atMostOneArgument,
	}
	flags := cmd.Flags()
	flags.StringVar(&options.vault, "vault", "", "name, address or resource id of the vault `VAULT`")
	flags.StringVar(&options.forWhat, "for", "", "judge by the names that this deployment serves `DEPLOYMENT`")
	flags.StringArrayVar(&options.rootFiles, "roots", nil, "more authorities to know (PEM, DER or PKCS#7), repeatable `FILE`")
	options.azure.add(flags)
	cmd.RunE = a.run(func(ctx context.Context, args []string) error {
		if options.vault == "" {
			return app.Usage("cartouche vaults", "say which vault: --vault VAULT")
		}
		if len(args) == 1 && !cloud.IsVaultName(args[0]) {
			return app.Usage("cartouche certificates --vault "+app.Quote(options.vault), "%q is no name in a Key Vault: 1 to 127 letters, digits and hyphens", args[0])
		}
		return a.certificates(ctx, options, args)
	})
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight, app.ExitInterrupted)
}

func (a *program) certificates(ctx context.Context, options certificatesOptions, args []string) error {
	session, err := a.connect(ctx, options.azure)
	if err != nil {
		return err
	}
	client, criteria, err := a.vaultFor(ctx, session, options.vault, options.forWhat, options.rootFiles)
	if err != nil {
		return err
	}
	value := app.VaultCertificatesValue{
		Vault: client.Name(), URI: client.URI(), Names: app.Filled(criteria.Names), Certificates: []app.VaultCertificateValue{},
	}
	a.ui.progress.Doing(rotation.PhaseObserve, "looking into vault "+client.Name())
	defer a.ui.progress.Done()
	if len(args) == 1 {
		return a.versions(ctx, session, client, args[0], criteria, value)
	}
	found, err := client.Certificates(ctx)
	switch {
	case err != nil && (len(found) == 0 || ctx.Err() != nil):
		return app.WhileServing(session.Instead(err), app.NothingChanged, "cartouche vaults")
	case err != nil:
		a.ui.warn("a .pfx that is kept as a plain secret is not listed: " + err.Error())
	}
	for _, v := range found {
		value.Certificates = append(value.Certificates, app.NewVaultCertificateValue(v, nil, criteria))
	}
	a.ui.progress.Done()
	if a.ui.json {
		return a.ui.value(value)
	}
	a.ui.vaultCertificateTable(value, a.env.Now())
	return nil
}

// versions shows one certificate in full, and all its versions.
func (a *program) versions(ctx context.Context, s *app.Session, client *cloud.VaultClient, name string, criteria pki.Criteria, value app.VaultCertificatesValue) error {
	newest, err := client.Certificate(ctx, name, "")
	if err != nil {
		return app.WhileServing(s.Instead(err), app.NothingChanged, "cartouche certificates --vault "+client.Name())
	}
	versions, err := client.Versions(ctx, name)
	switch {
	case ctx.Err() != nil:
		return app.WhileServing(err, app.NothingChanged, "")
	case err != nil: // who may read a secret need not be allowed to list any
		a.ui.warn("only the newest version is shown: " + err.Error())
		versions = []cloud.VaultCertificate{newest}
	}
	for _, v := range versions {
		if v.Version == newest.Version {
			value.Certificates = append(value.Certificates, app.NewVaultCertificateValue(newest, s.PublicChain(ctx, newest, criteria.Roots), criteria))
			continue
		}
		value.Certificates = append(value.Certificates, app.NewVaultCertificateValue(v, nil, pki.Criteria{Now: criteria.Now}))
	}
	a.ui.progress.Done()
	if a.ui.json {
		return a.ui.value(value)
	}
	a.ui.vaultCertificateVersions(value, newest.Version, a.env.Now())
	return nil
}

// vaultFor is a vault, and what certificates in it are judged by.
func (a *program) vaultFor(ctx context.Context, s *app.Session, named, forWhat string, rootFiles []string) (*cloud.VaultClient, pki.Criteria, error) {
	client, err := s.Vault(named)
	if err != nil {
		return nil, pki.Criteria{}, err
	}
	criteria, err := a.vaultCriteria(ctx, s, forWhat, rootFiles)
	return client, criteria, err
}

// vaultCriteria is what certificates are judged by: the names of a deployment,
// when one is named, and what it serves now.
func (a *program) vaultCriteria(ctx context.Context, s *app.Session, forWhat string, rootFiles []string) (pki.Criteria, error) {
	roots, err := a.rootsWith(s.Network, rootFiles)
	if err != nil {
		return pki.Criteria{}, err
	}
	criteria := pki.Criteria{Now: a.env.Now(), Roots: roots}
	if forWhat == "" {
		return criteria, nil
	}
	found, err := s.Find(ctx)
	if err != nil {
		return criteria, err
	}
	chosen, err := deployment.Select(found.Deployments, forWhat)
	if err != nil {
		return criteria, app.WhileServing(err, app.NothingChanged, "")
	}
	criteria.Names = chosen.Names()
	if served := chosen.Served(); len(served) == 1 && len(served[0].Chain) > 0 {
		criteria.Serving = served[0].Chain[0]
	}
	return criteria, nil
}
