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
		Subscriptions: []Subscription{{ID: "s1", Name: "Production"}}, Keychain: NewSet(),
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
	const good = `{"cloud":"usgov","signIn":"browser","keychain":"cartouche-0123456789ab","signedInAt":"2026-11-25T08:00:00Z","later":{"x":[1]}}`
	for _, row := range []struct{ name, content, want string }{
		{"a later version's", good, ""},
		{"no JSON", "{", "unexpected end"},
		{"another shape", `{"subscriptions":"s"}`, "cannot unmarshal"},
		{"too large", `"` + strings.Repeat("x", maximumFile) + `"`, "larger than"},
		{"nothing in it", "{}", `no cloud ""`},
		{"no object", "null", `no cloud ""`},
		{"another cloud", strings.Replace(good, "usgov", "evil.example.com", 1), "no cloud"},
		{"another way", strings.Replace(good, `"browser"`, `"\u001b[2J"`, 1), `no way to sign in "\x1b[2J"`},
		{"no date", strings.Replace(good, "2026-11-25T08", "0001-01-01T00", 1), "does not say when"},
		// At logout this set would be removed.
		{"entries of another program", strings.Replace(good, "cartouche-0123456789ab", "gh:github.com", 1), "no set of entries"},
		{"a prefix for all", strings.Replace(good, "cartouche-0123456789ab", "cartouche-", 1), "no set of entries"},
	} {
		directory := t.TempDir()
		if err := os.WriteFile(Path(directory), []byte(row.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, known, err := Load(directory)
		switch {
		case row.want == "":
			if !known || err != nil {
				t.Errorf("%s: got %v, %v", row.name, known, err)
			}
		case err == nil || !strings.Contains(err.Error(), Path(directory)) || !strings.Contains(err.Error(), row.want):
			t.Errorf("%s: got %v", row.name, err)
		}
	}
	directory := t.TempDir()
	if err := os.Mkdir(Path(directory), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(directory); err == nil || !strings.Contains(err.Error(), "is no file") {
		t.Errorf("a directory: got %v", err)
	}
}

// Whatever is in the file, reading it ends, and what is taken from it is sound.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"cloud":"public","signIn":"browser","subscriptions":[{"id":"s"}],"keychain":"cartouche-0123456789ab","signedInAt":"2026-11-25T08:00:00Z"}`))
	f.Add([]byte(`null`))
	directory := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(Path(directory), content, 0o600); err != nil {
			t.Fatal(err)
		}
		got, known, err := Load(directory)
		if known == (err != nil) || known && (got.Keychain != "" && !isSet(got.Keychain) || got.SignedInAt.IsZero()) {
			t.Errorf("got %+v, %v, %v", got, known, err)
		}
	})
}
