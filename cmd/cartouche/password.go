package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// readPassword asks on the terminal without echo. When ctx ends first, as by
// Ctrl-C, the terminal gets its echo back; otherwise it would stay dumb after
// the program has gone.
func readPassword(ctx context.Context, prompt string) (secret.Secret, error) {
	terminal := int(os.Stdin.Fd())
	before, err := term.GetState(terminal)
	if err != nil {
		return secret.Secret{}, fmt.Errorf("read from the terminal: %w", err)
	}
	fmt.Fprint(os.Stderr, prompt)
	defer fmt.Fprintln(os.Stderr)
	type reply struct {
		text []byte
		err  error
	}
	replies := make(chan reply, 1)
	go func() {
		text, err := term.ReadPassword(terminal)
		replies <- reply{text, err}
	}()
	select {
	case r := <-replies:
		return secret.New(string(r.text)), r.err
	case <-ctx.Done():
		return secret.Secret{}, errors.Join(ctx.Err(), term.Restore(terminal, before))
	}
}
