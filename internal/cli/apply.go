package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/lease"
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
	if err := a.alone(ctx, ready.Runner, ready.State); err != nil {
		return err
	}
	if !a.ui.json {
		a.ui.plan(ready)
	}
	if f := planFailure(ready); f != nil {
		return f
	}
	if !ready.Plan.NothingToDo() {
		err := a.confirm(ctx, yes, "change "+ready.changes()+" now?")
		if err != nil {
			return err
		}
	}
	return a.applyNow(ctx, ready)
}

// alone fails while another run works on the gateway, here or elsewhere: what was
// observed in the middle of it is no ground for a plan, and "busy" would hide who
// it is.
func (a *program) alone(ctx context.Context, runner *rotation.Runner, state rotation.State) error {
	unlock, err := a.Lock(state.Gateway.ID(), state.Deployment.Name)
	if err != nil {
		return app.WhileServing(err, app.Serving(state)+"; nothing was changed", "")
	}
	unlock()
	return whileHeld(a.WorkedOn(ctx, runner, state), state)
}

// whileHeld says what is served while somebody else works on a deployment, and
// how to get it free.
func whileHeld(err error, state rotation.State) error {
	return app.WhileServing(err, app.Serving(state)+"; nothing was changed",
		"wait for its end; if that run is not at work any more: cartouche unlock "+app.CallDeployment(state.Deployment))
}

// changes names what the plan changes.
func (p *prepared) changes() string {
	what := "the gateway " + app.LastSegment(p.Plan.GatewayID)
	if len(p.Plan.Imports) > 0 {
		what = "Key Vault and " + what
	}
	return what
}

// applyNow carries out what was confirmed.
func (a *program) applyNow(ctx context.Context, ready *prepared) error {
	return a.carryOut(ctx, ready.Session, ready.Runner, ready.State, ready.Plan.NothingToDo(), func(ctx context.Context) (rotation.Result, error) {
		return ready.Runner.Apply(ctx, ready.Plan, ready.Goal, ready.State)
	})
}

// carryOut runs what changes a gateway, and shows what came of it.
func (a *program) carryOut(ctx context.Context, s *app.Session, runner *rotation.Runner, state rotation.State, idle bool, change func(context.Context) (rotation.Result, error)) error {
	return carryOut(ctx, a, state, runner, idle, change, func(result rotation.Result, name string) error {
		return a.report(result, s, name)
	})
}

// carryOut runs a change with the lock taken, the deployment claimed and the
// journal open. One that is idle has nothing to change. report gets what came of
// it and what the deployment is called on a command line.
func carryOut[R any](ctx context.Context, a *program, state rotation.State, runner *rotation.Runner, idle bool, change func(context.Context) (R, error), report func(R, string) error) error {
	if err := ctx.Err(); err != nil {
		return app.WhileServing(err, app.Serving(state)+"; nothing was changed", "")
	}
	key, err := a.signingKey(ctx)
	if err != nil {
		return app.WhileServing(err, app.Serving(state)+"; nothing was changed", "")
	}
	name := app.CallDeployment(state.Deployment)
	unlock, err := a.Lock(state.Gateway.ID(), state.Deployment.Name)
	if err != nil {
		return app.WhileServing(err, app.Serving(state)+"; nothing was changed", "")
	}
	defer unlock()
	memory, err := a.OpenJournal(ctx)
	if err != nil {
		return app.WhileServing(err, app.Serving(state)+"; nothing was changed", "")
	}
	defer memory.Close()
	runner.Journal = memory
	release, err := a.TakeClaim(ctx, runner, state, idle)
	if _, held := errors.AsType[*lease.HeldError](err); held {
		return whileHeld(err, state)
	} else if err != nil {
		return app.WhileServing(err, app.Serving(state)+"; nothing was changed", "")
	}
	a.changing.Store(&name)
	result, err := change(ctx)
	a.changing.Store(nil)
	release()
	a.ui.progress.Done()
	if err != nil {
		return app.WhileServing(err, app.Serving(state)+"; nothing was changed", "")
	}
	defer a.AfterRun(ctx, memory, state, key)
	return report(result, name)
}

// report shows the result of a run and turns its outcome into an exit status.
// name is what the deployment is called on a command line.
func (a *program) report(result rotation.Result, s *app.Session, name string) error {
	f := resultFailure(result, name)
	signInAgain(f, s)
	if a.ui.json {
		return answer(a.ui, result, f)
	}
	a.ui.result(result, name, a.env.Now())
	if f == nil {
		return nil
	}
	return f
}

// signInAgain says that whatever comes next needs a sign-in, when it was lost.
func signInAgain(f *app.Failure, s *app.Session) {
	lost, ok := s.Credential.(interface{ Trouble() *cloud.Error })
	if !ok || f == nil {
		return
	}
	if trouble := lost.Trouble(); trouble != nil && trouble.Hint != "" {
		f.Hint = trouble.Hint + "; then: " + f.Hint
	}
}
