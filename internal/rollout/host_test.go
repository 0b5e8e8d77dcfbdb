package rollout_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/computer"
)

// onMachines is a way that works on the machines themselves, as the agent does,
// without what carries it there: that is tested in package reach.
type onMachines struct {
	t       testing.TB
	world   *sim.World
	network *egress.Network
}

func (w onMachines) Kind() reach.Kind { return reach.Agent }

func (w onMachines) Close(context.Context) error { return nil }

func (w onMachines) Do(ctx context.Context, at reach.Machine, job machine.Job) (machine.Report, error) {
	on := w.world.Computer(at.ID)
	if on == nil {
		return machine.Report{}, &reach.Error{Code: reach.MachineOff, Machine: at.Name, Sentence: "there is no such machine"}
	}
	worker := machine.Worker{Network: w.network, Host: simulated{w.world, on}}
	return worker.Do(ctx, job), nil
}

// simulated is a machine of the world as its own programs see it.
type simulated struct {
	world *sim.World
	on    *computer.Computer
}

func (s simulated) OS() string { return strings.ToLower(s.on.OS()) }

func (s simulated) Getenv(name string) string {
	for _, variable := range s.on.Env() {
		if value, ok := strings.CutPrefix(variable, name+"="); ok {
			return value
		}
	}
	return ""
}

func (s simulated) Run(ctx context.Context, program string, args ...string) (stdout, stderr string, code int, err error) {
	return s.on.Exec(ctx, program, args...)
}

func (s simulated) Lend(string, string) error { return nil } // one login has everything here

func (s simulated) ImportPFX(_ context.Context, pfx, password secret.Secret) error {
	_, err := s.world.Host(s.on.FQDN()).IIS().ImportPFX([]byte(pfx.Reveal()), password.Reveal())
	return err
}

func (s simulated) TempFile(suffix string, content []byte) (string, func(), error) {
	file, err := os.CreateTemp(s.on.Dir(), "cartouche-*"+suffix)
	if err != nil {
		return "", nil, err
	}
	defer file.Close()
	_, err = file.Write(content)
	return file.Name(), func() { _ = os.Remove(file.Name()) }, err
}
