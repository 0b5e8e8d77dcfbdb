package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// logoutValue is the JSON of `logout`.
type logoutValue struct {
	// WasSignedIn is who was, "" when nobody was.
	WasSignedIn string `json:"wasSignedIn"`
	// Removed lists what is gone: "keychain", "file".
	Removed []string `json:"removed"`
}

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
	directory, err := a.StateDirectory()
	if err != nil {
		return err
	}
	value := logoutValue{Removed: []string{}}
	remembered, known, err := a.recall()
	if err != nil {
		a.ui.warn(err.Error() + "; what it names in the keychain is left there, in entries that begin with cartouche-")
	}
	if known {
		value.WasSignedIn = remembered.Name
		if value.WasSignedIn == "" {
			value.WasSignedIn = string(remembered.Kind)
		}
	}
	// The keychain first: while the file is there, it can be tried again.
	if remembered.Keychain != "" {
		if a.env.Keychain == nil {
			return &app.Failure{
				Code: "keychain", Message: "the keychain that holds the sign-in cannot be reached", Hint: "run it where you signed in, as the same user", Exit: app.ExitPreflight,
			}
		}
		if err := (account.Tokens{Keychain: a.env.Keychain, Set: remembered.Keychain}).Forget(ctx); err != nil {
			return &app.Failure{Code: "keychain", Message: err.Error(), Hint: "unlock the keychain and run it again", Exit: app.ExitPreflight, Err: err}
		}
		value.Removed = append(value.Removed, "keychain")
	}
	removed, err := account.Forget(directory)
	if err != nil {
		return err
	}
	if removed {
		value.Removed = append(value.Removed, "file")
	}
	if a.ui.json {
		return a.ui.value(value)
	}
	a.ui.loggedOut(value, remembered)
	return nil
}

func (u *ui) loggedOut(value logoutValue, remembered account.Account) {
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
