package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
)

func newUnlockCommand(a *program) *cobra.Command {
	var azure azureFlags
	var about target
	var yes bool
	cmd := &cobra.Command{
		Use:     "unlock DEPLOYMENT | --gateway ID",
		GroupID: groupChange,
		Short:   "say which run works on a deployment, and break its claim",
		Long: `A run claims its deployment before it changes anything: by a tag on the gateway's
resource group, with an end, which it renews. A run that was killed leaves its claim
behind; on the same computer the next run takes it over, elsewhere it ends by itself after
20 minutes. This breaks it before.

A run that is still at work finds out before its next change, makes none any more, and does
not go back either: what it has changed by then stays. So look first who it is.`,
		Example: `  cartouche unlock gis.example.com
  cartouche unlock gis.example.com --yes --json`,
		Args:              about.take,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			session, err := a.connect(ctx, azure)
			if err != nil {
				return err
			}
			chosen, err := session.Choose(ctx, about.Target)
			if err != nil {
				return err
			}
			return a.unlock(ctx, session, chosen, yes)
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&yes, "yes", false, "go on without being asked")
	about.addGateway(flags)
	azure.add(flags)
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight, app.ExitInterrupted)
}

func (a *program) unlock(ctx context.Context, s *app.Session, d deployment.Deployment, yes bool) error {
	found, err := s.PrepareUnlock(ctx, d)
	if err != nil {
		return err
	}
	claims := found.Value.Claims
	if len(claims) == 0 {
		return a.unlocked(found.Value)
	}
	if !a.ui.json {
		a.ui.say(title("Break the claim on "+d.Name), faint("  "+app.LastSegment(d.GatewayID)))
		a.ui.fields(field{"works on it", whoWorks(claims)})
	}
	err = a.confirmChange(ctx, yes, "whether that run may go on",
		"break it? If that run is still at work it changes nothing more, and what it has changed stays.")
	if err != nil {
		return err
	}
	value, err := found.Break(ctx)
	if err != nil {
		return err
	}
	return a.unlocked(value)
}

func (a *program) unlocked(value app.UnlockValue) error {
	if a.ui.json {
		return a.ui.value(value)
	}
	if value.Outcome == "free" {
		a.ui.say(a.ui.outStyle.tick(), fmt.Sprintf(" nobody works on %s: there is no claim", value.Deployment))
		return nil
	}
	a.ui.say(a.ui.outStyle.tick(), fmt.Sprintf(" the claim is broken: %s is free", value.Deployment))
	return nil
}
