package app

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// SignInAsked is how and where to sign in, as far as somebody says so: what is
// empty is taken from the environment, or from what was remembered at login.
type SignInAsked struct {
	Cloud, Tenant string
	// Subscriptions are ids or names.
	Subscriptions []string
	// How is a way of signing in by its name.
	How string
	// Principal tells that a secret or a certificate of a service principal is given.
	Principal bool
	// ClientID is that of an application, "" for the one of the environment.
	ClientID string
	// ManagedIdentity is the client id of one of several.
	ManagedIdentity string
	// Fits refuses what the way of signing in would pass over in silence. Nil is fine.
	Fits func(cloud.SignInKind) error
	// Proof reads or asks for what proves a service principal to be itself. Nil
	// takes it from the environment.
	Proof func(context.Context, *cloud.SignInOptions) error
	// Person shows somebody where to sign in, and MayAsk tells that somebody is
	// there to be asked although nobody has said that a person signs in.
	Person cloud.Asked
	MayAsk bool
}

// Origin is where the way of signing in comes from. Flags go before the
// environment, and that before what was remembered at login.
type Origin string

// The origins.
const (
	ByFlag        Origin = "flag"
	ByEnvironment Origin = "environment"
	ByLogin       Origin = "login"
	ByDefault     Origin = "default"
)

// Choice is how a command signs in and where it looks.
type Choice struct {
	Options cloud.SignInOptions
	// Subscriptions are ids or names; none means all of the tenant.
	Subscriptions []string
	Origin        Origin
	// Remembered is what was remembered at login, if the choice rests on it.
	Remembered *account.Account
	// person shows somebody where to sign in; mayAsk tells that somebody is there
	// to be asked who has not said so.
	person cloud.Asked
	mayAsk bool
}

// ChooseSignIn decides how to sign in, and reads or asks for what that takes.
// Nothing is sent.
func (a *App) ChooseSignIn(ctx context.Context, f SignInAsked) (Choice, error) {
	kind, origin, err := a.ChooseKind(f)
	if err != nil {
		return Choice{}, err
	}
	c := Choice{Origin: origin, person: f.Person, mayAsk: f.MayAsk}
	var remembered account.Account
	if origin != ByEnvironment {
		if remembered, err = a.recallFor(f, kind, &c); err != nil {
			return Choice{}, err
		}
	}
	in, err := a.CloudNamed(f.Cloud, remembered.Cloud)
	if err != nil {
		return Choice{}, err
	}
	c.Options = cloud.SignInOptions{
		Cloud: in, Kind: kind, Version: a.Version,
		TenantID: cmp.Or(f.Tenant, a.Lookup("AZURE_TENANT_ID"), remembered.TenantID),
		ClientID: cmp.Or(f.ClientID, a.Lookup("AZURE_CLIENT_ID"), remembered.ClientID),
	}
	if c.Remembered != nil {
		c.Options.Kind = cmp.Or(kind, remembered.Kind)
		c.Options.AccountID = remembered.AccountID
		if remembered.Keychain != "" && a.Keychain != nil {
			c.Options.Tokens = account.Tokens{Keychain: a.Keychain, Set: remembered.Keychain}
			c.Options.ClientID = remembered.ClientID // the tokens are that application's
		}
	}
	c.Options.Kind = cmp.Or(c.Options.Kind, cloud.DefaultChain)
	if f.Fits != nil {
		if err := f.Fits(c.Options.Kind); err != nil {
			return Choice{}, err
		}
	}
	c.Subscriptions = a.chooseSubscriptions(f, c.Options.TenantID, remembered)
	return c, a.proofs(ctx, f, &c.Options)
}

// ChooseKind is the way that flags or environment say, "" when they do not.
func (a *App) ChooseKind(f SignInAsked) (cloud.SignInKind, Origin, error) {
	set := func(name string) bool { return a.Lookup(name) != "" }
	named := set("AZURE_CLIENT_ID") && (f.Tenant != "" || set("AZURE_TENANT_ID"))
	switch {
	case f.How != "":
		if kind := cloud.SignInKind(f.How); slices.Contains(cloud.SignInKinds(), kind) {
			return kind, ByFlag, nil
		}
		var known []string
		for _, kind := range cloud.SignInKinds() {
			known = append(known, string(kind))
		}
		return "", "", Usage("--sign-in "+strings.Join(known, ", "), "unknown way to sign in %q", f.How)
	case f.Principal:
		return cloud.ServicePrincipal, ByFlag, nil
	case f.ManagedIdentity != "":
		return cloud.ManagedIdentity, ByFlag, nil
	case named && (set("AZURE_CLIENT_SECRET") || set("AZURE_CLIENT_CERTIFICATE_PATH")):
		return cloud.ServicePrincipal, ByEnvironment, nil
	case named && set("AZURE_FEDERATED_TOKEN_FILE"):
		return cloud.WorkloadIdentity, ByEnvironment, nil
	}
	return "", ByDefault, nil
}

// recallFor takes what was remembered at login, where it fits what is asked for.
func (a *App) recallFor(f SignInAsked, kind cloud.SignInKind, c *Choice) (account.Account, error) {
	remembered, known, err := a.Recall()
	switch {
	case err != nil && kind == "":
		return account.Account{}, err
	case err != nil || !known:
		return account.Account{}, nil
	}
	// A browser and a code lead to the same kept sign-in.
	fits := kind == "" || kind == remembered.Kind || kind.OfPerson() && remembered.Kind.OfPerson()
	asked, err := a.CloudNamed(f.Cloud, remembered.Cloud)
	if err != nil {
		return account.Account{}, err
	}
	if !fits || asked.Name != remembered.Cloud {
		return account.Account{}, nil
	}
	c.Remembered = &remembered
	if c.Origin == ByDefault {
		c.Origin = ByLogin
	}
	return remembered, nil
}

// Recall reads what was remembered at login. Without a state directory, as in a
// container, nothing was.
func (a *App) Recall() (account.Account, bool, error) {
	directory, err := a.stateDirectory()
	if err != nil {
		return account.Account{}, false, nil
	}
	remembered, known, err := account.Load(directory)
	if err != nil {
		return account.Account{}, false, &Failure{
			Code: "account-unreadable", Message: err.Error(), Hint: "cartouche logout, then cartouche login", Serving: NothingChanged, Exit: ExitPreflight, Err: err,
		}
	}
	return remembered, known, nil
}

// chooseSubscriptions: those remembered are of the remembered tenant only.
func (a *App) chooseSubscriptions(f SignInAsked, tenant string, remembered account.Account) []string {
	if len(f.Subscriptions) > 0 {
		return f.Subscriptions
	}
	if id := a.Lookup("AZURE_SUBSCRIPTION_ID"); id != "" {
		return []string{id}
	}
	if strings.EqualFold(tenant, remembered.TenantID) {
		return remembered.SubscriptionIDs()
	}
	return nil
}

// proofs reads or asks for what proves an application to be itself.
func (a *App) proofs(ctx context.Context, f SignInAsked, options *cloud.SignInOptions) error {
	named := options.ClientID != "" && options.TenantID != ""
	switch options.Kind {
	case cloud.ServicePrincipal:
		if !named {
			return Usage("set AZURE_CLIENT_ID and AZURE_TENANT_ID (or --tenant)", "a service principal needs its client id and its tenant")
		}
		if f.Proof != nil {
			return f.Proof(ctx, options)
		}
		return a.proofOfEnvironment(options)
	case cloud.WorkloadIdentity:
		options.FederatedTokenFile = a.Lookup("AZURE_FEDERATED_TOKEN_FILE")
		if !named || options.FederatedTokenFile == "" {
			return Usage("set AZURE_CLIENT_ID, AZURE_TENANT_ID (or --tenant) and AZURE_FEDERATED_TOKEN_FILE",
				"a workload identity needs its client id, its tenant and the file with its token")
		}
	case cloud.ManagedIdentity:
		options.ClientID = cmp.Or(f.ManagedIdentity, options.ClientID)
	}
	return nil
}

// CloudNamed is the cloud of that name, else the one that the variable names, else
// the remembered one.
func (a *App) CloudNamed(name, remembered string) (cloud.Cloud, error) {
	for _, other := range []string{a.Lookup("CARTOUCHE_CLOUD"), remembered} {
		if name == "" {
			name = other
		}
	}
	chosen, err := cloud.ByName(name)
	if err != nil {
		return cloud.Cloud{}, Usage("--cloud public, --cloud usgov or --cloud china", "%s", err)
	}
	return chosen, nil
}
