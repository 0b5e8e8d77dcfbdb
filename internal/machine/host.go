package machine

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// Host is the machine itself, for tasks that no API offers. Only the agent has
// one; a simulated machine has another.
type Host interface {
	// OS is "linux" or "windows".
	OS() string
	// Getenv reads the environment of the machine.
	Getenv(name string) string
	// Run runs a program and waits for its end. code is its exit code; err is
	// for a program that could not be started. As root on Linux, a program given
	// by its path that belongs to another login is run as that login: the tools
	// of ArcGIS belong to the login under which it runs, and what they wrote as
	// root it could not change.
	Run(ctx context.Context, program string, args ...string) (stdout, stderr string, code int, err error)
	// Lend lets the login to which program belongs read a file of TempFile, where
	// Run would run the program as that login.
	Lend(path, program string) error
	// ImportPFX puts a certificate and its key into the store of the computer
	// (LocalMachine\My), where IIS takes it from, and its intermediates into
	// LocalMachine\CA. There is no such store on Linux.
	ImportPFX(ctx context.Context, pfx, password secret.Secret) error
	// TempFile writes content to a new file that only its owner may read, and
	// gives its path and a function that removes it.
	TempFile(suffix string, content []byte) (path string, remove func(), err error)
}
