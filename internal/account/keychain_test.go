package account

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// The real one, where there is one that may be written to:
//
//	dbus-run-session -- sh -c 'echo | gnome-keyring-daemon --unlock; CARTOUCHE_TEST_KEYCHAIN=1 go test ./internal/account'
func TestSystemKeychain(t *testing.T) {
	if os.Getenv("CARTOUCHE_TEST_KEYCHAIN") == "" {
		t.Skip("CARTOUCHE_TEST_KEYCHAIN is not set: the keychain of whoever runs the tests is left alone")
	}
	if SystemKeychain(os.Getenv) == nil {
		t.Fatal("there is none")
	}
	tokens := Tokens{Keychain: SystemKeychain(os.Getenv), Set: NewSet()}
	t.Cleanup(func() { _ = tokens.Forget(t.Context()) })
	for _, size := range []int{20_000, 4000, 100_000} {
		if err := tokens.Save(t.Context(), secret.New(text(size))); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if got, err := tokens.Load(t.Context()); err != nil || got.Reveal() != text(size) {
			t.Fatalf("%d bytes: got %d, %v", size, len(got.Reveal()), err)
		}
	}
	if err := tokens.Forget(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := tokens.Keychain.Get(tokens.Set, headEntry); !errors.Is(err, ErrNotKept) {
		t.Errorf("after forgetting: %v", err)
	}
	if err := tokens.Forget(t.Context()); err != nil {
		t.Errorf("forgetting twice: %v", err)
	}
}

func TestWithoutASessionThereIsNoSecretService(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("the keychain there needs no session of D-Bus")
	}
	directory := t.TempDir()
	variables := map[string]string{"XDG_RUNTIME_DIR": directory}
	lookup := func(name string) string { return variables[name] }
	if SystemKeychain(lookup) != nil {
		t.Error("found one without a bus")
	}
	if err := os.WriteFile(filepath.Join(directory, "bus"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if SystemKeychain(lookup) == nil {
		t.Error("found none beside the bus of the session")
	}
	variables = map[string]string{"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x", "XDG_RUNTIME_DIR": t.TempDir()}
	if SystemKeychain(lookup) == nil {
		t.Error("found none although the bus is named")
	}
}
