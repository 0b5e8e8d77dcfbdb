package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

func newCleanCommand(a *program) *cobra.Command {
	var options changeOptions
	var about target
	var soak soakFlags
	var internal bool
	cmd := &cobra.Command{
		Use:     "clean DEPLOYMENT | --gateway ID",
		GroupID: groupChange,
		Short:   "remove what rotations have left: on the gateway, or on the machines",
		Long: `Removes the entries that Cartouche added and those that its runs replaced, as far as no
listener uses them; entries of other people stay. That clients are served as before is
proved. What a run of the last 7 days replaced stays, so that it can be taken back with
"cartouche undo", and it is said until when: --soak N for another number of days, --now to
remove it at once.

With --internal it removes what replacing the machines' certificates has left: old entries in
their keystores, and roots in theirs and in the gateway's trust that nobody presents any more.`,
		Example: `  cartouche clean gis.example.com
  cartouche clean gis.example.com --yes --json
  cartouche clean gis.example.com --now
  cartouche clean gis.example.com --internal`,
		Args:              about.take,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			soak, err := soak.soak(a.env.Now())
			if err != nil {
				return err
			}
			if internal {
				return a.cleanInternal(ctx, about, options, soak)
			}
			return a.clean(ctx, about, options, soak)
		}),
	}
	cmd.Flags().BoolVar(&internal, "internal", false, "what replacing the machines' certificates has left, instead of the gateway's entries")
	soak.add(cmd.Flags())
	about.add(cmd.Flags())
	options.add(cmd)
	a.sign.add(cmd.Flags())
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight, app.ExitRestored, app.ExitNotRestored, app.ExitLocked, app.ExitInterrupted)
}

func (a *program) clean(ctx context.Context, about target, options changeOptions, soak rotation.Soak) error {
	seen, err := a.look(ctx, about.choose, options.azure, options.site, looking{flags: options.reach, when: app.Never, changes: true, lease: options.lease})
	if err != nil {
		return err
	}
	state := seen.State
	cleaning, err := seen.PlanClean(ctx, soak)
	if err != nil {
		return err
	}
	entries, soaking := cleaning.Entries, cleaning.Soaking
	if len(entries) == 0 {
		return a.nothingToClean(state, soaking)
	}
	if !a.ui.json {
		a.ui.say(title("Clean "+state.Deployment.Name), faint("  "+app.LastSegment(state.Gateway.ID())))
		for _, entry := range entries {
			a.ui.item(caution("-"), "remove certificate entry "+entry+", which no listener uses")
		}
		a.ui.soaking(soaking, state.At)
		a.ui.fields(field{"restarts", words(good("none"))}, field{"undo", words("none: roll the old .pfx out again")})
	}
	err = a.confirm(ctx, options.yes, fmt.Sprintf("remove %s from the gateway %s now?", strings.Join(entries, ", "), app.LastSegment(state.Gateway.ID())))
	if err != nil {
		return err
	}
	return a.signed(ctx, state, func(key *evidence.Key) error { return cleaning.Clean(ctx, key, a.report) })
}

// nothingToClean ends without a run: nothing was written and nothing is new.
func (a *program) nothingToClean(state rotation.State, soaking []rotation.Soaking) error {
	if a.ui.json {
		return a.ui.value(app.NothingToClean(state, soaking))
	}
	if len(soaking) > 0 {
		a.ui.say(a.ui.outStyle.tick(), " nothing to clean yet: what runs have replaced soaks")
		a.ui.soaking(soaking, state.At)
		a.ui.advice(a.ui.out, a.ui.outStyle, 2, "to remove it all the same: ", "cartouche clean "+app.CallDeployment(state.Deployment)+" --now")
		return nil
	}
	a.ui.say(a.ui.outStyle.tick(), " nothing to clean: no entry of a rotation is unused")
	return nil
}
