package app

import (
	"context"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// Login is a sign-in that is to be remembered: of whom, where, to what.
type Login struct {
	*Session
	Choice        Choice
	person        *cloud.Person // nil when no person signs in
	set           string        // of the keychain, "" when nothing is kept there
	Identity      cloud.Identity
	Tenants       []cloud.Tenant
	Tenant        cloud.Tenant
	Subscriptions []cloud.Subscription
}

// NewLogin is a sign-in that has not begun.
func (a *App) NewLogin(c Choice) (*Login, error) {
	way, err := a.wayOut()
	if err != nil {
		return nil, err
	}
	return &Login{Session: way, Choice: c}, nil
}

// PersonFirst: whoever types login and nothing more wants to sign in as a
// person, and where they said so last time.
func (a *App) PersonFirst(asked SignInAsked, chosen Choice) Choice {
	if !chosen.Options.Kind.OfPerson() {
		chosen.Options.Kind = cloud.Browser
	}
	// The remembered tenant is not asked for again: there may be another one.
	if asked.Tenant == "" && a.Lookup("AZURE_TENANT_ID") == "" {
		chosen.Options.TenantID = ""
	}
	if len(asked.Subscriptions) == 0 && a.Lookup("AZURE_SUBSCRIPTION_ID") == "" {
		chosen.Subscriptions = nil
	}
	return chosen
}

// Remember keeps for later commands what was chosen. The tokens of whoever was
// remembered until now go, whatever cloud or way they were of: nothing names
// them any more.
func (l *Login) Remember(ctx context.Context, subscriptions []account.Subscription) (account.Account, error) {
	remembered := account.Account{
		Cloud: l.Choice.Options.Cloud.Name, Kind: l.Choice.Options.Kind,
		Name: l.Identity.Name, ClientID: l.Choice.Options.ClientID,
		TenantID: l.Tenant.ID, TenantName: l.Tenant.Name, Subscriptions: subscriptions,
		Keychain: l.keptIn(), SignedInAt: l.app.Now().UTC(),
	}
	if l.person != nil {
		remembered.AccountID = l.person.AccountID()
	}
	directory, err := l.app.stateDirectory()
	if err != nil {
		return account.Account{}, err
	}
	before, _, _ := l.app.Recall() // unreadable, it is replaced
	if err := account.Save(directory, remembered); err != nil {
		return account.Account{}, err
	}
	if before.Keychain != "" && before.Keychain != remembered.Keychain {
		l.app.forgetTokens(context.WithoutCancel(ctx), before.Keychain)
	}
	return remembered, nil
}

// SignIn always asks: who types login wants to be asked.
func (l *Login) SignIn(ctx context.Context) error {
	options := &l.Choice.Options
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
		// The application of an earlier login may have been a service principal, and
		// the one that the environment names with its secret is one.
		options.ClientID = ""
		if l.app.Overridden() == "" {
			options.ClientID = l.app.Lookup("AZURE_CLIENT_ID")
		}
		if l.app.Keychain != nil {
			l.set = account.NewSet()
			options.Tokens = account.Tokens{Keychain: l.app.Keychain, Set: l.set}
		}
		if l.person, err = cloud.NewPerson(*options); err != nil {
			return err
		}
		if l.Identity, err = l.person.SignIn(ctx, options.TenantID, l.Choice.person); err != nil {
			return err
		}
		credential = l.person
	} else if credential, err = cloud.SignIn(ctx, *options); err != nil {
		return err
	}
	if err := l.Use(options.Cloud, credential); err != nil {
		return err
	}
	if l.person == nil {
		l.Identity, err = l.Azure.Caller(ctx)
	}
	return err
}

// keptIn is the set of keychain entries, or "" with a word on why not.
func (l *Login) keptIn() string {
	switch {
	case l.person == nil:
		return ""
	case l.set == "":
		l.app.warn("this computer has no keychain, so the sign-in ends with this command: later ones ask again, or take --sign-in azure-cli")
		return ""
	case l.person.Unkept() != nil:
		l.app.warn("the keychain does not take the sign-in (" + l.person.Unkept().Error() + "), so it ends with this command: later ones ask again, or take --sign-in azure-cli")
		return ""
	}
	return l.set
}

// TakeBack leaves no tokens behind of a login that failed.
func (l *Login) TakeBack(ctx context.Context) {
	if l.set != "" && l.person != nil && l.person.AccountID() != "" {
		l.app.forgetTokens(context.WithoutCancel(ctx), l.set)
	}
}

// forgetTokens removes a set from the keychain; what cannot be removed is said.
func (a *App) forgetTokens(ctx context.Context, set string) {
	if a.Keychain == nil {
		a.warn("the keychain with the earlier sign-in cannot be reached; its entries are called " + set)
		return
	}
	if err := (account.Tokens{Keychain: a.Keychain, Set: set}).Forget(ctx); err != nil {
		a.warn(err.Error() + "; its entries are called " + set)
	}
}

// Overridden names the variables that go before what is remembered.
func (a *App) Overridden() string {
	kind, origin, err := a.ChooseKind(SignInAsked{})
	if err != nil || origin != ByEnvironment {
		return ""
	}
	names := []string{"AZURE_CLIENT_ID", "AZURE_TENANT_ID"}
	if kind == cloud.WorkloadIdentity {
		names = append(names, "AZURE_FEDERATED_TOKEN_FILE")
	} else if a.Lookup("AZURE_CLIENT_SECRET") != "" {
		names = append(names, "AZURE_CLIENT_SECRET")
	} else {
		names = append(names, "AZURE_CLIENT_CERTIFICATE_PATH")
	}
	return strings.Join(names, ", ")
}
