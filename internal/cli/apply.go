package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

func newApplyCommand(a *program) *cobra.Command {
	var options rollOutOptions
	var saved string
	var yes bool
	cmd := &cobra.Command{
		Use:     "apply DEPLOYMENT | --gateway ID [--pfx FILE] [--vault VAULT --certificate NAME] | --plan FILE",
		GroupID: groupChange,
		Short:   "roll the certificate out, prove it, and go back if the proof fails",
		Long: `Shows the plan, asks, and carries it out: an import into Key Vault where the plan has
one, one conditional write of the gateway, then handshakes with every endpoint, backend
health, the health checks of Portal and Server, and federation validation. When the proof
fails, or after Ctrl-C, the listeners go back to the certificate from before, and that is
proved as well. The old certificate stays on the gateway until "cartouche clean".

` + sourcesText + internalText + `

With --plan the plan is the one that was saved, and is refused when the deployment has
changed since. The .pfx file is then the one of the plan, unless --pfx names another copy.`,
		Example: `  cartouche apply gis.example.com --pfx new.pfx
  cartouche apply gis.example.com --pfx new.pfx --password-file password.txt --yes --json
  cartouche apply gis.example.com --vault entvault --certificate gis
  cartouche apply gis.example.com --reference
  cartouche apply --plan plan.json
  cartouche apply gis.example.com --internal issue --valid-days 200
  cartouche apply gis.example.com --internal ca --ca company.pem --ca-key company.key
  cartouche apply gis.example.com --internal pfx --internal-pfx portal=p.pfx --internal-pfx server=s.pfx`,
		Args:              atMostOneArgument,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	options.add(cmd)
	flags := cmd.Flags()
	a.sign.add(flags)
	flags.StringVar(&saved, "plan", "", "a plan that \"cartouche plan --save\" wrote `FILE`")
	flags.BoolVar(&yes, "yes", false, "go on without being asked")
	cmd.RunE = a.run(func(ctx context.Context, args []string) error {
		internal, err := options.isInternal(saved)
		if err != nil {
			return err
		}
		if _, err := a.signingKey(ctx); err != nil {
			return err
		}
		if internal {
			return a.applyInternalCommand(ctx, cmd, args, options, saved, yes)
		}
		ready, err := a.prepareApply(ctx, cmd, args, options, saved)
		if err != nil {
			return err
		}
		return a.apply(ctx, ready, yes)
	})
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitRefused, app.ExitPreflight, app.ExitRestored, app.ExitNotRestored, app.ExitLocked, app.ExitInterrupted)
}

func (a *program) prepareApply(ctx context.Context, cmd *cobra.Command, args []string, options rollOutOptions, saved string) (*prepared, error) {
	if err := options.takeTarget(cmd, args, saved); err != nil {
		return nil, err
	}
	if saved != "" {
		return a.prepareSaved(ctx, args, options, saved)
	}
	return a.prepare(ctx, options, options.about.choose)
}

// takeTarget finds out what the command is about, unless a saved plan says so.
func (o *rollOutOptions) takeTarget(cmd *cobra.Command, args []string, saved string) error {
	if saved != "" {
		if o.about.Gateway != "" || len(o.about.Names) > 0 {
			return app.Usage("leave --gateway and --name out", "a saved plan says itself which gateway and names it is for")
		}
		return nil
	}
	if len(args) > 0 || o.about.Gateway != "" {
		if err := o.about.take(cmd, args); err != nil {
			return err
		}
	}
	if !o.about.given() {
		return app.Usage("cartouche deployments", "say which deployment: cartouche apply DEPLOYMENT --pfx FILE")
	}
	return nil
}

// apply asks and carries a prepared rotation out.
func (a *program) apply(ctx context.Context, ready *prepared, yes bool) error {
	if err := ready.Alone(ctx); err != nil {
		return err
	}
	if !a.ui.json {
		a.ui.plan(ready)
	}
	if f := ready.Failure(); f != nil {
		return f
	}
	if !ready.Plan.NothingToDo() {
		err := a.confirm(ctx, yes, "change "+ready.WouldChange()+" now?")
		if err != nil {
			return err
		}
	}
	return a.applyNow(ctx, ready)
}

// applyNow carries out what was confirmed.
func (a *program) applyNow(ctx context.Context, ready *prepared) error {
	return a.signed(ctx, ready.State, func(key *evidence.Key) error { return ready.Apply(ctx, key, a.report) })
}

// signed opens the key to sign evidence with, if there is one, before a run begins.
func (a *program) signed(ctx context.Context, state rotation.State, run func(*evidence.Key) error) error {
	if ctx.Err() == nil {
		key, err := a.signingKey(ctx)
		if err == nil {
			return run(key)
		}
		return app.WhileServing(err, app.Serving(state)+"; nothing was changed", "")
	}
	return app.WhileServing(ctx.Err(), app.Serving(state)+"; nothing was changed", "")
}

// report shows the result of a run, and what it failed of, if it did.
func (a *program) report(result rotation.Result, name string, f *app.Failure) error {
	if a.ui.json {
		return answer(a.ui, result, f)
	}
	a.ui.result(result, name, a.env.Now())
	if f == nil {
		return nil
	}
	return f
}
