package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

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
	f := planFailure(ready)
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
	goal, err := a.goal(ctx, options)
	if err != nil {
		return nil, err
	}
	session, err := a.connect(ctx, options.azure)
	if err != nil {
		return nil, err
	}
	goal.Vault, err = options.vault.named(session.In)
	if err != nil {
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
	return a.prepareFor(ctx, session, chosen, credentials, goal, options)
}

// prepareFor observes a deployment and makes the plan for it.
func (a *program) prepareFor(ctx context.Context, session *app.Session, chosen deployment.Deployment, credentials rotation.Credentials, goal rotation.Goal, options rollOutOptions) (*prepared, error) {
	ready, err := a.planFor(ctx, session, chosen, credentials, goal, options, app.Unneeded)
	if err == nil && ready.Access.Way == nil && options.reach.reach == app.ReachAuto && ready.Plan.Findings.Has(rootNotKnown) && credentials.SiteAdmin != "" {
		// Only the machines can tell whether they know it, or be told.
		near, lost := a.planFor(ctx, session, chosen, credentials, goal, options, app.Wanted)
		if lost != nil || near.Access.Way != nil {
			return near, lost
		}
		ready.Access = near.Access
	}
	return ready, err
}

// rootNotKnown is the finding that a chain ends in an authority that nobody
// here knows.
const rootNotKnown = "root-not-known"

// planFor observes a deployment, with its machines as far as they are needed, and
// makes the plan for it.
func (a *program) planFor(ctx context.Context, session *app.Session, chosen deployment.Deployment, credentials rotation.Credentials, goal rotation.Goal, options rollOutOptions, machines app.Need) (*prepared, error) {
	ready := &prepared{Prepared: &app.Prepared{Session: session, Credentials: credentials, Runner: session.Runner(credentials)}, options: options}
	reach, err := a.reachAsked(options.reach)
	if err != nil {
		return nil, err
	}
	ready.Access, err = session.OpenWay(ctx, chosen, credentials, reach, machines)
	if err != nil {
		return nil, err
	}
	app.WithMachines(ready.Runner, ready.Access, reach)
	session.Changes = true
	ready.State, err = session.Observe(ctx, ready.Runner, chosen, rotation.Asked{Certificate: goal.Vault, Identity: goal.Identity, Claim: !options.lease.none})
	if err != nil {
		return nil, err
	}
	goal.Roots, err = a.rootsWith(session.Network, options.rootFiles)
	if err != nil {
		return nil, err
	}
	if goal.Bundle == nil && !goal.Vault.Named() && !ready.State.Follows() {
		return nil, app.WhileServing(app.Usage("cartouche plan "+app.CallDeployment(chosen)+" --pfx FILE",
			"say which certificate: --pfx FILE, or --vault VAULT --certificate NAME (no listener follows Key Vault by itself)"), app.Serving(ready.State)+"; nothing was changed", "")
	}
	complete := func(bundle *pki.Bundle) *pki.Bundle { return app.Complete(ctx, session.Network, goal.Roots, bundle) }
	if goal.Bundle != nil {
		goal.Bundle = complete(goal.Bundle)
	}
	ready.Goal, err = ready.Runner.Resolve(ctx, ready.State, goal, complete)
	if err == nil {
		ready.Plan, err = rotation.NewPlan(ready.State, ready.Goal)
	}
	return ready, app.WhileServing(err, app.Serving(ready.State)+"; nothing was changed", "")
}

// goal is what flags and file say of it.
func (a *program) goal(ctx context.Context, options rollOutOptions) (rotation.Goal, error) {
	err := options.vault.check(options.pfx.file != "")
	if err != nil {
		return rotation.Goal{}, err
	}
	var bundle *pki.Bundle
	if options.pfx.file != "" {
		if bundle, err = a.readPFX(ctx, options.pfx); err != nil {
			return rotation.Goal{}, err
		}
	}
	return options.goal(bundle, a.env.Now())
}

// goal is what the options say of it, with the file that was read, if there is one.
func (o rollOutOptions) goal(bundle *pki.Bundle, now time.Time) (rotation.Goal, error) {
	goal := rotation.Goal{
		Bundle: bundle, Form: o.vault.form(), Identity: o.vault.identity, Now: now,
		AssumeTrusted: o.assumeTrusted, AllowOlder: o.allowOlder, AllowWeaker: o.allowWeaker,
	}
	if bundle == nil {
		return goal, nil
	}
	var err error
	if goal.File, err = filepath.Abs(o.pfx.file); err != nil {
		return goal, fmt.Errorf("path of %s: %w", o.pfx.file, err)
	}
	return goal, nil
}

// chooser finds the deployment of a command.
type chooser func(context.Context, *app.Session) (deployment.Deployment, error)

// planFailure is the failure of a plan that must not be applied, nil when it may.
func planFailure(ready *prepared) *app.Failure {
	err := ready.Plan.Ready()
	if err == nil {
		return nil
	}
	f := app.Explain(app.WhileServing(err, app.Serving(ready.State)+"; nothing was changed", "cartouche show "+app.CallDeployment(ready.State.Deployment)))
	return &f
}

// savePlan writes a plan for `apply --plan`. It holds no secret, but says what
// will be done: only its owner should be able to write it.
func savePlan(path string, plan any) error {
	document, err := json.MarshalIndent(plan, "", "  ")
	if err == nil {
		err = writeOwn(path, append(document, '\n'))
	}
	if err != nil {
		return app.WhileServing(app.Usage("check the path", "--save %s: %s", path, app.PlainPathError(err)), app.NothingChanged, "")
	}
	return nil
}
