// Package agent is the small program that runs once on a machine inside the
// virtual network: how it is had for an operating system, the constant scripts
// that start it there, and what it does with its input.
//
// The scripts get everything as parameters and never as spliced text. The
// program reads a job from standard input, does it, and prints the report; it
// listens nowhere, writes no file that it does not remove, and ends.
package agent

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
)

// defaultLimit bounds a job that names no limit.
const defaultLimit = time.Hour

// maxInput bounds what is read from standard input.
const maxInput = 8 << 20

// Run is the program: it reads a job from stdin, has it done, prints the
// report, and gives the exit code. do is [machine.Worker.Do]. A task that
// failed is in the report, and the exit code is 0 all the same; another code
// says that nothing was done, and why is a complaint on stderr.
func Run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, do func(context.Context, machine.Job) machine.Report) int {
	input, err := io.ReadAll(io.LimitReader(stdin, maxInput))
	if err != nil {
		return Complain(stderr, BadJob, "standard input could not be read: "+err.Error())
	}
	job, err := machine.Decode(input)
	if err != nil {
		return Complain(stderr, BadJob, err.Error())
	}
	limit := job.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	line, err := machine.EncodeReport(do(ctx, job))
	if err != nil {
		return Complain(stderr, BadReport, err.Error())
	}
	if _, err := fmt.Fprintln(stdout, line); err != nil {
		return Complain(stderr, BadReport, "the report could not be printed: "+err.Error())
	}
	return 0
}
