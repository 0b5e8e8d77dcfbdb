package app

import (
	"context"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// credential signs in as was chosen. A person who is not signed in any more is
// asked here, before anything else is done, and never again: somebody is there, or
// it was said in so many words that a person signs in.
func (a *App) credential(ctx context.Context, c Choice, client *http.Client) (azcore.TokenCredential, error) {
	c.Options.Client = client
	if !c.Options.Kind.OfPerson() {
		return cloud.SignIn(ctx, c.Options)
	}
	person, err := cloud.NewPerson(c.Options)
	if err != nil {
		return nil, err
	}
	_, err = person.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{c.Options.Cloud.Audience + "/.default"}})
	if err == nil {
		return person, nil
	}
	if !cloud.NeedsPerson(err) || !(c.mayAsk || c.Origin == ByFlag) {
		return nil, WhileServing(notKept(c, err), NothingChanged, "cartouche login")
	}
	if c.Options.Tokens == nil {
		a.warn("this sign-in ends with the command; cartouche login keeps one" + a.unlessNoKeychain())
	}
	if _, err := person.SignIn(ctx, c.Options.TenantID, c.person); err != nil {
		return nil, WhileServing(err, NothingChanged, "cartouche login")
	}
	return person, nil
}

// notKept is for a login that could not be kept: another one would not help.
func notKept(c Choice, err error) error {
	if c.Remembered == nil || c.Options.Tokens != nil || !cloud.NeedsPerson(err) {
		return err
	}
	if c.Remembered.Keychain != "" {
		return &Failure{
			Code: "sign-in-failed", Message: err.Error() + ": the login is in a keychain that cannot be reached from here", Err: err, Exit: ExitPreflight,
			Hint: "run it in the session where you signed in, or add --sign-in device-code to this command",
		}
	}
	return &Failure{
		Code: "sign-in-failed", Message: err.Error() + ": there is no keychain, so the login ended with its command", Err: err, Exit: ExitPreflight,
		Hint: "add --sign-in device-code to this command, or use Azure CLI's sign-in (--sign-in azure-cli) or a service principal",
	}
}

func (a *App) unlessNoKeychain() string {
	if a.Keychain == nil {
		return " where there is a keychain; this computer has none"
	}
	return ""
}
