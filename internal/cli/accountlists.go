package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// tenantValue is one element of the JSON of `account tenants`.
type tenantValue struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Domain  string   `json:"domain"`
	Domains []string `json:"domains"`
	// SignedIn tells that commands work in this one.
	SignedIn bool `json:"signedIn"`
}

// subscriptionValue is one element of the JSON of `account subscriptions`.
type subscriptionValue struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	State    string `json:"state"`
	TenantID string `json:"tenantId"`
	// Chosen tells that commands look in this one.
	Chosen bool `json:"chosen"`
}

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
			return session.listTenants(ctx)
		}),
	}
	azure.add(cmd.Flags())
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight, app.ExitInterrupted)
}

func (s *session) listTenants(ctx context.Context) error {
	tenants, err := s.azure.Tenants(ctx)
	if err != nil {
		return app.WhileServing(s.proxy.instead(err), app.NothingChanged, "cartouche account")
	}
	identity, err := s.azure.Caller(ctx)
	if err != nil {
		return err
	}
	values := []tenantValue{}
	for _, t := range tenants {
		values = append(values, tenantValue{t.ID, t.Name, t.Domain, append([]string{}, t.Domains...), strings.EqualFold(t.ID, identity.TenantID)})
	}
	if s.app.ui.json {
		return s.app.ui.value(values)
	}
	var rows [][]line
	for _, v := range values {
		rows = append(rows, []line{words(orDash(v.Name)), words(orDash(v.Domain)), words(v.ID), words(s.app.ui.mark(v.SignedIn, "signed in"))})
	}
	s.app.ui.table([]string{"name", "domain", "id", ""}, rows)
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
			return session.listSubscriptions(ctx)
		}),
	}
	azure.add(cmd.Flags())
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight, app.ExitInterrupted)
}

func (s *session) listSubscriptions(ctx context.Context) error {
	all, err := s.azure.Subscriptions(ctx)
	if err != nil {
		return app.WhileServing(s.proxy.instead(err), app.NothingChanged, "cartouche account")
	}
	chosen := func(one cloud.Subscription) bool {
		return len(s.scope.Subscriptions) == 0 ||
			slices.ContainsFunc(s.scope.Subscriptions, func(id string) bool { return strings.EqualFold(id, one.ID) })
	}
	values := []subscriptionValue{}
	for _, one := range all {
		values = append(values, subscriptionValue{one.ID, one.Name, one.State, one.TenantID, chosen(one)})
	}
	if s.app.ui.json {
		return s.app.ui.value(values)
	}
	if len(values) == 0 {
		s.app.ui.say("no subscription in this tenant that this sign-in may see")
		return nil
	}
	var rows [][]line
	for _, v := range values {
		rows = append(rows, []line{words(orDash(v.Name)), words(v.ID), words(orDash(v.State)), words(s.app.ui.mark(v.Chosen, "chosen"))})
	}
	s.app.ui.table([]string{"name", "id", "state", ""}, rows)
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
