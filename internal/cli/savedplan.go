package cli

import (
	"cmp"
	"context"
	"errors"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// maxPlanFile bounds a plan file; rotation has the same limit.
const maxPlanFile = 4 << 20

// prepareSaved prepares the rotation of a saved plan: the same deployment, the
// same certificate, and a world that has not moved since.
func (a *program) prepareSaved(ctx context.Context, args []string, options rollOutOptions, path string) (*prepared, error) {
	plan, err := readPlan(path)
	if err != nil {
		return nil, err
	}
	if options.vault != (vaultFlags{}) {
		return nil, app.Usage("leave them out", "a saved plan says itself what is in Key Vault, and how it is referred to")
	}
	options.vault = flagsOfPlan(plan)
	if options.pfx.file == "" {
		options.pfx.file = plan.File
	}
	if options.azure.cloud == "" {
		options.azure.cloud = plan.Cloud
	}
	if options.reach.reach == reachAuto {
		options.reach.reach = cmp.Or(string(plan.Way), reachNone) // a plan rests on what was looked at
	}
	options.assumeTrusted, options.allowOlder, options.allowWeaker = plan.AssumeTrusted, plan.AllowOlder, plan.AllowWeaker
	ready, err := a.prepare(ctx, options, func(ctx context.Context, s *session) (deployment.Deployment, error) {
		return s.ofPlan(ctx, plan, args)
	})
	if err != nil {
		return nil, err
	}
	if ready.plan.Certificate.SHA256 != plan.Certificate.SHA256 {
		return nil, app.WhileServing(&app.Failure{
			Code: "other-certificate", Message: ready.plan.Source + " is not the certificate that the plan was made for",
			Hint: "name the right file with --pfx, or make the plan again", Exit: app.ExitPreflight,
		}, serving(ready.state)+"; nothing was changed", "")
	}
	// Judged anew: a file that was good when the plan was made may have expired
	// since. And what the plan wanted may be there already.
	if ready.plan.Ready() != nil || ready.plan.NothingToDo() {
		return ready, nil
	}
	err = plan.MovedSince(ready.state)
	if err != nil {
		return nil, app.WhileServing(err, serving(ready.state)+"; nothing was changed", "")
	}
	ready.plan = plan
	return ready, nil
}

func readPlan(path string) (rotation.Plan, error) {
	data, err := readBounded(path, maxPlanFile)
	if err != nil {
		return rotation.Plan{}, app.WhileServing(app.Usage("check the path", "--plan %s: %s", path, err), app.NothingChanged, "")
	}
	plan, err := rotation.ParsePlan(data)
	if _, edited := errors.AsType[*rotation.EditedPlanError](err); err != nil && !edited {
		err = app.Usage("cartouche plan DEPLOYMENT --pfx FILE --save "+app.Quote(path), "%s", err)
	}
	return plan, app.WhileServing(err, app.NothingChanged, "")
}

// ofPlan finds the deployment of a plan by its gateway, whose id nobody can
// write into a tag. A deployment that is named as well must be the same.
func (s *session) ofPlan(ctx context.Context, plan rotation.Plan, args []string) (deployment.Deployment, error) {
	chosen, err := s.chooseAgain(ctx, plan.GatewayID, plan.DeploymentID, plan.GivenNames)
	if cloud.IsNotFound(err) {
		err = app.WhileServing(&rotation.MovedError{Moved: []string{"the gateway " + plan.GatewayID + " is not found any more"}}, app.NothingChanged, "")
	}
	if err != nil || len(args) == 0 {
		return chosen, err
	}
	named, err := s.choose(ctx, target{deployment: args[0]})
	if err == nil && (named.GatewayID != chosen.GatewayID || named.ID != chosen.ID) {
		err = app.Usage("leave the name out, or make a plan for it", "the plan is for %s, not for %s", plan.Deployment, args[0])
	}
	return chosen, app.WhileServing(err, app.NothingChanged, "")
}
