package account

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/zalando/go-keyring"
)

// Keychain is where the operating system keeps secrets. Entries have the name
// of a set and a name within it. Get of an entry that is not there gives
// [ErrNotKept]; DeleteAll of a set that is not there is no error.
type Keychain interface {
	Get(set, name string) (string, error)
	Set(set, name, value string) error
	Delete(set, name string) error
	DeleteAll(set string) error
}

// ErrNotKept says that the keychain has no such entry.
var ErrNotKept = errors.New("not in the keychain")

// SystemKeychain is that of the operating system: Keychain of macOS, Credential
// Manager of Windows, Secret Service (GNOME Keyring, KWallet) elsewhere. Without
// a session of D-Bus there is no Secret Service, and it is nil; the library
// would start a daemon to find that out, and leave it behind.
func SystemKeychain(lookup func(string) string) Keychain {
	if runtime.GOOS != "windows" && runtime.GOOS != "darwin" && !hasSessionBus(lookup) {
		return nil
	}
	return systemKeychain{}
}

func hasSessionBus(lookup func(string) string) bool {
	if lookup("DBUS_SESSION_BUS_ADDRESS") != "" {
		return true
	}
	directory := lookup("XDG_RUNTIME_DIR")
	if directory == "" {
		directory = fmt.Sprintf("/run/user/%d", os.Getuid())
	}
	_, err := os.Stat(filepath.Join(directory, "bus"))
	return err == nil
}

type systemKeychain struct{}

func (systemKeychain) Get(set, name string) (string, error) {
	value, err := keyring.Get(set, name)
	if errors.Is(err, keyring.ErrNotFound) {
		return "", ErrNotKept
	}
	return value, err
}

func (systemKeychain) Set(set, name, value string) error { return keyring.Set(set, name, value) }

func (systemKeychain) Delete(set, name string) error { return keyring.Delete(set, name) }

func (systemKeychain) DeleteAll(set string) error {
	if err := keyring.DeleteAll(set); err != nil && !errors.Is(err, keyring.ErrNotFound) {
		return err
	}
	return nil
}

// keychainPatience is how long a keychain may take. It asks the person to
// unlock it, on a screen that may not be there.
const keychainPatience = 2 * time.Minute

// within waits for a keychain, which knows no context, until ctx ends.
func within[T any](ctx context.Context, patience time.Duration, work func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := work()
		done <- outcome{value, err}
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var none T
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		return none, ctx.Err()
	case <-timer.C:
		return none, fmt.Errorf("the keychain did not answer within %s: is it locked?", patience)
	}
}
