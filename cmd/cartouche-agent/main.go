// Command cartouche-agent does one job at the machine on which it is started,
// and ends: the job comes on standard input, the report goes to standard
// output. It is not installed; Cartouche puts it on a machine by Run Command
// and it is removed afterwards. All of it is in packages agent and machine.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/cartouche-gis/cartouche/internal/agent"
	"github.com/cartouche-gis/cartouche/internal/machine"
)

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return agent.Run(ctx, os.Stdin, os.Stdout, os.Stderr, func(context.Context, machine.Job) machine.Report {
		return machine.Report{Format: machine.Format, Trouble: "the worker is not there yet"}
	})
}
