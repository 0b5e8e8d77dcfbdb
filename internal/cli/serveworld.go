package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rehearsal"
	"github.com/cartouche-gis/cartouche/internal/rehearse"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// servedWorld is a simulated world with the application as it works inside, whose
// memory is forgotten with the world.
type servedWorld struct {
	*sim.World
	inner *app.App
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
	inside := world.Deployments()[0].PublicIP == "" // its name is known there only
	return servedWorld{world, rehearse.Inside(a.App, world, memory, options.scale, inside)}, end, nil
}
