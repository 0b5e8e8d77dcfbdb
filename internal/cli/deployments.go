package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
)

func newDeploymentsCommand(a *program) *cobra.Command {
	var azure azureFlags
	cmd := &cobra.Command{
		Use:     "deployments",
		GroupID: groupLook,
		Short:   "list deployments: names, days left, where each certificate lives",
		Long: `Lists every ArcGIS Enterprise deployment that this sign-in may read, the certificate
that ends first on top. What is only half there is listed with what is wrong with it, and
what cannot be updated with the reason. The days come from Azure's own records, which lag
a little behind (V1, whose certificate is in IIS, is looked at); "cartouche show" and "cartouche check" look at the wire.`,
		Example: `  cartouche deployments
  cartouche deployments --cloud usgov --subscription 00000000-0000-0000-0000-000000000000
  cartouche deployments --json`,
		Args: noArguments,
		RunE: a.run(func(ctx context.Context, _ []string) error { return a.deployments(ctx, azure) }),
	}
	azure.add(cmd.Flags())
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight, app.ExitInterrupted)
}

func (a *program) deployments(ctx context.Context, flags azureFlags) error {
	session, err := a.connect(ctx, flags)
	if err != nil {
		return err
	}
	values, err := session.DeploymentValues(ctx)
	if err != nil {
		return err
	}
	if a.ui.json {
		return a.ui.value(values)
	}
	a.ui.deploymentTable(values, a.env.Now())
	return nil
}
