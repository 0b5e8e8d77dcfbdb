package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

const (
	// partSize is how much one entry takes. Windows allows 2,560 bytes; on
	// macOS go-keyring makes a command of at most 4,096 bytes of it, in base64.
	// Source: go-keyring v0.2.8, keyring_windows.go and keyring_darwin.go.
	partSize = 1800
	// maximumParts bounds what is read back: some hundred tenants.
	maximumParts = 200
	// headEntry is the entry that says what the others are.
	headEntry = "head"
)

// errHalfWritten says that the parts in the keychain are not those of one
// writing, as after a crash in the middle of it.
var errHalfWritten = errors.New("the sign-in in the keychain is incomplete")

// Tokens keep a sign-in in a set of entries of a keychain; it is a
// cloud.TokenStore.
//
// The text is cut into parts, which are written under names that were never
// used, and the head, which names them, is written last. Who reads sees the old
// text or the new one. The checksum is for what nobody has promised: that a
// keychain keeps the order of writes.
type Tokens struct {
	Keychain Keychain
	// Set is the name of the set of entries: [NewSet].
	Set string
}

// head is the entry that is written last.
type head struct {
	Generation string `json:"generation"`
	Parts      int    `json:"parts"`
	SHA256     string `json:"sha256"`
}

// NewSet makes the name of a set of entries, one for every sign-in: two state
// directories of one person do not disturb each other.
func NewSet() string { return setPrefix + random() }

const setPrefix = "cartouche-"

// isSet tells whether NewSet can have made this name.
func isSet(name string) bool {
	number, ours := strings.CutPrefix(name, setPrefix)
	_, err := hex.DecodeString(number)
	return ours && err == nil && len(number) == 2*randomSize
}

const randomSize = 6

func random() string {
	var data [randomSize]byte
	_, _ = rand.Read(data[:]) // never fails, by its documentation
	return hex.EncodeToString(data[:])
}

// Load gives what was saved last; it is empty when there is nothing.
func (t Tokens) Load(ctx context.Context) (secret.Secret, error) {
	tokens, err := within(ctx, keychainPatience, t.load)
	if err != nil {
		return secret.Secret{}, fmt.Errorf("read the keychain: %w", err)
	}
	return tokens, nil
}

// load begins anew while another program writes: the parts that a head names are
// taken away as soon as there is a newer one.
func (t Tokens) load() (secret.Secret, error) {
	last := ""
	for {
		text, err := t.Keychain.Get(t.Set, headEntry)
		if errors.Is(err, ErrNotKept) {
			return secret.Secret{}, nil
		}
		if err != nil {
			return secret.Secret{}, err
		}
		tokens, err := t.read(text)
		if !errors.Is(err, errHalfWritten) || text == last {
			return tokens, err
		}
		last = text
	}
}

// read puts the parts together that a head names.
func (t Tokens) read(text string) (secret.Secret, error) {
	var head head
	if json.Unmarshal([]byte(text), &head) != nil || head.Parts < 1 || head.Parts > maximumParts {
		return secret.Secret{}, errHalfWritten
	}
	var joined string
	for i := range head.Parts {
		part, err := t.Keychain.Get(t.Set, head.part(i))
		if errors.Is(err, ErrNotKept) {
			return secret.Secret{}, errHalfWritten
		}
		if err != nil {
			return secret.Secret{}, err
		}
		joined += part
	}
	whole, err := base64.StdEncoding.DecodeString(joined)
	if err != nil || checksum(whole) != head.SHA256 {
		return secret.Secret{}, errHalfWritten
	}
	return secret.New(string(whole)), nil
}

func (h head) part(i int) string { return h.Generation + "-" + strconv.Itoa(i+1) }

func checksum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Save keeps the tokens instead of what was there.
func (t Tokens) Save(ctx context.Context, tokens secret.Secret) error {
	_, err := within(ctx, keychainPatience, func() (struct{}, error) { return struct{}{}, t.save(tokens) })
	if err != nil {
		return fmt.Errorf("write the keychain: %w", err)
	}
	return nil
}

func (t Tokens) save(tokens secret.Secret) error {
	whole := []byte(tokens.Reveal())
	// In base64, because keychains differ in what they do to other bytes.
	text := base64.StdEncoding.EncodeToString(whole)
	next := head{Generation: random(), Parts: (len(text) + partSize - 1) / partSize, SHA256: checksum(whole)}
	if next.Parts < 1 || next.Parts > maximumParts {
		return fmt.Errorf("%d bytes are no sign-in", len(whole))
	}
	for i := range next.Parts {
		part := text[i*partSize : min((i+1)*partSize, len(text))]
		if err := t.Keychain.Set(t.Set, next.part(i), part); err != nil {
			return err
		}
	}
	last, err := t.Keychain.Get(t.Set, headEntry)
	if err != nil && !errors.Is(err, ErrNotKept) {
		return err
	}
	written, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := t.Keychain.Set(t.Set, headEntry, string(written)); err != nil {
		return err
	}
	t.clear(last)
	return nil
}

// clear takes the parts of an earlier writing away. What is left of them when
// that fails goes with Forget.
func (t Tokens) clear(last string) {
	var old head
	if json.Unmarshal([]byte(last), &old) != nil {
		return
	}
	for i := range min(old.Parts, maximumParts) {
		_ = t.Keychain.Delete(t.Set, old.part(i))
	}
}

// Forget removes the whole set.
func (t Tokens) Forget(ctx context.Context) error {
	_, err := within(ctx, keychainPatience, func() (struct{}, error) { return struct{}{}, t.Keychain.DeleteAll(t.Set) })
	if err != nil {
		return fmt.Errorf("remove the sign-in from the keychain: %w", err)
	}
	return nil
}
