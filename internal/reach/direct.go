package reach

import (
	"context"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/machine"
)

// probeTime is how long a port may take to answer before a machine counts as
// out of reach. Inside a network, or through a tunnel, it takes milliseconds.
const probeTime = 2 * time.Second

type direct struct {
	network *egress.Network
	tell    func(string)
}

// NewDirect is the way for where this process can dial the machines itself: a
// computer in the virtual network, or one with a tunnel to it. tell, if given,
// hears what is being done.
func NewDirect(network *egress.Network, tell func(string)) Way {
	return &direct{network: network, tell: tell}
}

func (d *direct) Kind() Kind { return Direct }

func (d *direct) Close(context.Context) error { return nil }

// Dialable tells whether some port of the machine can be dialled from here. All
// of its ports are tried at once.
func Dialable(ctx context.Context, network *egress.Network, m Machine) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	open := make(chan bool, len(m.Components))
	for _, c := range m.Components {
		go func() {
			conn, err := network.DialContext(ctx, "tcp", net.JoinHostPort(m.Host, strconv.Itoa(c.Port)))
			if err == nil {
				_ = conn.Close()
			}
			open <- err == nil
		}()
	}
	for range m.Components {
		if <-open {
			return true
		}
	}
	return false
}

// AllDialable tells, side by side, which of the machines can be dialled from
// here, by their place in the list. It takes no longer than one of them.
func AllDialable(ctx context.Context, network *egress.Network, machines []Machine) []bool {
	dialable := make([]bool, len(machines))
	var all sync.WaitGroup
	for i, m := range machines {
		all.Go(func() { dialable[i] = Dialable(ctx, network, m) })
	}
	all.Wait()
	return dialable
}

// Do does the job from this process. There is no way to a machine but its
// ports, so what cannot be reached is in the report.
func (d *direct) Do(ctx context.Context, at Machine, job machine.Job) (machine.Report, error) {
	if ctx.Err() != nil {
		return machine.Report{}, named(notBegun(ctx), at.Name)
	}
	worker := machine.Worker{Network: d.network}
	if d.tell != nil {
		worker.Tell = func(line string) { d.tell(at.Name + ": " + line) }
	}
	return worker.Do(ctx, prepare(at, job)), nil
}

// prepare fills in what a job says of its machine where the caller did not.
func prepare(at Machine, job machine.Job) machine.Job {
	if job.Format == 0 {
		job.Format = machine.Format
	}
	if job.Host == "" {
		job.Host = at.Host
	}
	if job.Components == nil {
		job.Components = at.Components
	}
	return job
}
