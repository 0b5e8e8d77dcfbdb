package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// preparedInternal is a replacement of the machines' certificates with its flags.
type preparedInternal struct {
	*app.Replacement
	options rollOutOptions
}

// planInternal says what `apply --internal` would do.
func (a *program) planInternal(ctx context.Context, options rollOutOptions, save string) error {
	ready, err := a.prepareInternal(ctx, options, options.about.choose, true, (*app.Replacement).PlanFor)
	if err != nil {
		return err
	}
	f := ready.Failure()
	if save != "" && f == nil {
		if err := savePlan(save, ready.Plan); err != nil {
			return err
		}
	}
	if a.ui.json {
		return answer(a.ui, ready.Plan, f)
	}
	a.ui.internalPlan(ready.Replacement)
	if f != nil {
		return f
	}
	a.ui.nextInternal(ready, save)
	return nil
}

// prepareInternal reads what the certificates come from, then the deployment with
// its machines, and makes the plan.
func (a *program) prepareInternal(ctx context.Context, options rollOutOptions, choose chooser, planning bool, plan func(*app.Replacement, rollout.Goal) error) (*preparedInternal, error) {
	if err := options.onlyInternal(); err != nil {
		return nil, err
	}
	goal, err := a.internalGoal(ctx, options.internal, planning)
	if err != nil {
		return nil, err
	}
	ready, err := a.seeMachines(ctx, options, choose)
	if err != nil {
		return nil, err
	}
	return ready, plan(ready.Replacement, goal)
}

// seeMachines finds a deployment and observes it with its machines, without
// which nothing can be done to their certificates.
func (a *program) seeMachines(ctx context.Context, options rollOutOptions, choose chooser) (*preparedInternal, error) {
	s, err := a.connect(ctx, options.azure)
	if err != nil {
		return nil, err
	}
	chosen, err := choose(ctx, s)
	if err != nil {
		return nil, err
	}
	credentials, err := a.machineLogins(ctx, options.site, chosen)
	if err != nil {
		return nil, err
	}
	reach, err := a.reachAsked(options.reach)
	if err != nil {
		return nil, err
	}
	seen, err := s.LookAtMachines(ctx, chosen, credentials, reach, options.lease.none)
	return &preparedInternal{seen, options}, err
}

// machineLogins are for commands that change machines: without the site
// administrator nothing can be done there.
func (a *program) machineLogins(ctx context.Context, f siteFlags, d deployment.Deployment) (rotation.Credentials, error) {
	if f.withoutPortal {
		return rotation.Credentials{}, app.MachinesWithoutLogin()
	}
	if d.PortalContext == "" {
		d.PortalContext = d.ServerContext // a server that stands alone has one, too
	}
	return a.changingLogins(ctx, f, d)
}

// onlyInternal refuses flags that are about the certificate that clients see.
func (o rollOutOptions) onlyInternal() error {
	if err := o.internal.check(); err != nil {
		return err
	}
	if err := o.reach.check(false); err != nil {
		return err
	}
	given := map[string]bool{
		"pfx": o.pfx.file != "", "password-file": o.pfx.passwordFile != "", "vault": o.vault != (vaultFlags{}),
		"assume-trusted": o.assumeTrusted, "allow-older": o.allowOlder, "allow-weaker": o.allowWeaker,
	}
	return app.CheckOnlyInternal(func(flag string) bool { return given[flag] })
}

// isInternal tells whether a command is about the certificates of machines, as
// its flags or the plan that it is given say.
func (o rollOutOptions) isInternal(saved string) (bool, error) {
	if saved == "" {
		return o.internal.asked(), nil
	}
	data, err := app.ReadBounded(saved, app.MaxPlanFile)
	if err != nil {
		return false, nil // whoever reads it next says what is wrong
	}
	internal := app.IsMachinesPlan(data)
	if o.internal.asked() && !internal {
		return false, app.Usage("leave --internal out, or name another plan", "--plan %s: it is about the certificate that clients see", saved)
	}
	return internal, nil
}

// applyInternalCommand is `apply` for the certificates of machines.
func (a *program) applyInternalCommand(ctx context.Context, cmd *cobra.Command, args []string, options rollOutOptions, saved string, yes bool) error {
	if err := options.takeTarget(cmd, args, saved); err != nil {
		return err
	}
	var ready *preparedInternal
	var err error
	if saved != "" {
		ready, err = a.prepareSavedInternal(ctx, args, options, saved)
	} else {
		ready, err = a.prepareInternal(ctx, options, options.about.choose, false, (*app.Replacement).PlanFor)
	}
	if err != nil {
		return err
	}
	return a.applyInternal(ctx, ready, yes)
}

// prepareSavedInternal prepares the replacement of a saved plan: the same
// deployment, certificates from the same source, and machines that have not
// changed since. What certificates come from is read anew: a plan holds no secret.
func (a *program) prepareSavedInternal(ctx context.Context, args []string, options rollOutOptions, path string) (*preparedInternal, error) {
	data, err := app.ReadBounded(path, app.MaxPlanFile)
	if err != nil {
		return nil, app.WhileServing(app.Usage("check the path", "--plan %s: %s", path, err), app.NothingChanged, "")
	}
	plan, err := app.ReadMachinesPlan(data, "cartouche plan DEPLOYMENT --internal HOW --save "+app.Quote(path))
	if err != nil {
		return nil, err
	}
	switch {
	case options.internal.how == "" && plan.Source == rollout.Fresh:
		options.internal.how = internalIssue
	case options.internal.how != string(plan.Source):
		return nil, app.Usage("give the same flags as for the plan: --internal "+string(plan.Source), "the plan is for certificates from another source (%s)", plan.Source)
	}
	if options.azure.cloud == "" {
		options.azure.cloud = plan.Cloud
	}
	if options.reach.reach == app.ReachAuto {
		options.reach.reach = string(plan.Way)
	}
	return a.prepareInternal(ctx, options, func(ctx context.Context, s *app.Session) (deployment.Deployment, error) {
		return s.OfMachinesPlan(ctx, plan, args)
	}, false, func(ready *app.Replacement, goal rollout.Goal) error { return ready.PlanSaved(plan, goal) })
}

// forClients refuses flags that are about the certificates of machines.
func (o rollOutOptions) forClients() error {
	if err := o.internal.check(); err != nil {
		return err
	}
	return o.reach.check(false)
}

// applyInternal asks and replaces the machines' certificates.
func (a *program) applyInternal(ctx context.Context, ready *preparedInternal, yes bool) error {
	if err := ready.Alone(ctx); err != nil {
		return err
	}
	if !a.ui.json {
		a.ui.internalPlan(ready.Replacement)
	}
	if f := ready.Failure(); f != nil {
		return f
	}
	if !ready.Plan.NothingToDo() {
		if err := a.confirm(ctx, yes, ready.question()); err != nil {
			return err
		}
	}
	return a.signed(ctx, ready.State, func(key *evidence.Key) error { return ready.Apply(ctx, key, a.reportInternal) })
}

// question names what is changed and what nobody can use meanwhile.
func (p *preparedInternal) question() string {
	text := "change the certificates of " + app.Count(len(app.MachinesIn(p.Plan)), "machine") + " now?"
	if restarts := app.RestartsIn(p.Plan); restarts > 0 {
		text = "change the certificates of " + app.Count(len(app.MachinesIn(p.Plan)), "machine") + " with " + app.Count(restarts, "restart") + " now?"
	}
	return text
}

// reportInternal shows the result of a run at machines.
func (a *program) reportInternal(result rollout.Result, name string, f *app.Failure) error {
	if a.ui.json {
		return answer(a.ui, result, f)
	}
	a.ui.internalResult(result, name, a.env.Now())
	if f == nil {
		return nil
	}
	return f
}
