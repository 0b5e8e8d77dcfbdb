package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/journal"
)

func newHistoryCommand(a *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "history [RUN]",
		GroupID: groupLook,
		Short:   "past runs, or all about one: steps, before and after, evidence",
		Long: `Reads the journal in your state directory (CARTOUCHE_STATE_DIR, else the usual
place of the system); nothing is signed in to. RUN is an id, or its
beginning.`,
		Example: `  cartouche history
  cartouche history 20261123-0815-7f3a --json`,
		Args:              atMostOneArgument,
		ValidArgsFunction: a.completeRun,
		RunE: a.run(func(ctx context.Context, args []string) error {
			if len(args) == 1 {
				return a.historyOf(ctx, args[0])
			}
			return a.history(ctx)
		}),
	}
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight)
}

func (a *program) history(ctx context.Context) error {
	runs, err := a.Runs(ctx)
	if err != nil {
		return err
	}
	if a.ui.json {
		return a.ui.value(app.NotNull(runs))
	}
	if len(runs) == 0 {
		a.ui.say("no runs yet")
		return nil
	}
	var rows [][]line
	for _, run := range runs {
		rows = append(rows, []line{
			words(title(run.ID)), words(app.Minute(run.StartedAt)), words(run.DeploymentName),
			words(outcomeSpan(run.Outcome)), words(tookRun(run)), words(app.OrDash(run.By)),
		})
	}
	a.ui.table([]string{"run", "began", "deployment", "outcome", "took", "by"}, rows)
	for _, run := range runs {
		if run.Outcome == journal.InDoubt && !a.IsGoingOn(ctx, run) {
			a.ui.advice(a.ui.out, a.ui.outStyle, 0, "run "+run.ID+" was cut off; see what came of it: ", "cartouche show "+app.Quote(run.DeploymentName))
			break // one after the other
		}
	}
	return nil
}

func (a *program) historyOf(ctx context.Context, id string) error {
	run, err := a.WholeRun(ctx, id)
	if err != nil {
		return err
	}
	if a.ui.json {
		return a.ui.value(run)
	}
	a.ui.run(run, a.env.Now())
	if run.Outcome == journal.InDoubt {
		a.inDoubt(ctx, run)
	}
	return nil
}

// completeRun offers the runs of the journal to the shell.
func (a *program) completeRun(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	runs, err := a.Runs(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var offers []string
	for _, run := range runs {
		offers = append(offers, cobra.CompletionWithDesc(run.ID, escape(run.DeploymentName+", "+run.Outcome, true)))
	}
	return offers, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
