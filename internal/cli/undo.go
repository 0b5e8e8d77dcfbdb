package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// changeOptions are what `undo` and `clean` have in common.
type changeOptions struct {
	azure azureFlags
	site  siteFlags
	reach reachFlags
	lease leaseFlags
	yes   bool
}

func (o *changeOptions) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&o.yes, "yes", false, "go on without being asked")
	o.reach.add(flags)
	o.lease.add(flags)
	o.site.add(flags)
	o.azure.add(flags)
}

func newUndoCommand(a *program) *cobra.Command {
	var options changeOptions
	var about target
	cmd := &cobra.Command{
		Use:     "undo [RUN]",
		GroupID: groupChange,
		Short:   "take a run back: the listeners return to the certificate from before",
		Long: `RUN is an id that "cartouche history" lists, or its beginning. Without it, the latest run (on
--gateway) is taken back that was verified, or that may have left its certificate behind; which
one that is, is said before anything is changed.
The same command again finishes what it began, and does not take that back. The old
certificate must still be on the gateway ("cartouche clean" removes it) and be valid. The
result is proved like that of any other run.

A run that replaced the certificates of machines is taken back there: each machine returns to
the entry that it had, one after the other, as in the run itself.`,
		Example: `  cartouche undo
  cartouche history
  cartouche undo 20261123-0815-7f3a --yes`,
		Args:              atMostOneArgument,
		ValidArgsFunction: a.completeRun,
		RunE: a.run(func(ctx context.Context, args []string) error {
			run, err := a.runToUndo(ctx, args, about.Gateway)
			if err != nil {
				return err
			}
			return a.undo(ctx, run, options)
		}),
	}
	about.addGateway(cmd.Flags())
	options.add(cmd)
	a.sign.add(cmd.Flags())
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitRefused, app.ExitPreflight, app.ExitRestored, app.ExitNotRestored, app.ExitLocked, app.ExitInterrupted)
}

// runToUndo is the run that the argument names, or else the latest one that may
// have left its certificate behind: a verified one, one that did not come back all
// the way, or one that was killed.
func (a *program) runToUndo(ctx context.Context, args []string, gateway string) (journal.Run, error) {
	if len(args) == 1 {
		run, err := a.WholeRun(ctx, args[0])
		return run, app.WhileServing(err, app.NothingChanged, "")
	}
	runs, err := a.Runs(ctx)
	if err != nil {
		return journal.Run{}, err
	}
	for _, run := range runs { // newest first
		if gateway != "" && !strings.EqualFold(run.GatewayID, gateway) {
			continue
		}
		if !app.MayBeTakenBack(run.Outcome) {
			continue
		}
		run, err := a.WholeRun(ctx, run.ID) // a list is without plans
		if err != nil {
			return run, err
		}
		if app.IsCleaning(run) {
			continue
		}
		return a.takenBack(ctx, run)
	}
	return journal.Run{}, app.WhileServing(app.Usage("cartouche history", "there is no run to take back in the journal of this computer"), app.NothingChanged, "")
}

// takenBack is the run that is meant when none was named: this one or, when it
// took another one back itself, that one. So the same command again, after it
// was cut off or after it came to its end, finishes what it began; it does not
// take the taking back back.
func (a *program) takenBack(ctx context.Context, run journal.Run) (journal.Run, error) {
	var plan struct {
		UndoOf string `json:"undoOf"`
	}
	if json.Unmarshal(run.Plan, &plan) != nil || plan.UndoOf == "" {
		return run, nil
	}
	return a.WholeRun(ctx, plan.UndoOf)
}

func (a *program) undo(ctx context.Context, run journal.Run, options changeOptions) error {
	if err := options.reach.check(false); err != nil {
		return err
	}
	if options.azure.cloud == "" {
		options.azure.cloud = run.Cloud
	}
	var kept struct {
		GivenNames []string `json:"givenNames"`
		Way        string   `json:"way"`
	}
	if err := json.Unmarshal(run.Plan, &kept); err != nil {
		return fmt.Errorf("plan of run %s: %w", run.ID, err)
	}
	choose := func(ctx context.Context, s *app.Session) (deployment.Deployment, error) {
		return s.ChooseAgain(ctx, run.GatewayID, run.DeploymentID, kept.GivenNames)
	}
	if rollout.IsRun(run) {
		return a.undoInternal(ctx, run, options, choose)
	}
	ready, err := a.look(ctx, choose, options.azure, options.site, looking{flags: options.reach, when: whenKept(kept.Way), changes: true, lease: options.lease})
	if err != nil {
		return err
	}
	if err := a.alone(ctx, ready.Runner, ready.State); err != nil {
		return err
	}
	others, err := a.RunsOf(ctx, run.GatewayID)
	if err != nil {
		return err
	}
	ready.Plan, err = rotation.UndoPlan(ready.State, run, rotation.Goal{Now: a.env.Now(), Roots: ready.Session.Roots}, others...)
	if err != nil {
		return app.WhileServing(err, app.Serving(ready.State)+"; nothing was changed", "cartouche history "+run.ID)
	}
	if !a.ui.json {
		a.ui.undoPlan(ready, run)
	}
	if f := planFailure(ready); f != nil {
		return f
	}
	if !ready.Plan.NothingToDo() {
		err = a.confirm(ctx, options.yes, "take run "+run.ID+" of "+run.DeploymentName+" back now?")
		if err != nil {
			return err
		}
	}
	return a.carryOut(ctx, ready.Session, ready.Runner, ready.State, ready.Plan.NothingToDo(), func(ctx context.Context) (rotation.Result, error) {
		return ready.Runner.Undo(ctx, ready.Plan, ready.State)
	})
}

// whenKept tells whether machines have a part in taking a run back: they have
// when they had one in it.
func whenKept(way string) app.When {
	if way == "" {
		return app.Never
	}
	return app.WithLogin
}

func (u *ui) undoPlan(ready *prepared, run journal.Run) {
	p := ready.Plan
	u.say(title("Take back run "+run.ID), faint("  of "+run.StartedAt.Local().Format("2 January 2006 15:04")+", "+run.DeploymentName))
	list := []field{}
	if p.Serving != nil {
		list = append(list, field{"serving now", summary(*p.Serving, ready.State.At)})
	}
	if p.Certificate.SHA256 != "" {
		list = append(list, field{"going back to", summary(p.Certificate, ready.State.At)})
	}
	u.fields(list...)
	for _, step := range p.Steps {
		u.step(step, p)
	}
	if all := append(p.Findings, p.Obstacles...); len(all) > 0 {
		u.heading("Findings")
		u.findings(all)
	}
}
