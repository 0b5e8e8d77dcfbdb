package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
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
	if len(args) == 1 {
		value, newest, err := session.VaultVersions(ctx, client, args[0], criteria)
		if err != nil {
			return err
		}
		if a.ui.json {
			return a.ui.value(value)
		}
		a.ui.vaultCertificateVersions(value, newest, a.env.Now())
		return nil
	}
	value, err := session.VaultCertificates(ctx, client, criteria)
	if err != nil {
		return err
	}
	if a.ui.json {
		return a.ui.value(value)
	}
	a.ui.vaultCertificateTable(value, a.env.Now())
	return nil
}

// vaultFor is a vault, and what certificates in it are judged by.
func (a *program) vaultFor(ctx context.Context, s *app.Session, named, forWhat string, rootFiles []string) (*cloud.VaultClient, pki.Criteria, error) {
	client, err := s.Vault(named)
	if err != nil {
		return nil, pki.Criteria{}, err
	}
	roots, err := a.rootsWith(s.Network, rootFiles)
	if err != nil {
		return nil, pki.Criteria{}, err
	}
	criteria, err := s.Criteria(ctx, forWhat, roots)
	return client, criteria, err
}
