package account

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

func TestAnAccountIsRememberedAndForgotten(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "state")
	if _, known, err := Load(directory); known || err != nil {
		t.Fatalf("known %v, %v", known, err)
	}
	want := Account{
		Cloud: "usgov", Kind: cloud.Browser, Name: "ada@example.com", AccountID: "u.t", TenantID: "t", TenantName: "Example",
		Subscriptions: []Subscription{{ID: "s1", Name: "Production"}}, Keychain: "cartouche-1",
		SignedInAt: time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC),
	}
	for range 2 { // also over what was there
		if err := Save(directory, want); err != nil {
			t.Fatal(err)
		}
	}
	got, known, err := Load(directory)
	if diff := cmp.Diff(want, got); diff != "" || !known || err != nil {
		t.Errorf("known %v, %v, %s", known, err, diff)
	}
	entries, _ := os.ReadDir(directory)
	if len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	info, err := os.Stat(Path(directory))
	if runtime.GOOS != "windows" && (err != nil || info.Mode().Perm() != 0o600) {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, want := range []bool{true, false} {
		if removed, err := Forget(directory); removed != want || err != nil {
			t.Errorf("removed %v, %v", removed, err)
		}
	}
}

func TestADamagedFileIsNamed(t *testing.T) {
	for name, content := range map[string]string{"no JSON": "{", "too large": `"` + strings.Repeat("x", maximumFile) + `"`} {
		directory := t.TempDir()
		if err := os.WriteFile(Path(directory), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Load(directory); err == nil || !strings.Contains(err.Error(), Path(directory)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
