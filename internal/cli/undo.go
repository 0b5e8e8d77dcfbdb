package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/journal"
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
			run, err := a.RunToUndo(ctx, first(args), about.Gateway)
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

func (a *program) undo(ctx context.Context, run journal.Run, options changeOptions) error {
	if err := options.reach.check(false); err != nil {
		return err
	}
	if options.azure.cloud == "" {
		options.azure.cloud = run.Cloud
	}
	session, err := a.connect(ctx, options.azure)
	if err != nil {
		return err
	}
	reach, err := a.reachAsked(options.reach)
	if err != nil {
		return err
	}
	logins := func(ctx context.Context, of deployment.Deployment, atMachines bool) (rotation.Credentials, error) {
		if atMachines {
			return a.machineLogins(ctx, options.site, of)
		}
		return a.lookingLogins(options.site)
	}
	back, err := session.PrepareBack(ctx, run, logins, app.Looking{Reach: reach, NoLease: options.lease.none})
	if err != nil {
		return err
	}
	switch {
	case a.ui.json:
	case back.Machines != nil:
		a.ui.internalPlan(back.Machines)
	default:
		a.ui.undoPlan(back.Gateway, run)
	}
	if f := back.Failure(); f != nil {
		return f
	}
	if !back.NothingToDo() {
		err = a.confirm(ctx, options.yes, "take run "+run.ID+" of "+run.DeploymentName+" back now?")
		if err != nil {
			return err
		}
	}
	return a.signed(ctx, back.State(), func(key *evidence.Key) error { return back.Undo(ctx, key, a.report, a.reportInternal) })
}

func (u *ui) undoPlan(ready *app.Prepared, run journal.Run) {
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
