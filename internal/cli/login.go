package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
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

// login is one run of the command.
type login struct {
	*session
	choice   choice
	person   *cloud.Person // nil when no person signs in
	set      string        // of the keychain, "" when nothing is kept there
	identity cloud.Identity
	tenants  []cloud.Tenant
	tenant   cloud.Tenant
	all      []cloud.Subscription
}

func (a *program) login(ctx context.Context, flags azureFlags) error {
	chosen, err := a.chooseSignIn(ctx, flags)
	if err != nil {
		return err
	}
	if chosen.origin == byLogin || chosen.origin == byDefault {
		chosen = a.personFirst(flags, chosen)
	}
	way, err := a.wayOut()
	if err != nil {
		return err
	}
	l := &login{session: way, choice: chosen}
	remembered, err := l.do(ctx)
	if err != nil {
		l.takeBack(ctx)
		return app.WhileServing(way.proxy.instead(err), app.NothingChanged, "cartouche login --sign-in device-code")
	}
	if a.overridden() == "" {
		l.choice.origin = byLogin // from now on
	} else {
		a.ui.warn("the environment says how to sign in, which goes before what was remembered now: " + a.overridden())
	}
	return a.showAccount(ctx, l.session, l.choice, remembered, remembered.Subscriptions)
}

// personFirst: whoever types login and nothing more wants to sign in as a
// person, and where they said so last time.
func (a *program) personFirst(flags azureFlags, chosen choice) choice {
	if !chosen.options.Kind.OfPerson() {
		chosen.options.Kind = cloud.Browser
	}
	// The remembered tenant is not asked for again: there may be another one.
	if flags.tenant == "" && a.env.Lookup("AZURE_TENANT_ID") == "" {
		chosen.options.TenantID = ""
	}
	if len(flags.subscriptions) == 0 && a.env.Lookup("AZURE_SUBSCRIPTION_ID") == "" {
		chosen.subscriptions = nil
	}
	return chosen
}

func (l *login) do(ctx context.Context) (account.Account, error) {
	if err := l.signIn(ctx); err != nil {
		return account.Account{}, err
	}
	if err := l.chooseTenant(ctx); err != nil {
		return account.Account{}, err
	}
	subscriptions, err := l.chooseSubscriptions(ctx)
	if err != nil {
		return account.Account{}, err
	}
	return l.remember(ctx, subscriptions)
}

// remember keeps for later commands what was chosen. The tokens of whoever was
// remembered until now go, whatever cloud or way they were of: nothing names
// them any more.
func (l *login) remember(ctx context.Context, subscriptions []account.Subscription) (account.Account, error) {
	remembered := account.Account{
		Cloud: l.choice.options.Cloud.Name, Kind: l.choice.options.Kind,
		Name: l.identity.Name, ClientID: l.choice.options.ClientID,
		TenantID: l.tenant.ID, TenantName: l.tenant.Name, Subscriptions: subscriptions,
		Keychain: l.keptIn(), SignedInAt: l.app.env.Now().UTC(),
	}
	if l.person != nil {
		remembered.AccountID = l.person.AccountID()
	}
	directory, err := l.app.StateDirectory()
	if err != nil {
		return account.Account{}, err
	}
	before, _, _ := l.app.recall() // unreadable, it is replaced
	if err := account.Save(directory, remembered); err != nil {
		return account.Account{}, err
	}
	if before.Keychain != "" && before.Keychain != remembered.Keychain {
		l.app.forgetTokens(context.WithoutCancel(ctx), before.Keychain)
	}
	return remembered, nil
}

// signIn always asks: who types login wants to be asked.
func (l *login) signIn(ctx context.Context) error {
	options := &l.choice.options
	options.Client, options.AccountID, options.Tokens = l.client(), "", nil
	// Entra ID knows tenants by id and domain. A name is looked up afterwards, among
	// those that know the person.
	given := options.TenantID
	if options.Kind.OfPerson() && !guid.MatchString(given) && !strings.Contains(given, ".") {
		options.TenantID = ""
	}
	defer func() { options.TenantID = given }()
	var credential azcore.TokenCredential
	var err error
	if options.Kind.OfPerson() {
		// The application of an earlier login may have been a service principal.
		options.ClientID = l.app.env.Lookup("AZURE_CLIENT_ID")
		if l.app.env.Keychain != nil {
			l.set = account.NewSet()
			options.Tokens = account.Tokens{Keychain: l.app.env.Keychain, Set: l.set}
		}
		if l.person, err = cloud.NewPerson(*options); err != nil {
			return err
		}
		if l.identity, err = l.person.SignIn(ctx, options.TenantID, l.app.asked(ctx)); err != nil {
			return err
		}
		credential = l.person
	} else if credential, err = cloud.SignIn(ctx, *options); err != nil {
		return err
	}
	if err := l.use(options.Cloud, credential); err != nil {
		return err
	}
	if l.person == nil {
		l.identity, err = l.azure.Caller(ctx)
	}
	return err
}

// keptIn is the set of keychain entries, or "" with a word on why not.
func (l *login) keptIn() string {
	switch {
	case l.person == nil:
		return ""
	case l.set == "":
		l.app.ui.warn("this computer has no keychain, so the sign-in ends with this command: later ones ask again, or take --sign-in azure-cli")
		return ""
	case l.person.Unkept() != nil:
		l.app.ui.warn("the keychain does not take the sign-in (" + l.person.Unkept().Error() + "), so it ends with this command: later ones ask again, or take --sign-in azure-cli")
		return ""
	}
	return l.set
}

// takeBack leaves no tokens behind of a login that failed.
func (l *login) takeBack(ctx context.Context) {
	if l.set != "" && l.person != nil && l.person.AccountID() != "" {
		l.app.forgetTokens(context.WithoutCancel(ctx), l.set)
	}
}

// forgetTokens removes a set from the keychain; what cannot be removed is said.
func (a *program) forgetTokens(ctx context.Context, set string) {
	if a.env.Keychain == nil {
		a.ui.warn("the keychain with the earlier sign-in cannot be reached; its entries are called " + set)
		return
	}
	if err := (account.Tokens{Keychain: a.env.Keychain, Set: set}).Forget(ctx); err != nil {
		a.ui.warn(err.Error() + "; its entries are called " + set)
	}
}

// overridden names the variables that go before what is remembered.
func (a *program) overridden() string {
	kind, origin, err := a.chooseKind(azureFlags{})
	if err != nil || origin != byEnvironment {
		return ""
	}
	names := []string{"AZURE_CLIENT_ID", "AZURE_TENANT_ID"}
	if kind == cloud.WorkloadIdentity {
		names = append(names, "AZURE_FEDERATED_TOKEN_FILE")
	} else if a.env.Lookup("AZURE_CLIENT_SECRET") != "" {
		names = append(names, "AZURE_CLIENT_SECRET")
	} else {
		names = append(names, "AZURE_CLIENT_CERTIFICATE_PATH")
	}
	return strings.Join(names, ", ")
}
