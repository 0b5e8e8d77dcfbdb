package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

func newLogoutCommand(a *program) *cobra.Command {
	return exits(&cobra.Command{
		Use:     "logout",
		GroupID: groupSignIn,
		Short:   "forget the sign-in, tenant and subscriptions",
		Long: `Removes the tokens from the keychain and forgets cloud, tenant and subscriptions. What
other programs keep stays: Azure CLI is signed out with az logout, and the browser keeps
its own sign-in. Journal and history stay.`,
		Example: "  cartouche logout",
		Args:    noArguments,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return a.logout(ctx) }),
	}, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight)
}

func (a *program) logout(ctx context.Context) error {
	value, remembered, err := a.SignOut(ctx)
	if err != nil {
		return err
	}
	if a.ui.json {
		return a.ui.value(value)
	}
	a.ui.loggedOut(value, remembered)
	return nil
}

func (u *ui) loggedOut(value app.LogoutValue, remembered account.Account) {
	if len(value.Removed) == 0 {
		u.say("nobody was signed in")
		return
	}
	if value.WasSignedIn == "" { // the file could not be read
		u.say("the remembered sign-in is gone")
		return
	}
	u.say("signed out ", title(value.WasSignedIn))
	if remembered.Keychain != "" {
		u.item(u.outStyle.bullet(), "tokens removed from the keychain")
	}
	u.item(u.outStyle.bullet(), "cloud, tenant and subscriptions forgotten")
	if remembered.Kind == cloud.AzureCLI {
		u.item(u.outStyle.bullet(), "Azure CLI stays signed in: az logout")
	}
}
