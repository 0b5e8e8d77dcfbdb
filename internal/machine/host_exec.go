package machine

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// maxOutput bounds what is kept of a program's output, each of both: the
// beginning, as that is where a tool says what is wrong.
const maxOutput = 1 << 20

// NewHost is the computer on which this program runs.
func NewHost() Host { return computer{} }

type computer struct{}

func (computer) OS() string { return runtime.GOOS }

func (computer) Getenv(name string) string { return os.Getenv(name) }

// Run ends the program and what it started when ctx ends.
func (computer) Run(ctx context.Context, program string, args ...string) (stdout, stderr string, code int, err error) {
	command := exec.CommandContext(ctx, program, args...)
	ownGroup(command)
	asOwner(command, program)
	// Whoever inherited the output from a killed program does not keep us.
	command.WaitDelay = 5 * time.Second
	var out, complaints bounded
	command.Stdout, command.Stderr = &out, &complaints
	err = command.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return out.String(), complaints.String(), -1, ctx.Err()
	case errors.As(err, &exit):
		return out.String(), complaints.String(), exit.ExitCode(), nil
	case err != nil:
		return out.String(), complaints.String(), -1, err
	}
	return out.String(), complaints.String(), 0, nil
}

// TempFile relies on os.CreateTemp: mode 0600, a name that cannot be guessed.
// On Windows the folder decides who may read it; the script that starts the
// agent sets TEMP to one of its own.
func (computer) TempFile(suffix string, content []byte) (path string, remove func(), err error) {
	file, err := os.CreateTemp("", "cartouche-*"+suffix)
	if err != nil {
		return "", nil, err
	}
	remove = func() { os.Remove(file.Name()) }
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err != nil {
		remove()
		return "", nil, err
	}
	return file.Name(), remove, nil
}

// bounded keeps the first maxOutput bytes and takes the rest without keeping it.
type bounded struct{ kept bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if left := maxOutput - b.kept.Len(); left > 0 {
		b.kept.Write(p[:min(left, len(p))])
	}
	return len(p), nil
}

func (b *bounded) String() string { return b.kept.String() }
