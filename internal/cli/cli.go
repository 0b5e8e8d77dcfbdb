// Package cli is the command line of Cartouche: what people type, what they
// see, and with which status the program ends.
//
// The program is a value. [Environment] holds everything that it takes from the
// outside (arguments, streams, environment variables, clock, signals), and
// [Run] runs it and returns the exit status, so that tests run it as users do,
// many at a time, within one process.
//
// Nothing is read, signed in to or opened before a command needs it: starting
// must stay far below what a person notices.
package cli

import (
	"context"
	"crypto"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// Environment is everything that the program takes from the outside.
type Environment struct {
	// Args are the arguments without the program's own name.
	Args           []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Lookup gives the value of an environment variable, "" when it is not set.
	Lookup func(string) string
	// The terminals decide about prompts, colours and live progress.
	StdinIsTerminal, StdoutIsTerminal, StderrIsTerminal bool
	// Width of the terminal in columns; 0 means that nothing is wrapped.
	Width int
	// ReadPassword asks on the terminal without echo. It must return when ctx
	// ends. Nil means that nobody can be asked.
	ReadPassword func(ctx context.Context, prompt string) (secret.Secret, error)
	// Keychain keeps the sign-in of a person. Nil means that there is none.
	Keychain account.Keychain
	// OpenBrowser shows an address in the browser. Nil means that there is none.
	OpenBrowser func(ctx context.Context, address string) error
	// Interrupts brings Ctrl-C and its like. The first one asks the command to
	// stop in order, which may mean to go back first; the second one makes Run
	// return at once. A lost terminal (SIGHUP) never does the latter: shell and
	// kernel both tell of it, and nobody asked to leave anything half done.
	// Nil is fine.
	Interrupts <-chan os.Signal
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	// Patience is how long changes may take; zero is for production.
	Patience rotation.Patience
	// MachinePatience is the same for changes of machines.
	MachinePatience rollout.Patience
	// PollInterval is between two looks at an operation of Azure when Azure
	// does not say; zero is for production.
	PollInterval time.Duration
	// Keys makes the keys of certificates that are issued; nil is for production.
	Keys func(bits int) (crypto.Signer, error)
	// Version of the program, "dev" when empty.
	Version string
}

// Run runs the program and returns its exit status.
func Run(ctx context.Context, env Environment) int {
	env = env.withDefaults()
	a := newProgram(env)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan int, 1)
	go func() { ended <- a.execute(ctx) }()
	for asked, stopping := 0, false; ; {
		select {
		case status := <-ended:
			return status
		case signal := <-env.Interrupts:
			if signal != syscall.SIGHUP {
				asked++
			}
			if asked > 1 {
				return a.leaveAtOnce()
			}
			if !stopping {
				stopping = true
				a.stopInOrder()
				cancel()
			}
		}
	}
}

func (env Environment) withDefaults() Environment {
	if env.Lookup == nil {
		env.Lookup = func(string) string { return "" }
	}
	if env.Now == nil {
		env.Now = time.Now
	}
	if env.Version == "" {
		env.Version = "dev"
	}
	return env
}
