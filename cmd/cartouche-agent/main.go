// Command cartouche-agent does one job at the machine on which it is started,
// and ends: the job is in the sealed file that is named to it, the key comes on
// standard input, the report goes to standard output. It is not installed; Cartouche puts it on a machine by Run Command
// and it is removed afterwards. All of it is in packages agent and machine.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/cartouche-gis/cartouche/internal/agent"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// grace is how long a job that was interrupted may take to say what became of
// it, before the program ends all the same.
const grace = 20 * time.Second

func main() {
	os.Exit(run())
}

func run() int {
	secret.WithoutDumps()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, func() { os.Exit(1) })
	})
	endWithParent(stop)
	if len(os.Args) != 2 {
		return agent.Complain(os.Stderr, agent.BadJob, "it is started with the name of a sealed job")
	}
	sealed, err := os.Open(os.Args[1])
	if err != nil {
		return agent.Complain(os.Stderr, agent.BadJob, err.Error())
	}
	defer sealed.Close()
	return agent.Run(ctx, sealed, os.Stdin, os.Stdout, os.Stderr, work)
}

func work(ctx context.Context, job machine.Job) machine.Report {
	network, err := egress.FromEnvironment(os.Getenv)
	if err != nil {
		return machine.Report{Format: machine.Format, Host: job.Host, At: time.Now(), Trouble: err.Error()}
	}
	worker := machine.Worker{Network: network, Host: machine.NewHost()}
	return worker.Do(ctx, job)
}
