package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// credential signs in as was chosen. A person who is not signed in any more is
// asked here, before anything else is done, and never again.
func (a *program) credential(ctx context.Context, c choice, client *http.Client) (azcore.TokenCredential, error) {
	c.options.Client = client
	if !c.options.Kind.OfPerson() {
		return cloud.SignIn(ctx, c.options)
	}
	person, err := cloud.NewPerson(c.options)
	if err != nil {
		return nil, err
	}
	_, err = person.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{c.options.Cloud.Audience + "/.default"}})
	if err == nil {
		return person, nil
	}
	if !cloud.NeedsPerson(err) || !a.mayAsk(c) {
		return nil, app.WhileServing(notKept(c, err), app.NothingChanged, "cartouche login")
	}
	if c.options.Tokens == nil {
		a.ui.warn("this sign-in ends with the command; cartouche login keeps one" + a.unlessNoKeychain())
	}
	if _, err := person.SignIn(ctx, c.options.TenantID, a.asked(ctx)); err != nil {
		return nil, app.WhileServing(err, app.NothingChanged, "cartouche login")
	}
	return person, nil
}

// notKept is for a login that could not be kept: another one would not help.
func notKept(c choice, err error) error {
	if c.remembered == nil || c.options.Tokens != nil || !cloud.NeedsPerson(err) {
		return err
	}
	if c.remembered.Keychain != "" {
		return &app.Failure{
			Code: "sign-in-failed", Message: err.Error() + ": the login is in a keychain that cannot be reached from here", Err: err, Exit: app.ExitPreflight,
			Hint: "run it in the session where you signed in, or add --sign-in device-code to this command",
		}
	}
	return &app.Failure{
		Code: "sign-in-failed", Message: err.Error() + ": there is no keychain, so the login ended with its command", Err: err, Exit: app.ExitPreflight,
		Hint: "add --sign-in device-code to this command, or use Azure CLI's sign-in (--sign-in azure-cli) or a service principal",
	}
}

// mayAsk: somebody is there, or it was said in so many words that a person signs in.
func (a *program) mayAsk(c choice) bool { return a.env.StdinIsTerminal || c.origin == byFlag }

func (a *program) unlessNoKeychain() string {
	if a.env.Keychain == nil {
		return " where there is a keychain; this computer has none"
	}
	return ""
}

// asked shows a person where to sign in.
func (a *program) asked(ctx context.Context) cloud.Asked {
	return cloud.Asked{
		Open: func(address string) error {
			a.ui.progress.signIn("sign in in the browser, at:", address, "", time.Time{})
			if err := a.openBrowser(ctx, address); err != nil {
				a.ui.warn(fmt.Sprintf("no browser could be opened here: %s. Open the address on this computer yourself, or press Ctrl-C and use any other computer: cartouche login --sign-in device-code", err))
			}
			return ctx.Err()
		},
		Code: func(code cloud.UserCode) {
			a.ui.progress.signIn("sign in in the browser of any computer, with the code "+code.Code+", at:", code.Address, code.Code, code.Expires)
		},
	}
}

func (a *program) openBrowser(ctx context.Context, address string) error {
	if a.env.OpenBrowser == nil {
		return errors.New("there is none")
	}
	return a.env.OpenBrowser(ctx, address)
}

// signIn shows an address, on a line of its own so that it can be copied.
func (p *progress) signIn(text, address, code string, expires time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.json {
		value := struct {
			At      time.Time  `json:"at"`
			Kind    string     `json:"kind"`
			Text    string     `json:"text"`
			Address string     `json:"address"`
			Code    string     `json:"code,omitempty"`
			Expires *time.Time `json:"expires,omitempty"`
		}{At: p.now(), Kind: "sign-in", Text: text, Address: address, Code: code}
		if !expires.IsZero() {
			value.Expires = &expires
		}
		p.object(value)
		return
	}
	p.clear()
	fmt.Fprintln(p.w, p.palette.render(words(title(text))))
	fmt.Fprintln(p.w, p.palette.render(words("  ", accent(address))))
	p.draw()
}
