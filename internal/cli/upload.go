package cli

import (
	"context"
	"crypto/x509"
	"errors"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
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

// What an upload comes to.
const (
	uploadCreated   = "created"
	uploadVersion   = "new-version"
	uploadRecovered = "recovered"
	uploadUnchanged = "unchanged"
)

// uploadValue is the JSON of `upload`.
type uploadValue struct {
	// Outcome is created, new-version, recovered (and then a new version) or
	// unchanged: it was the newest version already.
	Outcome string `json:"outcome"`
	Vault   string `json:"vault"`
	// Before is the newest enabled version as it was, null when there was none.
	Before      *app.VaultCertificateValue `json:"before"`
	Certificate app.VaultCertificateValue  `json:"certificate"`
	Findings    pki.Findings               `json:"findings"`
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
	criteria.Serving = nil // it is no roll-out: the older file may be wanted in the vault
	bundle = app.Complete(ctx, session.Network, criteria.Roots, bundle)
	judgement := pki.Judge(bundle, criteria)
	if judgement.Findings.Refused() {
		return app.WhileServing(&rotation.RefusedError{Findings: app.Refusals(judgement.Findings)}, app.NothingChanged, "")
	}
	value := uploadValue{Vault: client.Name(), Findings: app.NotNull(judgement.Findings)}
	there, err := a.uploadMeets(ctx, client, options.certificate, bundle.Leaf, &value)
	if err != nil {
		return app.WhileServing(session.Instead(err), app.NothingChanged, "cartouche vaults")
	}
	a.ui.progress.Done()
	if !a.ui.json {
		a.ui.upload(value, there, options.certificate, bundle, a.env.Now())
	}
	if value.Outcome != uploadUnchanged {
		err := a.confirmChange(ctx, options.yes, "the vault", "change the vault "+client.Name()+" now?")
		if err != nil {
			return err
		}
		a.ui.progress.Doing("upload", "putting "+options.certificate+" into vault "+client.Name())
		there, err = client.Import(ctx, options.certificate, bundle)
		a.ui.progress.Done()
		if err != nil {
			return uploadFailed(session.Instead(err), client.Name(), options.certificate)
		}
	}
	value.Certificate = app.NewVaultCertificateValue(there, nil, pki.Criteria{Now: criteria.Now})
	if a.ui.json {
		return a.ui.value(value)
	}
	a.ui.uploaded(value)
	return nil
}

// uploadMeets finds out what an upload will come to, and what is there now.
func (a *program) uploadMeets(ctx context.Context, client *cloud.VaultClient, name string, leaf *x509.Certificate, value *uploadValue) (cloud.VaultCertificate, error) {
	a.ui.progress.Doing(rotation.PhaseObserve, "looking into vault "+client.Name())
	defer a.ui.progress.Done()
	there, err := client.Certificate(ctx, name, "")
	switch {
	case cloud.IsNotFound(err):
		value.Outcome = uploadCreated
		_, deleted, err := client.Deleted(ctx, name)
		if deleted {
			value.Outcome = uploadRecovered
		}
		if cloud.IsForbidden(err) {
			err = nil // an import would say it
		}
		return there, err
	case err != nil:
		return there, err
	}
	value.Outcome = uploadVersion
	if there.Leaf != nil && there.Leaf.Equal(leaf) && len(there.Unusable(a.env.Now())) == 0 {
		value.Outcome = uploadUnchanged
	}
	before := app.NewVaultCertificateValue(there, nil, pki.Criteria{Now: a.env.Now()})
	value.Before = &before
	return there, nil
}

// uploadFailed says whether the vault may have been changed all the same.
func uploadFailed(err error, vault, name string) error {
	look := "cartouche certificates --vault " + vault + " " + app.Quote(name)
	if cloud.Uncertain(err) || errors.Is(err, context.Canceled) {
		return app.WhileServing(err, "as before; whether the vault has taken the file is not known", look)
	}
	return app.WhileServing(err, app.NothingChanged, look)
}
