package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// secretSource is a secret and the ways in which it can be given. It is never
// an argument: arguments are seen by every program on the computer.
type secretSource struct {
	// what it is, in a prompt: "password of new.pfx".
	what string
	// flag and file: the flag that names a file, and the file; "-" is standard input.
	flag, file string
	// variable is the environment variable that holds it.
	variable string
}

// errNotGiven says that a secret was given in no way at all.
var errNotGiven = errors.New("not given")

// given reads a secret from its file or variable. The error is errNotGiven when
// there is neither.
func (a *program) given(s secretSource) (secret.Secret, error) {
	if s.file != "" {
		return a.readSecretFile(s)
	}
	if value := a.env.Lookup(s.variable); value != "" {
		return secret.New(value), nil
	}
	return secret.Secret{}, errNotGiven
}

// ask reads a secret from wherever it is given, and asks for it on a terminal.
func (a *program) ask(ctx context.Context, s secretSource) (secret.Secret, error) {
	value, err := a.given(s)
	if !errors.Is(err, errNotGiven) {
		return value, err
	}
	if !a.env.StdinIsTerminal || a.env.ReadPassword == nil {
		return secret.Secret{}, app.Usage(
			fmt.Sprintf("name a file that holds it with %s FILE (- is standard input), or set %s", s.flag, s.variable),
			"the %s is not given", s.what)
	}
	a.ui.progress.Done()
	value, err = a.env.ReadPassword(ctx, escape(s.what, a.ui.errors.ascii)+": ")
	if err != nil {
		return secret.Secret{}, fmt.Errorf("ask for the %s: %w", s.what, err)
	}
	return value, nil
}

func (a *program) readSecretFile(s secretSource) (secret.Secret, error) {
	content, err := a.secretBytes(s.file)
	if err == nil {
		content, err = app.PasswordText(content)
	}
	if err != nil {
		return secret.Secret{}, app.Usage("", "%s %s: %s", s.flag, s.file, err)
	}
	return secret.New(string(content)), nil
}

func (a *program) secretBytes(path string) ([]byte, error) {
	if path == "-" {
		if a.stdinTaken {
			return nil, errors.New("standard input can be read only once")
		}
		a.stdinTaken = true
		return io.ReadAll(io.LimitReader(a.env.Stdin, app.MaxPassword+1))
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, app.PlainPathError(err)
	}
	if info.IsDir() {
		return nil, errors.New("is a directory")
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		a.ui.warn(fmt.Sprintf("%s can be read by others: chmod 600 %s", path, app.Quote(path)))
	}
	return app.ReadBounded(path, app.MaxPassword)
}
