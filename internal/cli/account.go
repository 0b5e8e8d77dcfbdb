package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/app"
)

func newAccountCommand(a *program) *cobra.Command {
	var azure azureFlags
	cmd := &cobra.Command{
		Use:     "account",
		GroupID: groupSignIn,
		Short:   "show who is signed in, how and where",
		Long: `Shows with which sign-in the other commands work: who, how, cloud, tenant and
subscriptions, where the tokens are, and which environment variables have a say. It
really asks for a token, so that it fails when the others would.`,
		Example: `  cartouche account
  cartouche account tenants
  cartouche account subscriptions --tenant fabrikam.onmicrosoft.com --json`,
		Args: noArguments,
		RunE: a.run(func(ctx context.Context, _ []string) error { return a.account(ctx, azure) }),
	}
	azure.add(cmd.Flags())
	cmd.AddCommand(newTenantsCommand(a), newSubscriptionsCommand(a))
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight, app.ExitInterrupted)
}

func (a *program) account(ctx context.Context, flags azureFlags) error {
	chosen, err := a.chooseSignIn(ctx, flags)
	if err != nil {
		return err
	}
	session, err := a.keep(a.ConnectAs(ctx, chosen))
	if err != nil {
		return err
	}
	var remembered account.Account
	if chosen.Remembered != nil {
		remembered = *chosen.Remembered
	}
	return a.showAccount(ctx, session, chosen, remembered, session.Named(remembered.Subscriptions))
}

// showAccount shows the result of account and of login.
func (a *program) showAccount(ctx context.Context, s *app.Session, chosen app.Choice, remembered account.Account, subscriptions []account.Subscription) error {
	value, err := s.Account(ctx, chosen, remembered, subscriptions)
	if err != nil {
		return err
	}
	if a.ui.json {
		return a.ui.value(value)
	}
	a.ui.account(value)
	return nil
}

func (u *ui) account(value app.AccountValue) {
	tenant := words(value.TenantID)
	if value.TenantName != "" {
		tenant = words(value.TenantName, faint(" "+value.TenantID))
	}
	names := words("all of the tenant")
	if len(value.Subscriptions) > 0 {
		names = nil
		for i, one := range value.Subscriptions {
			if i > 0 {
				names = words(names, ", ")
			}
			names = words(names, cmp.Or(one.Name, one.ID))
		}
	}
	u.say("signed in as ", title(cmp.Or(value.Name, string(value.SignIn))))
	u.fields(
		field{"how", words(string(value.SignIn), faint(" ("+fromWords(value)+")"))},
		field{"cloud", words(value.Cloud)},
		field{"tenant", tenant},
		field{"subscriptions", names},
		field{"tokens", words(tokenWords(value))},
		field{"variables", words(strings.Join(value.Variables, ", "))},
	)
}

func fromWords(value app.AccountValue) string {
	switch value.From {
	case app.ByFlag:
		return "by flag"
	case app.ByEnvironment:
		return "by environment variables, which go before a login"
	case app.ByLogin:
		return "by the login of " + value.SignedInAt.Local().Format("2 January 2006")
	}
	return "nobody has signed in with cartouche login: what this computer offers is used"
}

func tokenWords(value app.AccountValue) string {
	where := map[string]string{
		"keychain":  "in the keychain of this computer",
		"memory":    "in memory, until the command ends",
		"elsewhere": "kept by the program that signed in, not by Cartouche",
	}[value.Tokens]
	return fmt.Sprintf("%s; the one at hand is good until %s", where, value.TokenUntil.Format("15:04 UTC"))
}
