package app

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/account"
)

// LogoutValue is the JSON of `logout`.
type LogoutValue struct {
	// WasSignedIn is who was, "" when nobody was.
	WasSignedIn string `json:"wasSignedIn"`
	// Removed lists what is gone: "keychain", "file".
	Removed []string `json:"removed"`
}

// SignOut removes the tokens from the keychain and forgets who was signed in; it
// tells who that was.
func (a *App) SignOut(ctx context.Context) (value LogoutValue, remembered account.Account, err error) {
	value = LogoutValue{Removed: []string{}}
	directory, err := a.stateDirectory()
	if err != nil {
		return value, account.Account{}, err
	}

	remembered, known, err := a.Recall()
	if err != nil {
		a.warn(err.Error() + "; what it names in the keychain is left there, in entries that begin with cartouche-")
	}
	if known {
		value.WasSignedIn = remembered.Name
		if value.WasSignedIn == "" {
			value.WasSignedIn = string(remembered.Kind)
		}
	}
	// The keychain first: while the file is there, it can be tried again.
	if remembered.Keychain != "" {
		if a.Keychain == nil {
			return value, remembered, &Failure{
				Code: "keychain", Message: "the keychain that holds the sign-in cannot be reached", Hint: "run it where you signed in, as the same user", Exit: ExitPreflight,
			}
		}
		if err := (account.Tokens{Keychain: a.Keychain, Set: remembered.Keychain}).Forget(ctx); err != nil {
			return value, remembered, &Failure{Code: "keychain", Message: err.Error(), Hint: "unlock the keychain and run it again", Exit: ExitPreflight, Err: err}
		}
		value.Removed = append(value.Removed, "keychain")
	}
	removed, err := account.Forget(directory)
	if err != nil {
		return value, account.Account{}, err
	}
	if removed {
		value.Removed = append(value.Removed, "file")
	}
	return value, remembered, nil
}
