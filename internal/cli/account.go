package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// accountValue is the JSON of `account` and of `login`.
type accountValue struct {
	Cloud  string           `json:"cloud"`
	SignIn cloud.SignInKind `json:"signIn"`
	// From says what decided it: flag, environment, login or default.
	From origin `json:"from"`
	// Name is the user name of a person or the client id of an application.
	Name       string `json:"name"`
	TenantID   string `json:"tenantId"`
	TenantName string `json:"tenantName"`
	// Subscriptions are those to look in; none means all of the tenant.
	Subscriptions []account.Subscription `json:"subscriptions"`
	// Tokens say where they are: "keychain", "memory" or "elsewhere".
	Tokens string `json:"tokens"`
	// TokenUntil is how long the token at hand is good; it is renewed before.
	TokenUntil *time.Time `json:"tokenUntil"`
	SignedInAt *time.Time `json:"signedInAt"`
	// Variables are those of the environment that say how to sign in or where.
	Variables []string `json:"variables"`
	// File is where the choices are remembered, "" when they are not.
	File string `json:"file"`
}

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
	session, err := a.connectAs(ctx, chosen)
	if err != nil {
		return err
	}
	var remembered account.Account
	if chosen.remembered != nil {
		remembered = *chosen.remembered
	}
	return a.showAccount(ctx, session, chosen, remembered, session.named(remembered.Subscriptions))
}

// showAccount is the result of account and of login.
func (a *program) showAccount(ctx context.Context, s *session, chosen choice, remembered account.Account, subscriptions []account.Subscription) error {
	token, err := s.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{s.in.Audience + "/.default"}, EnableCAE: true})
	if err != nil {
		return app.WhileServing(s.proxy.instead(err), app.NothingChanged, "cartouche login")
	}
	identity := cloud.IdentityOf(token)
	until := token.ExpiresOn.UTC()
	value := accountValue{
		Cloud: s.in.Name, SignIn: chosen.options.Kind, From: chosen.origin,
		Name:     cmp.Or(identity.Name, remembered.Name),
		TenantID: cmp.Or(identity.TenantID, chosen.options.TenantID, remembered.TenantID), TenantName: remembered.TenantName,
		Subscriptions: subscriptions, Tokens: tokensAre(chosen.options.Kind, remembered),
		TokenUntil: &until, Variables: a.variablesInUse(),
	}
	if !remembered.SignedInAt.IsZero() {
		value.SignedInAt = &remembered.SignedInAt
		if directory, err := a.StateDirectory(); err == nil {
			value.File = account.Path(directory)
		}
	}
	if !strings.EqualFold(value.TenantID, remembered.TenantID) {
		value.TenantName = ""
	}
	if a.ui.json {
		return a.ui.value(value)
	}
	a.ui.account(value)
	return nil
}

// named are the subscriptions to look in, with the names that are known.
func (s *session) named(known []account.Subscription) []account.Subscription {
	list := []account.Subscription{}
	for _, id := range s.scope.Subscriptions {
		one := account.Subscription{ID: id}
		if i := slices.IndexFunc(known, func(k account.Subscription) bool { return strings.EqualFold(k.ID, id) }); i >= 0 {
			one = known[i]
		}
		list = append(list, one)
	}
	return list
}

func tokensAre(kind cloud.SignInKind, remembered account.Account) string {
	switch {
	case kind == cloud.AzureCLI || kind == cloud.DefaultChain:
		return "elsewhere" // az keeps its own
	case kind.OfPerson() && remembered.Keychain != "":
		return "keychain"
	}
	return "memory"
}

// variablesInUse are those that are set and have a say.
func (a *program) variablesInUse() []string {
	names := []string{}
	for _, name := range []string{
		"CARTOUCHE_CLOUD", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET",
		"AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE",
	} {
		if a.env.Lookup(name) != "" {
			names = append(names, name)
		}
	}
	return names
}

func (u *ui) account(value accountValue) {
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

func fromWords(value accountValue) string {
	switch value.From {
	case byFlag:
		return "by flag"
	case byEnvironment:
		return "by environment variables, which go before a login"
	case byLogin:
		return "by the login of " + value.SignedInAt.Local().Format("2 January 2006")
	}
	return "nobody has signed in with cartouche login: what this computer offers is used"
}

func tokenWords(value accountValue) string {
	where := map[string]string{
		"keychain":  "in the keychain of this computer",
		"memory":    "in memory, until the command ends",
		"elsewhere": "kept by the program that signed in, not by Cartouche",
	}[value.Tokens]
	return fmt.Sprintf("%s; the one at hand is good until %s", where, value.TokenUntil.Format("15:04 UTC"))
}
