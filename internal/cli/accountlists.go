package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
)

func newTenantsCommand(a *program) *cobra.Command {
	var azure azureFlags
	cmd := &cobra.Command{
		Use:     "tenants",
		Short:   "list the tenants that know this account",
		Long:    "Lists the tenants of the signed-in account: its own, and those that it is a guest in.",
		Example: "  cartouche account tenants\n  cartouche account tenants --json",
		Args:    noArguments,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			session, err := a.connect(ctx, azure)
			if err != nil {
				return err
			}
			return a.listTenants(ctx, session)
		}),
	}
	azure.add(cmd.Flags())
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight, app.ExitInterrupted)
}

func (a *program) listTenants(ctx context.Context, s *app.Session) error {
	values, err := s.TenantValues(ctx)
	if err != nil {
		return err
	}
	if a.ui.json {
		return a.ui.value(values)
	}
	var rows [][]line
	for _, v := range values {
		rows = append(rows, []line{words(app.OrDash(v.Name)), words(app.OrDash(v.Domain)), words(v.ID), words(a.ui.mark(v.SignedIn, "signed in"))})
	}
	a.ui.table([]string{"name", "domain", "id", ""}, rows)
	return nil
}

func newSubscriptionsCommand(a *program) *cobra.Command {
	var azure azureFlags
	cmd := &cobra.Command{
		Use:     "subscriptions",
		Short:   "list the subscriptions of the tenant",
		Long:    "Lists the subscriptions that this sign-in may see in its tenant; --tenant takes another one.",
		Example: "  cartouche account subscriptions\n  cartouche account subscriptions --tenant fabrikam.onmicrosoft.com",
		Args:    noArguments,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			session, err := a.connect(ctx, azure)
			if err != nil {
				return err
			}
			return a.listSubscriptions(ctx, session)
		}),
	}
	azure.add(cmd.Flags())
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight, app.ExitInterrupted)
}

func (a *program) listSubscriptions(ctx context.Context, s *app.Session) error {
	values, err := s.SubscriptionValues(ctx)
	if err != nil {
		return err
	}
	if a.ui.json {
		return a.ui.value(values)
	}
	if len(values) == 0 {
		a.ui.say("no subscription in this tenant that this sign-in may see")
		return nil
	}
	var rows [][]line
	for _, v := range values {
		rows = append(rows, []line{words(app.OrDash(v.Name)), words(v.ID), words(app.OrDash(v.State)), words(a.ui.mark(v.Chosen, "chosen"))})
	}
	a.ui.table([]string{"name", "id", "state", ""}, rows)
	return nil
}

// mark is a word, or nothing.
func (u *ui) mark(set bool, word string) span {
	if !set {
		return faint("")
	}
	return good(word)
}

// choices lists what can be chosen, with numbers, on stderr beside the question.
func (u *ui) choices(list string, length int, text func(int) line) {
	u.progress.Done()
	fmt.Fprintln(u.err, u.errors.render(words(title(list))))
	width := max(2, len(strconv.Itoa(length)))
	for i := range length {
		fmt.Fprintln(u.err, u.errors.render(words(faint(fmt.Sprintf("  %*d  ", width, i+1)), text(i))))
	}
}
