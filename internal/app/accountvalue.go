package app

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// AccountValue is the JSON of `account` and of `login`.
type AccountValue struct {
	Cloud  string           `json:"cloud"`
	SignIn cloud.SignInKind `json:"signIn"`
	// From says what decided it: flag, environment, login or default.
	From Origin `json:"from"`
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

// Named are the subscriptions to look in, with the names that are known.
func (s *Session) Named(known []account.Subscription) []account.Subscription {
	list := []account.Subscription{}
	for _, id := range s.Scope.Subscriptions {
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
func (a *App) variablesInUse() []string {
	names := []string{}
	for _, name := range []string{
		"CARTOUCHE_CLOUD", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET",
		"AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE",
	} {
		if a.Lookup(name) != "" {
			names = append(names, name)
		}
	}
	return names
}

// AccountOf is the account of a sign-in, with what was remembered of it.
func (s *Session) AccountOf(ctx context.Context, chosen Choice) (AccountValue, error) {
	var remembered account.Account
	if chosen.Remembered != nil {
		remembered = *chosen.Remembered
	}
	return s.Account(ctx, chosen, remembered, s.Named(remembered.Subscriptions))
}

// Account says who is signed in, how and where. It really asks for a token.
func (s *Session) Account(ctx context.Context, chosen Choice, remembered account.Account, subscriptions []account.Subscription) (AccountValue, error) {
	a := s.app
	token, err := s.Credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{s.In.Audience + "/.default"}, EnableCAE: true})
	if err != nil {
		return AccountValue{}, WhileServing(s.Instead(err), NothingChanged, "cartouche login")
	}
	identity := cloud.IdentityOf(token)
	until := token.ExpiresOn.UTC()
	value := AccountValue{
		Cloud: s.In.Name, SignIn: chosen.Options.Kind, From: chosen.Origin,
		Name:     cmp.Or(identity.Name, remembered.Name),
		TenantID: cmp.Or(identity.TenantID, chosen.Options.TenantID, remembered.TenantID), TenantName: remembered.TenantName,
		Subscriptions: subscriptions, Tokens: tokensAre(chosen.Options.Kind, remembered),
		TokenUntil: &until, Variables: a.variablesInUse(),
	}
	if !remembered.SignedInAt.IsZero() {
		value.SignedInAt = &remembered.SignedInAt
		if directory, err := a.stateDirectory(); err == nil {
			value.File = account.Path(directory)
		}
	}
	if !strings.EqualFold(value.TenantID, remembered.TenantID) {
		value.TenantName = ""
	}
	return value, nil
}
