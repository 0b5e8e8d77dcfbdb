package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// uploadOptions are the flags of `upload`.
type uploadOptions struct {
	azure         azureFlags
	pfx           pfxFlags
	vault         string
	certificate   string
	forWhat       string
	rootFiles     []string
	assumeTrusted bool
	yes           bool
}

func newUploadCommand(a *program) *cobra.Command {
	var options uploadOptions
	cmd := &cobra.Command{
		Use:     "upload --vault VAULT --certificate NAME --pfx FILE",
		GroupID: groupChange,
		Short:   "put a .pfx file into a Key Vault: a new certificate, or a new version",
		Long: `Makes the file the newest version of a certificate in a vault. Where there is no such
certificate it is made; policy and tags of an existing one stay. A name that was deleted
and can be recovered is recovered first. A file that is the newest version already is not
put there twice.

A gateway that follows the certificate takes the new version by itself within four hours,
and at once after: cartouche apply DEPLOYMENT. For one that does not follow it yet:
cartouche plan DEPLOYMENT --vault VAULT --certificate NAME.`,
		Example: `  cartouche upload --vault entvault --certificate gis --pfx new.pfx
  cartouche upload --vault entvault --certificate gis --pfx new.pfx --for gis.example.com
  cartouche upload --vault entvault --certificate gis --pfx new.pfx --password-file password.txt --yes --json`,
		Args: noArguments,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	options.pfx.add(flags)
	flags.StringVar(&options.vault, "vault", "", "name, address or resource id of the vault `VAULT`")
	flags.StringVar(&options.certificate, "certificate", "", "name of the certificate in the vault, new or existing `NAME`")
	flags.StringVar(&options.forWhat, "for", "", "refuse a file that does not cover the names that this deployment serves `DEPLOYMENT`")
	flags.StringArrayVar(&options.rootFiles, "roots", nil, "more authorities to know (PEM, DER or PKCS#7), repeatable `FILE`")
	flags.BoolVar(&options.assumeTrusted, "assume-trusted", false, "accept a chain that ends at an authority that is not known")
	flags.BoolVar(&options.yes, "yes", false, "do not ask before the vault is changed")
	options.azure.add(flags)
	cmd.RunE = a.run(func(ctx context.Context, _ []string) error {
		switch {
		case options.vault == "":
			return app.Usage("cartouche vaults", "say which vault: --vault VAULT")
		case options.certificate == "":
			return app.Usage("cartouche certificates --vault "+app.Quote(options.vault), "say which certificate, new or existing: --certificate NAME")
		case !cloud.IsVaultName(options.certificate):
			return app.Usage("use letters, digits and hyphens, as in gis-2027",
				"--certificate %q is no name in a Key Vault: 1 to 127 letters, digits and hyphens", options.certificate)
		case options.pfx.file == "":
			return app.Usage("cartouche upload --help", "say which file: --pfx FILE")
		}
		return a.upload(ctx, options)
	})
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitRefused, app.ExitPreflight, app.ExitInterrupted)
}

func (a *program) upload(ctx context.Context, options uploadOptions) error {
	bundle, err := a.readPFX(ctx, options.pfx)
	if err != nil {
		return err
	}
	session, err := a.connect(ctx, options.azure)
	if err != nil {
		return err
	}
	client, criteria, err := a.vaultFor(ctx, session, options.vault, options.forWhat, options.rootFiles)
	if err != nil {
		return err
	}
	criteria.AssumeTrusted = options.assumeTrusted
	u, err := session.PrepareUpload(ctx, client, options.certificate, bundle, criteria)
	if err != nil {
		return err
	}
	if !a.ui.json {
		a.ui.upload(u, a.env.Now())
	}
	if !u.NothingToDo() {
		err := a.confirmChange(ctx, options.yes, "the vault", "change the vault "+client.Name()+" now?")
		if err != nil {
			return err
		}
	}
	value, err := u.Carry(ctx)
	if err != nil {
		return err
	}
	if a.ui.json {
		return a.ui.value(value)
	}
	a.ui.uploaded(value)
	return nil
}
