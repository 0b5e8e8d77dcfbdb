// Package account remembers who signed in, how and where, so that a person need
// not say it with every command.
//
// There are two places. A small file beside the journal holds what anybody may
// see: cloud, way of signing in, tenant, subscriptions, user name. The tokens
// are only ever in the operating system's keychain, as [Tokens]; where there is
// none they end with the program.
package account

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

const (
	fileName = "account.json"
	// maximumFile bounds what is read: the largest true file has some thousand
	// subscriptions.
	maximumFile = 1 << 20
)

// Account is what is remembered of a sign-in. Nothing of it is secret.
type Account struct {
	Cloud string           `json:"cloud"`
	Kind  cloud.SignInKind `json:"signIn"`
	// Name is the user name of a person, or the client id of an application.
	Name string `json:"name,omitempty"`
	// AccountID finds the person again among the kept tokens.
	AccountID string `json:"accountId,omitempty"`
	// ClientID is the application that was named, "" for the usual one.
	ClientID string `json:"clientId,omitempty"`

	TenantID   string `json:"tenantId"`
	TenantName string `json:"tenantName,omitempty"`
	// Subscriptions are those to look in; none means all of the tenant.
	Subscriptions []Subscription `json:"subscriptions"`

	// Keychain names the entries that hold the tokens, "" when none do.
	Keychain   string    `json:"keychain,omitempty"`
	SignedInAt time.Time `json:"signedInAt"`
}

// Subscription is one that was chosen.
type Subscription struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// SubscriptionIDs are the ids of the chosen ones.
func (a Account) SubscriptionIDs() []string {
	var ids []string
	for _, subscription := range a.Subscriptions {
		ids = append(ids, subscription.ID)
	}
	return ids
}

// Path is where the file is in a state directory.
func Path(directory string) string { return filepath.Join(directory, fileName) }

// Load reads what is remembered. known is false when there is nothing.
func Load(directory string) (remembered Account, known bool, err error) {
	remembered, err = load(Path(directory))
	if errors.Is(err, fs.ErrNotExist) {
		return Account{}, false, nil
	}
	if err != nil {
		return Account{}, false, fmt.Errorf("read the remembered sign-in: %w", err)
	}
	return remembered, true, nil
}

func load(path string) (remembered Account, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return Account{}, err
	case !info.Mode().IsRegular(): // a pipe would be waited for
		return Account{}, fmt.Errorf("%s is no file", path)
	case info.Size() > maximumFile:
		return Account{}, fmt.Errorf("%s is larger than %d bytes", path, maximumFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Account{}, err
	}
	if err := json.Unmarshal(data, &remembered); err != nil {
		return Account{}, fmt.Errorf("%s: %w", path, err)
	}
	if what := remembered.wrong(); what != "" {
		return Account{}, fmt.Errorf("%s: %s", path, what)
	}
	return remembered, nil
}

// wrong says what in a file nobody but a person with an editor can have written.
// A set of keychain entries is removed at logout, so it must be one of ours.
func (a Account) wrong() string {
	_, err := cloud.ByName(a.Cloud)
	switch {
	case a.Cloud == "" || err != nil:
		return "there is no cloud " + strconv.Quote(a.Cloud)
	case !slices.Contains(cloud.SignInKinds(), a.Kind):
		return "there is no way to sign in " + strconv.Quote(string(a.Kind))
	case a.Keychain != "" && !isSet(a.Keychain):
		return strconv.Quote(a.Keychain) + " is no set of entries that Cartouche makes"
	case a.SignedInAt.IsZero():
		return "it does not say when that was"
	}
	return ""
}

// Save remembers it instead of what was there: after a crash there is the one
// or the other.
func Save(directory string, remembered Account) error {
	if err := save(directory, remembered); err != nil {
		return fmt.Errorf("remember the sign-in: %w", err)
	}
	return nil
}

func save(directory string, remembered Account) error {
	data, err := json.MarshalIndent(remembered, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return err
	}
	// Made with mode 0600; in the same directory, so that it can be renamed.
	file, err := os.CreateTemp(directory, fileName+".*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // is gone when all went well
	_, err = file.Write(append(data, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), Path(directory))
}

// Forget removes the file. removed is false when there was none.
func Forget(directory string) (removed bool, err error) {
	err = os.Remove(Path(directory))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("forget the sign-in: %w", err)
	}
	return true, nil
}
