package account

import (
	"errors"
	"os"
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
	tokens := Tokens{Keychain: SystemKeychain(), Set: NewSet()}
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
