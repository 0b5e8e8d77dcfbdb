package account

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// drawer is a keychain in memory with the limits of the narrowest real one.
type drawer struct {
	mu      sync.Mutex
	entries map[string]string
	// fail stops after so many writes, when it is not 0.
	fail int
	// meanwhile happens once, before the next part is read.
	meanwhile func()
}

func newDrawer() *drawer { return &drawer{entries: map[string]string{}} }

func (d *drawer) Get(set, name string) (string, error) {
	if happens := d.meanwhile; happens != nil && name != headEntry {
		d.meanwhile = nil
		happens()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	value, ok := d.entries[set+"/"+name]
	if !ok {
		return "", ErrNotKept
	}
	return value, nil
}

func (d *drawer) Set(set, name, value string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(value) > 2000 {
		return fmt.Errorf("%d bytes are too many", len(value))
	}
	if d.fail == 1 {
		return errors.New("the computer stopped")
	}
	if d.fail > 1 {
		d.fail--
	}
	d.entries[set+"/"+name] = value
	return nil
}

func (d *drawer) Delete(set, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.entries, set+"/"+name)
	return nil
}

func (d *drawer) DeleteAll(set string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range d.entries {
		if strings.HasPrefix(key, set+"/") {
			delete(d.entries, key)
		}
	}
	return nil
}

// text is one of n bytes that does not compress and holds every kind of byte.
func text(n int) string {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(random.UintN(256))
	}
	return string(data)
}

func TestTokensOfEverySizeComeBack(t *testing.T) {
	drawer := newDrawer()
	tokens := Tokens{Keychain: drawer, Set: NewSet()}
	if got, err := tokens.Load(t.Context()); !got.Empty() || err != nil {
		t.Fatalf("empty: got %d bytes, %v", len(got.Reveal()), err)
	}
	// Larger and smaller by turns, so that parts of the larger would be left.
	for _, size := range []int{1, 100_000, 1350, 1351, 5000, 200_000, 10} {
		if err := tokens.Save(t.Context(), secret.New(text(size))); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		got, err := tokens.Load(t.Context())
		if err != nil || got.Reveal() != text(size) {
			t.Fatalf("%d bytes: got %d, %v", size, len(got.Reveal()), err)
		}
		if want := 1 + (size*4/3+partSize)/partSize; len(drawer.entries) > want {
			t.Errorf("%d bytes: %d entries, want at most %d", size, len(drawer.entries), want)
		}
	}
	if err := tokens.Forget(t.Context()); err != nil || len(drawer.entries) != 0 {
		t.Errorf("%v, left %d entries", err, len(drawer.entries))
	}
	if err := tokens.Save(t.Context(), secret.New(text(maximumParts*partSize))); err == nil {
		t.Error("keeps what it could not read back")
	}
}

// A computer that stops after any write leaves the old sign-in, whole.
func TestStoppedWritingLeavesTheOldTokens(t *testing.T) {
	for writes := 1; writes <= 4; writes++ {
		drawer := newDrawer()
		tokens := Tokens{Keychain: drawer, Set: NewSet()}
		if err := tokens.Save(t.Context(), secret.New(text(3000))); err != nil {
			t.Fatal(err)
		}
		drawer.fail = writes
		if err := tokens.Save(t.Context(), secret.New(text(3001))); err == nil {
			t.Fatalf("after %d writes: no error", writes)
		}
		if got, err := tokens.Load(t.Context()); err != nil || got.Reveal() != text(3000) {
			t.Errorf("after %d writes: got %d bytes, %v", writes, len(got.Reveal()), err)
		}
	}
}

// Two commands at once: one renews its token while the other one begins.
func TestReadingWhileAnotherProgramWrites(t *testing.T) {
	drawer := newDrawer()
	tokens := Tokens{Keychain: drawer, Set: NewSet()}
	if err := tokens.Save(t.Context(), secret.New(text(3000))); err != nil {
		t.Fatal(err)
	}
	drawer.meanwhile = func() {
		if err := tokens.Save(t.Context(), secret.New(text(3001))); err != nil {
			t.Error(err)
		}
	}
	if got, err := tokens.Load(t.Context()); err != nil || got.Reveal() != text(3001) {
		t.Errorf("a new one: got %d bytes, %v", len(got.Reveal()), err)
	}
	drawer.meanwhile = func() { _ = tokens.Forget(t.Context()) }
	if got, err := tokens.Load(t.Context()); err != nil || !got.Empty() {
		t.Errorf("a logout: got %d bytes, %v", len(got.Reveal()), err)
	}
}

func TestHalfWrittenTokensAreRecognised(t *testing.T) {
	for name, damage := range map[string]func(d *drawer, key string){
		"a part is missing":  func(d *drawer, key string) { delete(d.entries, key) },
		"a part is another":  func(d *drawer, key string) { d.entries[key] = strings.Repeat("A", len(d.entries[key])) },
		"a part is too long": func(d *drawer, key string) { d.entries[key] += "AAAA" },
	} {
		drawer := newDrawer()
		tokens := Tokens{Keychain: drawer, Set: "set"}
		if err := tokens.Save(t.Context(), secret.New(text(5000))); err != nil {
			t.Fatal(err)
		}
		for key := range drawer.entries {
			if strings.HasSuffix(key, "-2") {
				damage(drawer, key)
			}
		}
		if got, err := tokens.Load(t.Context()); !errors.Is(err, errHalfWritten) || !got.Empty() {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, head := range []string{"", "{}", `{"generation":"x","parts":1000000000,"sha256":""}`, `{"generation":"x","parts":-1}`} {
		drawer := newDrawer()
		drawer.entries["set/head"] = head
		if _, err := (Tokens{Keychain: drawer, Set: "set"}).Load(t.Context()); !errors.Is(err, errHalfWritten) {
			t.Errorf("head %q: got %v", head, err)
		}
	}
}

// A locked keychain asks for its password on a screen; nobody need be there.
func TestAKeychainIsNotWaitedForForEver(t *testing.T) {
	never := func() (int, error) { select {} }
	if _, err := within(t.Context(), time.Millisecond, never); err == nil || !strings.Contains(err.Error(), "locked") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := within(ctx, time.Hour, never); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func FuzzHead(f *testing.F) {
	f.Add(`{"generation":"x","parts":2,"sha256":""}`, "AAAA")
	f.Fuzz(func(t *testing.T, head, part string) {
		drawer := newDrawer()
		drawer.entries["set/head"] = head
		drawer.entries["set/x-1"], drawer.entries["set/x-2"] = part, part
		got, err := Tokens{Keychain: drawer, Set: "set"}.Load(t.Context())
		if !got.Empty() && err != nil {
			t.Errorf("got %d bytes and %v", len(got.Reveal()), err)
		}
	})
}
