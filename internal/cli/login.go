package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/app"
)

func newLoginCommand(a *program) *cobra.Command {
	var azure azureFlags
	cmd := &cobra.Command{
		Use:     "login",
		GroupID: groupSignIn,
		Short:   "sign in to Azure; choose tenant and subscriptions",
		Long: `Signs in, by default in the browser, and remembers cloud, way, tenant and subscriptions
for later commands. With several tenants or subscriptions it asks on a terminal; flags say
it beforehand. Tokens are kept in the operating system's keychain and nowhere else; where
there is none, they end with the command. A client secret is never kept.

Automation needs no login: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or
AZURE_CLIENT_CERTIFICATE_PATH, or AZURE_FEDERATED_TOKEN_FILE) go before what is remembered.`,
		Example: `  cartouche login
  cartouche login --sign-in device-code --tenant contoso.onmicrosoft.com
  cartouche login --cloud usgov --subscription "GIS Production"
  cartouche login --sign-in azure-cli`,
		Args: noArguments,
		RunE: a.run(func(ctx context.Context, _ []string) error { return a.login(ctx, azure) }),
	}
	azure.add(cmd.Flags())
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight, app.ExitInterrupted)
}

func (a *program) login(ctx context.Context, flags azureFlags) error {
	var l *app.Login
	var remembered account.Account
	err := a.LogIn(ctx, a.signInAsked(ctx, flags), "cartouche login --sign-in device-code", func(ctx context.Context, login *app.Login) error {
		subscriptions, err := login.GoWhereAsked(ctx, a.questions())
		if err != nil {
			return err
		}
		l = login
		remembered, err = l.Remember(ctx, l.LookIn(subscriptions))
		return err
	})
	if err != nil {
		return err
	}
	if a.Overridden() == "" {
		l.Choice.Origin = app.ByLogin // from now on
	} else {
		a.ui.warn("the environment says how to sign in, which goes before what was remembered now: " + a.Overridden())
	}
	return a.showAccount(ctx, l.Session, l.Choice, remembered, remembered.Subscriptions)
}
