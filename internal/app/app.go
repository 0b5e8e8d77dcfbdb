// Package app is what people can do with Cartouche, whichever way they ask:
// sign in, find deployments, look at one, make a plan, carry it out, take it
// back, and read what was done. The command line and the pages stand on it, and
// say the same because of that.
//
// It knows neither terminals nor browsers. Nobody is asked anything here: what
// only a person can say comes as a value, or as a function that gets it. What is
// going on is told to a [Teller], what came of it is a value that `--json` writes
// as it is, and what went wrong is a [Failure].
package app

import (
	"crypto"
	"time"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// App is a computer, as far as Cartouche has to do with it: what its environment
// says, where secrets and the journal are kept, its clock. It is the same for all
// work; whom to tell is not, see [App.With].
type App struct {
	// Lookup gives the value of an environment variable, "" when it is not set.
	Lookup func(string) string
	// Now is the clock.
	Now func() time.Time
	// Keychain keeps the sign-in of a person. Nil means that there is none.
	Keychain account.Keychain
	// Patience is how long changes may take; zero is for production.
	Patience rotation.Patience
	// MachinePatience is the same for changes of machines.
	MachinePatience rollout.Patience
	// PollInterval is between two looks at an operation of Azure when Azure does
	// not say; zero is for production.
	PollInterval time.Duration
	// Keys makes the keys of certificates that are issued; nil is pki.NewKey.
	Keys func(bits int) (crypto.Signer, error)
	// Version of the program.
	Version string
	// Verbose tells every call to Azure.
	Verbose bool
	// Tell hears how it goes on. Nil means that nobody listens.
	Tell Teller
	// Changing is told the name of a deployment, as it is typed, while a run may
	// leave it half changed, and "" afterwards. Nil is fine.
	Changing func(name string)
	// AtMachines is told whether a program of ours is at machines. Nil is fine.
	AtMachines func(there bool)
}

// With is the same computer with another one to tell, for one piece of work.
func (a *App) With(teller Teller) *App {
	other := *a
	other.Tell = teller
	return &other
}
