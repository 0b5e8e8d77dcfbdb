package cli

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

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
	options.saved = &plan
	if options.pfx.file == "" {
		options.pfx.file = plan.File
	}
	if options.azure.cloud == "" {
		options.azure.cloud = plan.Cloud
	}
	ready, err := a.prepare(ctx, options, func(ctx context.Context, s *app.Session) (deployment.Deployment, error) {
		return s.OfPlan(ctx, plan, args)
	})
	if err != nil {
		return nil, err
	}
	return ready, ready.TakeSaved(plan)
}

func readPlan(path string) (rotation.Plan, error) {
	data, err := app.ReadBounded(path, app.MaxPlanFile)
	if err != nil {
		return rotation.Plan{}, app.WhileServing(app.Usage("check the path", "--plan %s: %s", path, err), app.NothingChanged, "")
	}
	return app.ReadPlan(data, "cartouche plan DEPLOYMENT --pfx FILE --save "+app.Quote(path))
}
