package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// rollOutOptions are what `plan` and `apply` have in common.
type rollOutOptions struct {
	about         target
	azure         azureFlags
	site          siteFlags
	pfx           pfxFlags
	vault         vaultFlags
	internal      internalFlags
	reach         reachFlags
	lease         leaseFlags
	rootFiles     []string
	assumeTrusted bool
	allowOlder    bool
	allowWeaker   bool
	// saved is the plan that is carried out, nil when one is made.
	saved *rotation.Plan
}

func (o *rollOutOptions) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	o.pfx.add(flags)
	o.vault.add(flags)
	flags.StringArrayVar(&o.rootFiles, "roots", nil, "more authorities that Portal and Server know (PEM, DER or PKCS#7), repeatable `FILE`")
	flags.BoolVar(&o.assumeTrusted, "assume-trusted", false, "accept a chain to an authority that is not known: all machines know it already")
	flags.BoolVar(&o.allowOlder, "allow-older", false, "accept a certificate that expires before the one that is served")
	flags.BoolVar(&o.allowWeaker, "allow-weaker", false, "accept a shorter key than the one that is served")
	o.internal.add(flags)
	o.about.add(flags)
	o.reach.add(flags)
	o.reach.addDSC(flags)
	o.lease.add(flags)
	o.site.add(flags)
	o.azure.add(flags)
}

func newPlanCommand(a *program) *cobra.Command {
	var options rollOutOptions
	var save string
	cmd := &cobra.Command{
		Use:     "plan DEPLOYMENT | --gateway ID [--pfx FILE] [--vault VAULT --certificate NAME]",
		GroupID: groupChange,
		Short:   "say what a renewal would change, touch, restart and prove",
		Long: `Reads the certificate and the deployment, and says what "cartouche apply" would do.
Nothing is changed. A certificate that would be refused, and a deployment that does not
allow the change now, are shown with every reason at once.

` + sourcesText + internalText,
		Example: `  cartouche plan gis.example.com --pfx new.pfx
  cartouche plan gis.example.com --vault entvault --certificate gis
  cartouche plan gis.example.com --pfx new.pfx --vault entvault --certificate gis
  cartouche plan gis.example.com
  cartouche plan gis.example.com --pfx new.pfx --password-file password.txt --save plan.json
  cartouche apply --plan plan.json
  cartouche plan gis.example.com --internal issue
  cartouche plan gis.example.com --internal ca --ca company.pfx --save plan.json
  cartouche plan --gateway /subscriptions/ID/resourceGroups/web/providers/Microsoft.Network/applicationGateways/agw --pfx new.pfx`,
		Args:              options.about.take,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	options.add(cmd)
	cmd.Flags().StringVar(&save, "save", "", "write the plan to a file, for \"cartouche apply --plan\" `FILE`")
	cmd.RunE = a.run(func(ctx context.Context, _ []string) error { return a.plan(ctx, options, save) })
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitRefused, app.ExitPreflight, app.ExitInterrupted)
}

func (a *program) plan(ctx context.Context, options rollOutOptions, save string) error {
	if options.internal.asked() {
		return a.planInternal(ctx, options, save)
	}
	ready, err := a.prepare(ctx, options, options.about.choose)
	if err != nil {
		return err
	}
	f := ready.Failure()
	if save != "" && f == nil {
		err = savePlan(save, ready.Plan)
		if err != nil {
			return err
		}
	}
	if a.ui.json {
		return answer(a.ui, ready.Plan, f)
	}
	a.ui.plan(ready)
	if f != nil {
		return f
	}
	a.ui.next(ready, options, save)
	return nil
}

// prepared is a rotation that only needs a yes.
type prepared struct {
	*app.Prepared
	options rollOutOptions
}

// prepare reads the file first, if there is one, since that costs nothing and is
// where most mistakes are, then the deployment and what it needs of Key Vault,
// and makes the plan.
func (a *program) prepare(ctx context.Context, options rollOutOptions, choose chooser) (*prepared, error) {
	if err := options.forClients(); err != nil {
		return nil, err
	}
	asked, err := a.renewal(ctx, options)
	if err != nil {
		return nil, err
	}
	if options.saved != nil {
		asked = asked.OfPlan(*options.saved)
	}
	session, err := a.connect(ctx, options.azure)
	if err != nil {
		return nil, err
	}
	if _, err := asked.Vault.Named(session.In); err != nil {
		return nil, err
	}
	chosen, err := choose(ctx, session)
	if err != nil {
		return nil, err
	}
	credentials, err := a.changingLogins(ctx, options.site, chosen)
	if err != nil {
		return nil, err
	}
	ready, err := session.Prepare(ctx, chosen, credentials, asked)
	return &prepared{ready, options}, err
}

// renewal is what flags and files ask for.
func (a *program) renewal(ctx context.Context, options rollOutOptions) (app.Renewal, error) {
	if err := options.vault.Check(options.pfx.file != ""); err != nil {
		return app.Renewal{}, err
	}
	var bundle *pki.Bundle
	if options.pfx.file != "" {
		var err error
		if bundle, err = a.readPFX(ctx, options.pfx); err != nil {
			return app.Renewal{}, err
		}
	}
	return a.renewalWith(options, bundle)
}

// renewalWith is the same with the file that was read, if there is one.
func (a *program) renewalWith(options rollOutOptions, bundle *pki.Bundle) (asked app.Renewal, err error) {
	asked = app.Renewal{
		Bundle: bundle, Vault: options.vault.InVault, NoLease: options.lease.none,
		AssumeTrusted: options.assumeTrusted, AllowOlder: options.allowOlder, AllowWeaker: options.allowWeaker,
	}
	if bundle != nil {
		if asked.File, err = filepath.Abs(options.pfx.file); err != nil {
			return asked, fmt.Errorf("path of %s: %w", options.pfx.file, err)
		}
	}
	if asked.Roots, err = readRootFiles(options.rootFiles); err != nil {
		return asked, err
	}
	asked.Reach, err = a.reachAsked(options.reach)
	return asked, err
}

// chooser finds the deployment of a command.
type chooser func(context.Context, *app.Session) (deployment.Deployment, error)

// savePlan writes a plan for `apply --plan`. It holds no secret, but says what
// will be done: only its owner should be able to write it.
func savePlan(path string, plan any) error {
	document, err := app.SavedPlan(plan)
	if err == nil {
		err = writeOwn(path, document)
	}
	if err != nil {
		return app.WhileServing(app.Usage("check the path", "--save %s: %s", path, app.PlainPathError(err)), app.NothingChanged, "")
	}
	return nil
}
