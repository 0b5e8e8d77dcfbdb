// Package agent is the small program that runs once on a machine inside the
// virtual network: how it is had for an operating system, the constant scripts
// that start it there, and what it does with its input.
//
// The scripts get everything as parameters and never as spliced text. The
// program opens a sealed job with the key that it gets on standard input, does
// it, and prints the report; it listens nowhere, writes no file that it does not
// remove, and ends.
package agent

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// defaultLimit bounds a job that names no limit.
const defaultLimit = time.Hour

// maxJob and maxKey bound what is read of either.
const (
	maxJob = 8 << 20
	maxKey = 4 << 10
)

// Run is the program: it reads a sealed job and its key, has it done, prints the
// report, and gives the exit code. do is [machine.Worker.Do]. A task that
// failed is in the report, and the exit code is 0 all the same; another code
// says that nothing was done, and why is a complaint on stderr.
func Run(ctx context.Context, sealed, key io.Reader, stdout, stderr io.Writer, do func(context.Context, machine.Job) machine.Report) int {
	said, err := io.ReadAll(io.LimitReader(key, maxKey))
	if err != nil {
		return Complain(stderr, BadJob, "standard input could not be read: "+err.Error())
	}
	content, err := io.ReadAll(io.LimitReader(sealed, maxJob))
	if err != nil {
		return Complain(stderr, BadJob, "the job could not be read: "+err.Error())
	}
	opener := secret.New(strings.Map(printable, string(said)))
	job, err := machine.Open(content, opener)
	if err != nil {
		return Complain(stderr, BadJob, err.Error())
	}
	limit := job.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	line, err := machine.EncodeReport(do(ctx, job), opener)
	if err != nil {
		return Complain(stderr, BadReport, err.Error())
	}
	if _, err := fmt.Fprintln(stdout, line); err != nil {
		return Complain(stderr, BadReport, "the report could not be printed: "+err.Error())
	}
	return 0
}

// printable drops what Windows PowerShell may put around a line that it pipes:
// a byte order mark where the console is UTF-8 (.NET's Process.StandardInput
// begins with the encoding's preamble), zeros in UTF-16, the line's end.
func printable(r rune) rune {
	if r <= ' ' || r > '~' {
		return -1
	}
	return r
}
