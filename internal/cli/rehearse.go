package cli

import (
	"bytes"
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rehearse"
	"github.com/cartouche-gis/cartouche/internal/shape"
)

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
	flags.Float64Var(&options.scale, "scale", rehearse.DefaultScale, "how many times faster than ours the time of the rehearsal goes `N`")
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
	case o.mask && o.save == "" && o.from == "":
		return app.Usage("add --save FILE", "--mask is about the file that --save writes")
	}
	if err := (rehearse.Asked{Scale: o.scale, Renewal: app.Renewal{Reach: app.Reach{Way: o.roll.reach.reach}}}).Check(); err != nil {
		return err
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

func (a *program) rehearse(ctx context.Context, options rehearseOptions) error {
	faults, err := rehearse.Faults(options.faults)
	if err != nil {
		return err
	}
	asked, err := a.rehearsalAsked(ctx, options)
	if err != nil {
		return err
	}
	asked.Faults = faults
	var original *rehearse.Original
	if options.from != "" {
		original, err = a.originalFrom(ctx, options, asked)
	} else {
		original, err = a.originalOf(ctx, options, asked)
	}
	if err != nil {
		return err
	}
	if options.save != "" { // also of a deployment whose plan is refused
		if err := saveShape(original.Shape, options); err != nil {
			return err
		}
	}
	if err := original.Check(ctx); err != nil {
		return err
	}
	if options.save != "" && original.Nothing() {
		return a.onlySaved(original.Shape, options)
	}
	played, err := original.Play(ctx, a.App)
	a.ui.progress.Done()
	if err != nil {
		return err
	}
	played.Saved, played.Next = options.save, options.realCommand(original)
	return a.played(played, options.roll)
}

// rehearsalAsked reads what is to be rolled out.
func (a *program) rehearsalAsked(ctx context.Context, options rehearseOptions) (asked rehearse.Asked, err error) {
	asked = rehearse.Asked{Scale: options.scale, WithoutPortal: options.roll.site.withoutPortal}
	if !options.roll.internal.asked() {
		asked.Renewal, err = a.renewal(ctx, options.roll)
		return asked, err
	}
	flags := options.roll.internal
	flags.caOut, flags.caOutPass = "", "" // an authority that is made in a rehearsal is of no use after it
	goal, err := a.internalGoal(ctx, flags, false)
	if err != nil {
		return asked, err
	}
	asked.Machines, asked.Renewal.NoLease = &goal, options.roll.lease.none
	if asked.Renewal.Roots, err = readRootFiles(options.roll.rootFiles); err != nil {
		return asked, err
	}
	asked.Renewal.Reach, err = a.reachAsked(options.roll.reach)
	return asked, err
}

// originalFrom reads a shape that was saved.
func (a *program) originalFrom(ctx context.Context, options rehearseOptions, asked rehearse.Asked) (*rehearse.Original, error) {
	data, err := app.ReadBounded(options.from, maxShapeFile)
	if err != nil {
		return nil, app.WhileServing(app.Usage("check the path", "--from %s: %s", options.from, err), app.NothingChanged, "")
	}
	saved, err := shape.Read(bytes.NewReader(data))
	if err != nil {
		return nil, app.WhileServing(app.Usage("cartouche rehearse DEPLOYMENT --save "+app.Quote(options.from), "--from %s: %s", options.from, err), app.NothingChanged, "")
	}
	if options.mask {
		if saved, err = shape.Masked(saved); err != nil {
			return nil, err
		}
	}
	return rehearse.FromShape(ctx, a.App, saved, asked)
}

// maxShapeFile bounds what is read before package shape looks at it.
const maxShapeFile = 16 << 20

// originalOf signs in and reads the deployment. Without its password the site
// administrator is not used: federation and keystores are not read then.
func (a *program) originalOf(ctx context.Context, options rehearseOptions, asked rehearse.Asked) (*rehearse.Original, error) {
	s, err := a.connect(ctx, options.roll.azure)
	if err != nil {
		return nil, err
	}
	if _, err := asked.Renewal.Vault.Named(s.In); err != nil {
		return nil, err
	}
	chosen, err := options.roll.about.choose(ctx, s)
	if err != nil {
		return nil, err
	}
	credentials, err := a.lookingLogins(options.roll.site)
	if err != nil {
		return nil, err
	}
	return rehearse.Read(ctx, s, chosen, credentials, asked)
}

// realCommand is what does for the deployment what was rehearsed.
func (o rehearseOptions) realCommand(original *rehearse.Original) string {
	if o.from != "" {
		return "cartouche apply DEPLOYMENT" + strings.TrimSuffix(o.roll.words(), " ")
	}
	return "cartouche apply " + original.Name() + o.roll.words()
}

// saveShape writes the shape. It holds no secret, but says much of the
// deployment: only its owner can read it.
func saveShape(s shape.Shape, options rehearseOptions) (err error) {
	if options.mask && !s.Masked {
		if s, err = shape.Masked(s); err != nil {
			return err
		}
	}
	var text bytes.Buffer
	if err := s.Write(&text); err != nil {
		return err
	}
	if err := os.WriteFile(options.save, text.Bytes(), 0o600); err != nil {
		return app.WhileServing(app.Usage("check the path", "--save %s: %s", options.save, app.PlainPathError(err)), app.NothingChanged, "")
	}
	return nil
}
