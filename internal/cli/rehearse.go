package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/shape"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// rehearseScale is how much faster than ours the rehearsal's time goes, unless
// somebody says otherwise. What this computer needs itself counts as many times
// over, so a larger one tells less of durations.
const rehearseScale = 30

type rehearseOptions struct {
	roll   rollOutOptions
	save   string
	mask   bool
	from   string
	scale  float64
	faults []string
}

func newRehearseCommand(a *program) *cobra.Command {
	var options rehearseOptions
	cmd := &cobra.Command{
		Use:     "rehearse DEPLOYMENT | --gateway ID | --from FILE [--pfx FILE] [--vault VAULT --certificate NAME]",
		GroupID: groupChange,
		Short:   "run the very renewal in a copy of the deployment on this computer first",
		Long: `Reads the deployment, makes a simulated world of what it looks like on this computer, runs
there what "cartouche apply" with the same flags would run, while requests go through the
gateway, and reports: each step with its time, restarts, what visitors would have noticed,
what would have failed, and what could not be rehearsed. Nothing of the deployment is
changed: it is only read, and the rest stays on this computer (docs/rehearse.md).

The .pfx file is the real one. Certificates that are served now are stood in for by others
that look like them. Durations are those of the world, whose waits are documented ones:
they say what takes minutes and what takes an hour, not how many seconds.

Machines are looked at where they can be dialled from here. --reach agent also looks at
them from outside, by a small program that Azure's Run Command runs there: leave it out if
not even that is to touch them.

With --save the shape of the deployment is written to a file, which holds no secret, and
with --mask no name either; --from rehearses with such a file, without a sign-in.
With --fault something goes wrong on purpose (see "cartouche sim --help").`,
		Example: `  cartouche rehearse gis.example.com --pfx new.pfx
  cartouche rehearse gis.example.com --pfx new.pfx --fault wrong-leaf@edge
  cartouche rehearse gis.example.com --internal issue --reach direct
  cartouche rehearse gis.example.com --save shape.json --mask
  cartouche rehearse --from shape.json --pfx new.pfx --fault failed-operation@gateway-put
  cartouche rehearse --from masked.json`,
		Args:              atMostOneArgument,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags := cmd.Flags()
	options.roll.add(cmd)
	flags.StringVar(&options.from, "from", "", "rehearse with a shape that --save wrote, instead of reading a deployment `FILE`")
	flags.StringVar(&options.save, "save", "", "write the shape of the deployment, to look at and to share `FILE`")
	flags.BoolVar(&options.mask, "mask", false, "replace names, addresses and certificates in the shape by others")
	flags.StringArrayVar(&options.faults, "fault", nil, "something goes wrong, as name@step or name@step*times, repeatable `FAULT`")
	flags.Float64Var(&options.scale, "scale", rehearseScale, "how many times faster than ours the time of the rehearsal goes `N`")
	groupFlags(flags, "Rehearsal", "from", "save", "mask", "fault", "scale")
	cmd.RunE = a.run(func(ctx context.Context, args []string) error {
		if err := options.take(cmd, args); err != nil {
			return err
		}
		return a.rehearse(ctx, options)
	})
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitRefused, app.ExitPreflight, app.ExitRestored, app.ExitNotRestored, app.ExitInterrupted)
}

// take finds out what is rehearsed, and refuses what does not go together.
func (o *rehearseOptions) take(cmd *cobra.Command, args []string) error {
	switch {
	case o.from != "" && (len(args) > 0 || o.roll.about.Gateway != ""):
		return app.Usage("leave one of them out", "--from has the deployment in it, so none is named")
	case o.from != "" && o.roll.vault.Vault != "" && o.roll.pfx.file == "":
		return app.Usage("give --pfx FILE", "--from %s: without a sign-in nothing is read in Key Vault", o.from)
	case o.scale < 1 || o.scale > 1000:
		return app.Usage("--scale 30", "--scale %g: from 1 to 1000", o.scale)
	case o.roll.reach.reach == app.ReachDSC:
		return app.Usage("--reach agent, or --reach direct", "the way dsc is not rehearsed: the extension's settings, which only Azure has, are not in a shape")
	case o.mask && o.save == "" && o.from == "":
		return app.Usage("add --save FILE", "--mask is about the file that --save writes")
	}
	if o.roll.internal.asked() {
		if err := o.roll.onlyInternal(); err != nil {
			return err
		}
	} else if err := o.roll.forClients(); err != nil {
		return err
	}
	if o.from != "" {
		return nil
	}
	return o.roll.takeTarget(cmd, args, "")
}

// rehearsed is what is needed of the deployment for a rehearsal.
type rehearsed struct {
	shape shape.Shape
	// asked and goal are those of the renewal, internal that of the machines' certificates.
	asked    app.Renewal
	goal     rotation.Goal
	internal rollout.Goal
	roots    *pki.Roots
	// plan is that for the deployment itself, nil where only a file was read.
	plan *rotation.Plan
	// reachAuto tells that no way was named, near that the machines could be dialled.
	reachAuto bool
	near      bool
	name      string // by which it is typed
}

func (a *program) rehearse(ctx context.Context, options rehearseOptions) error {
	faults, err := faultsOf(options.faults)
	if err != nil {
		return err
	}
	var of rehearsed
	if options.from != "" {
		of, err = a.shapeFrom(ctx, options)
	} else {
		of, err = a.shapeOf(ctx, options)
	}
	if err != nil {
		return err
	}
	if options.save != "" && of.nothing(options) {
		return a.onlySaved(of.shape, options)
	}
	stage := &rehearsalStage{program: a, options: options, of: of}
	defer stage.end(context.WithoutCancel(ctx))
	if err := stage.start(ctx, faults); err != nil {
		return err
	}
	if options.roll.internal.asked() {
		return stage.runInternal(ctx)
	}
	return stage.runExternal(ctx)
}

// nothing tells that there is nothing to roll out: the shape alone was wanted.
func (of rehearsed) nothing(options rehearseOptions) bool {
	return of.goal.Bundle == nil && !of.goal.Vault.Named() && !options.roll.internal.asked() && options.roll.vault.Form() == rotation.FormFitting
}

func faultsOf(texts []string) ([]ground.Fault, error) {
	var faults []ground.Fault
	for _, text := range texts {
		fault, err := ground.ParseFault(text)
		if err == nil {
			err = sim.CheckFault(fault)
		}
		if err != nil {
			return nil, app.Usage("cartouche sim --help", "%s", err)
		}
		faults = append(faults, fault)
	}
	return faults, nil
}

// reachOf is how machines of the deployment itself are looked at: nothing is run
// there unless that was asked for.
func (o rehearseOptions) reachOf() reachFlags {
	flags := o.roll.reach
	flags.serverPFXPass, flags.portalPFXPass = "", ""
	return flags
}
