package machine

import "context"

// Host is the machine itself, for tasks that no API offers. Only the agent has
// one; a simulated machine has another.
type Host interface {
	// OS is "linux" or "windows".
	OS() string
	// Getenv reads the environment of the machine.
	Getenv(name string) string
	// Run runs a program and waits for its end. code is its exit code; err is
	// for a program that could not be started.
	Run(ctx context.Context, program string, args ...string) (stdout, stderr string, code int, err error)
	// TempFile writes content to a new file that only its owner may read, and
	// gives its path and a function that removes it.
	TempFile(suffix string, content []byte) (path string, remove func(), err error)
}
