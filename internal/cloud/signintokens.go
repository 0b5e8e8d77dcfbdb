package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// TokenStore keeps the sign-in of a person from one run of the program to the
// next. What it keeps is one text, which holds refresh tokens: whoever has it
// can sign in.
type TokenStore interface {
	// Load gives what was saved last; it is empty when there is nothing.
	Load(ctx context.Context) (secret.Secret, error)
	Save(ctx context.Context, tokens secret.Secret) error
}

// tokenCache stands between MSAL and a TokenStore. Access tokens stay in the
// memory of MSAL: they are good for an hour at most, there is a new one for
// every audience and tenant, and keychains take little.
type tokenCache struct {
	store TokenStore

	mu     sync.Mutex
	loaded bool
	kept   []byte // the cache without access tokens, as it was saved last
	stored bool   // the store has had something
	drop   bool
	failed error
}

// Replace is MSAL's interface: before the cache is read, it may be replaced.
func (c *tokenCache) Replace(ctx context.Context, target cache.Unmarshaler, _ cache.ReplaceHints) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.loaded && c.store != nil {
		tokens, err := c.store.Load(ctx)
		if err != nil {
			return fmt.Errorf("%w: %w", errNobody, err)
		}
		c.kept, c.drop, c.stored = []byte(tokens.Reveal()), true, !tokens.Empty()
	}
	c.loaded = true
	if !c.drop || len(c.kept) == 0 {
		return nil
	}
	c.drop = false
	if err := target.Unmarshal(c.kept); err != nil {
		return fmt.Errorf("%w: the kept sign-in is damaged", errNobody) // the cause would quote it
	}
	return nil
}

// Export is MSAL's interface: the cache has changed.
func (c *tokenCache) Export(ctx context.Context, source cache.Marshaler, _ cache.ExportHints) error {
	whole, err := source.Marshal()
	if err != nil {
		return err
	}
	durable, err := withoutAccessTokens(whole)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if string(durable) == string(c.kept) {
		return nil
	}
	c.kept = durable
	if c.store != nil && !c.signedOut(ctx) {
		// The token at hand is good all the same, so this stops nothing.
		c.failed = c.store.Save(ctx, secret.New(string(durable)))
		c.stored = c.stored || c.failed == nil
	}
	return nil
}

// signedOut tells that what was kept has been removed since, by a logout beside
// a run that goes on: it must not come back.
func (c *tokenCache) signedOut(ctx context.Context) bool {
	if !c.stored {
		return false
	}
	there, err := c.store.Load(ctx)
	return err == nil && there.Empty()
}

// startAfresh leaves what was kept where it is: a new sign-in replaces it.
func (c *tokenCache) startAfresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loaded = true
}

// dropAccessTokens makes MSAL forget them before the next look.
func (c *tokenCache) dropAccessTokens() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop = true
}

func (c *tokenCache) trouble() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// withoutAccessTokens keeps accounts and refresh tokens.
// Source: the cache's format is shared by the MSAL libraries of all languages,
// see Contract in MSAL-Go's apps/internal/base/storage/items.go.
func withoutAccessTokens(whole []byte) ([]byte, error) {
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(whole, &parts); err != nil {
		return nil, errors.New("read the cache of MSAL: it is not a JSON object") // the cause would quote it
	}
	delete(parts, "AccessToken")
	delete(parts, "IdToken")
	return json.Marshal(parts)
}
