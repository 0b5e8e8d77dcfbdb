package cli

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// signFlags name the key that evidence is signed with.
type signFlags struct {
	file, passphraseFile string
	key                  *evidence.Key
}

func (f *signFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.file, "sign-key", "", "sign the run's evidence with this SSH key; a .pub uses the ssh-agent (also: CARTOUCHE_SIGN_KEY) `FILE`")
	flags.StringVar(&f.passphraseFile, "sign-passphrase-file", "", "file with the passphrase of the SSH key, - for standard input (also: CARTOUCHE_SIGN_PASSPHRASE) `FILE`")
}

// signingKey opens the key to sign evidence with, nil when none is named. It is
// asked for before anything is changed, so that nobody is kept waiting at the end.
func (a *program) signingKey(ctx context.Context) (*evidence.Key, error) {
	f := &a.sign
	if f.key != nil {
		return f.key, nil
	}
	source, file := "--sign-key", f.file
	if file == "" {
		source, file = "CARTOUCHE_SIGN_KEY", a.env.Lookup("CARTOUCHE_SIGN_KEY")
	}
	if file == "" {
		return nil, nil
	}
	data, err := app.ReadBounded(file, evidence.MaxKeyFile)
	if err == nil {
		f.key, err = evidence.OpenKey(data, func() (secret.Secret, error) {
			return a.ask(ctx, secretSource{
				what: "passphrase of " + file, flag: "--sign-passphrase-file", file: f.passphraseFile, variable: "CARTOUCHE_SIGN_PASSPHRASE",
			})
		}, a.env.Lookup("SSH_AUTH_SOCK"))
	}
	if f, ok := errors.AsType[*app.Failure](err); ok {
		return nil, f
	}
	if err != nil {
		return nil, app.Usage("name an SSH key, or leave it out: then evidence is unsigned", "%s %s: %s", source, file, err)
	}
	return f.key, nil
}
