package cli_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// A mistake in the program is said as an error, with the next command; what it
// was working on is not.
func TestAPanicIsSaidAndShowsNoSecret(t *testing.T) {
	pfx := lockedPFX(t, "open sesame")
	var none map[string]bool
	for name, test := range map[string]struct {
		trouble func(password string)
		want    string
	}{
		"by Go's runtime": {func(string) { none["x"] = true }, "a mistake in the program: assignment to entry in nil map"},
		"by a library":    {func(password string) { panic("cannot parse " + password) }, "a mistake in the program: a value of type string, which is not shown"},
		"by an error":     {func(password string) { panic(errors.New(password)) }, "a mistake in the program: a value of type *errors.errorString"},
	} {
		for _, form := range [][]string{nil, {"--json"}} {
			status, stdout, stderr := run(t, func(env *cli.Environment) {
				env.StdinIsTerminal = true
				env.ReadPassword = func(context.Context, string) (secret.Secret, error) {
					password := secret.New("open sesame")
					test.trouble(password.Reveal())
					return password, nil
				}
			}, append([]string{"check", pfx}, form...)...)
			if status != 1 || !strings.Contains(stdout+stderr, test.want) || !strings.Contains(stdout+stderr, "cartouche history") {
				t.Errorf("%s: status %d\n%s%s", name, status, stdout, stderr)
			}
			if !strings.Contains(stderr, "TestAPanicIsSaid") {
				t.Errorf("%s: the place is missing in\n%s", name, stderr)
			}
			s := &transcript{}
			s.secret("password", "open sesame")
			s.add([]byte(stdout), []byte(stderr))
			for _, leak := range s.leaks() {
				t.Errorf("%s: %s came out", name, leak)
			}
		}
	}
}
