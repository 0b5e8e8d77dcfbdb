package cli

import (
	"cmp"
	"context"
	"errors"

	"github.com/cartouche-gis/cartouche/internal/app"
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
	options.vault = vaultFlags{app.VaultOfPlan(plan)}
	if options.pfx.file == "" {
		options.pfx.file = plan.File
	}
	if options.azure.cloud == "" {
		options.azure.cloud = plan.Cloud
	}
	if options.reach.reach == app.ReachAuto {
		options.reach.reach = cmp.Or(string(plan.Way), app.ReachNone) // a plan rests on what was looked at
	}
	options.assumeTrusted, options.allowOlder, options.allowWeaker = plan.AssumeTrusted, plan.AllowOlder, plan.AllowWeaker
	ready, err := a.prepare(ctx, options, func(ctx context.Context, s *app.Session) (deployment.Deployment, error) {
		return s.OfPlan(ctx, plan, args)
	})
	if err != nil {
		return nil, err
	}
	if ready.Plan.Certificate.SHA256 != plan.Certificate.SHA256 {
		return nil, app.WhileServing(&app.Failure{
			Code: "other-certificate", Message: ready.Plan.Source + " is not the certificate that the plan was made for",
			Hint: "name the right file with --pfx, or make the plan again", Exit: app.ExitPreflight,
		}, app.Serving(ready.State)+"; nothing was changed", "")
	}
	// Judged anew: a file that was good when the plan was made may have expired
	// since. And what the plan wanted may be there already.
	if ready.Plan.Ready() != nil || ready.Plan.NothingToDo() {
		return ready, nil
	}
	err = plan.MovedSince(ready.State)
	if err != nil {
		return nil, app.WhileServing(err, app.Serving(ready.State)+"; nothing was changed", "")
	}
	ready.Plan = plan
	return ready, nil
}

func readPlan(path string) (rotation.Plan, error) {
	data, err := app.ReadBounded(path, maxPlanFile)
	if err != nil {
		return rotation.Plan{}, app.WhileServing(app.Usage("check the path", "--plan %s: %s", path, err), app.NothingChanged, "")
	}
	plan, err := rotation.ParsePlan(data)
	if _, edited := errors.AsType[*rotation.EditedPlanError](err); err != nil && !edited {
		err = app.Usage("cartouche plan DEPLOYMENT --pfx FILE --save "+app.Quote(path), "%s", err)
	}
	return plan, app.WhileServing(err, app.NothingChanged, "")
}
