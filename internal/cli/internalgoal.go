package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// maxAuthority bounds the file of an authority, and that of its key.
const maxAuthority = 1 << 20

// internalGoal is what the flags say of it, with the files read. Who only plans
// needs no password for an authority that is not made.
func (a *program) internalGoal(ctx context.Context, f internalFlags, planning bool) (rollout.Goal, error) {
	goal := rollout.Goal{Source: rollout.Source(f.how), LeafDays: f.validDays, Anew: f.anew, KeepOld: f.keepOld, Undrained: f.undrained, Now: a.env.Now()}
	var err error
	switch f.how {
	case internalIssue:
		if f.caOut != "" {
			goal.KeepAuthority, err = a.keeper(ctx, f, planning)
		}
	case internalCA:
		goal.Authority, err = a.readAuthority(ctx, f)
	case internalPFX:
		goal.Bundles, err = a.readInternalPFX(ctx, f)
	}
	return goal, app.WhileServing(err, app.NothingChanged, "")
}

// readAuthority reads the authority that issues. A password is asked for only
// when the file has one.
func (a *program) readAuthority(ctx context.Context, f internalFlags) (*pki.Authority, error) {
	data, err := app.ReadBounded(f.ca, maxAuthority)
	if err != nil {
		return nil, app.Usage("check the path", "--ca %s: %s", f.ca, err)
	}
	var key []byte
	if f.caKey != "" {
		if key, err = app.ReadBounded(f.caKey, maxAuthority); err != nil {
			return nil, app.Usage("check the path", "--ca-key %s: %s", f.caKey, err)
		}
	}
	source := secretSource{
		what: "password of " + filepath.Base(f.ca), flag: "--ca-password-file", file: f.caPass, variable: "CARTOUCHE_CA_PASSWORD",
	}
	authority, err := withPassword(ctx, a, source, func(password secret.Secret) (*pki.Authority, error) {
		return pki.ReadAuthority(data, key, password)
	})
	return authority, app.UnusableAuthority(f.ca, err)
}

// withPassword reads a file that may have a password, which is asked for only
// when it has one.
func withPassword[T any](ctx context.Context, a *program, source secretSource, read func(secret.Secret) (T, error)) (T, error) {
	var none T
	password, err := a.given(source)
	switch {
	case errors.Is(err, errNotGiven):
		found, err := read(secret.Secret{})
		if !app.IsWrongPassword(err) {
			return found, err
		}
		if password, err = a.ask(ctx, source); err != nil {
			return none, err
		}
	case err != nil:
		return none, err
	}
	return read(password)
}

// readInternalPFX reads the files by what they are for: the name of a machine,
// a site, a product, or, without one, whatever has none of its own.
func (a *program) readInternalPFX(ctx context.Context, f internalFlags) (map[string]*pki.Bundle, error) {
	bundles := map[string]*pki.Bundle{}
	for _, given := range f.files {
		where, file, named := strings.Cut(given, "=")
		if !named {
			where, file = "", given
		}
		where = strings.ToLower(where)
		if bundles[where] != nil {
			return nil, app.InternalPFXTwice(where)
		}
		data, err := app.ReadBounded(file, maxPFX)
		if err != nil {
			return nil, app.Usage("check the path", "--internal-pfx %s: %s", file, err)
		}
		source := secretSource{
			what: "password of " + filepath.Base(file), flag: "--internal-pfx-password-file", file: f.filesPass, variable: "CARTOUCHE_INTERNAL_PFX_PASSWORD",
		}
		bundle, err := withPassword(ctx, a, source, func(password secret.Secret) (*pki.Bundle, error) { return pki.ReadPFX(data, password) })
		if err != nil {
			return nil, app.RefusedFile(file, err)
		}
		bundles[where] = bundle
	}
	return bundles, nil
}

// keeper writes the authority that is made, with its key, into a file that only
// its owner may read. That this can be done is found out before anything else.
func (a *program) keeper(ctx context.Context, f internalFlags, planning bool) (func(*pki.Authority) error, error) {
	if _, err := os.Lstat(f.caOut); err == nil {
		return nil, app.Usage("choose another name, or move it away", "--ca-out %s: there is a file of this name, and it may hold a key that is needed still", f.caOut)
	}
	if info, err := os.Stat(filepath.Dir(f.caOut)); err != nil || !info.IsDir() {
		return nil, app.Usage("check the path", "--ca-out %s: there is no such directory", f.caOut)
	}
	if planning {
		return nil, nil
	}
	password, err := a.ask(ctx, secretSource{
		what: "new password for " + filepath.Base(f.caOut), flag: "--ca-out-password-file", file: f.caOutPass, variable: "CARTOUCHE_CA_OUT_PASSWORD",
	})
	if err != nil {
		return nil, err
	}
	if password.Empty() {
		return nil, app.Usage("give one: --ca-out-password-file FILE, or CARTOUCHE_CA_OUT_PASSWORD", "the key of an authority is not kept without a password")
	}
	return func(authority *pki.Authority) error {
		data, err := pki.WriteAuthority(authority, password)
		if err != nil {
			return err
		}
		file, err := os.OpenFile(f.caOut, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("--ca-out %s: %w", f.caOut, app.PlainPathError(err))
		}
		_, err = file.Write(data)
		return errors.Join(err, file.Sync(), file.Close())
	}, nil
}
