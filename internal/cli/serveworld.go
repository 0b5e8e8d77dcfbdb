package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rehearsal"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// servedWorld is a simulated world with the program as it runs inside: the same
// code with the world's environment instead of ours, and a memory that is
// forgotten with the world.
type servedWorld struct {
	*sim.World
	inner *program
}

// worldOfPages starts the world that the pages are about.
func (a *program) worldOfPages(ctx context.Context, options serveOptions) (served servedWorld, end func(), err error) {
	// Scripts of Run Command run, so that machines can be looked at: who gives
	// them needs a login of this world, which only its pages show.
	settings := sim.Options{World: options.world, Scale: options.scale, Scripts: true, Known: rehearsal.Known()}
	for _, text := range options.faults {
		fault, err := ground.ParseFault(text)
		if err != nil {
			return served, nil, app.Usage("cartouche sim --help", "%s", err)
		}
		settings.Faults = append(settings.Faults, fault)
	}
	a.ui.progress.Doing(rotation.PhaseObserve, "starting the world "+options.world)
	world, err := sim.Start(ctx, settings)
	a.ui.progress.Done()
	if err != nil {
		return served, nil, app.Usage("cartouche sim --help", "%s", err)
	}
	memory, err := os.MkdirTemp("", "cartouche-pages-")
	if err != nil {
		_ = world.Close()
		return served, nil, fmt.Errorf("make a directory for the journal of the world's pages: %w", err)
	}
	end = func() {
		_ = world.Close()
		_ = os.RemoveAll(memory)
	}
	return servedWorld{world, a.insideWorld(world, memory, options.scale)}, end, nil
}

// insideWorld is the program with the environment of the world.
func (a *program) insideWorld(world *sim.World, memory string, scale float64) *program {
	variables := map[string]string{"CARTOUCHE_STATE_DIR": memory}
	environment := world.Environment()
	if world.Deployments()[0].PublicIP == "" {
		environment = world.InsideEnvironment() // its name is known there only
	}
	for _, variable := range environment {
		variables[variable.Name] = variable.Value
	}
	env := a.env
	env.Lookup = func(name string) string { return variables[name] }
	waits := rehearsalStage{options: rehearseOptions{scale: scale}} // which knows how long things take in a world
	env.Patience, env.MachinePatience, env.PollInterval = waits.patience(), waits.machinePatience(), waits.short(pollInterval)
	env.Keychain = nil
	inner := newProgram(env)
	inner.ui, inner.flags = a.ui, a.flags
	return inner
}

// pollInterval is between two looks at an operation of Azure, in its own time.
const pollInterval = time.Second
