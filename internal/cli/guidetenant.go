package cli

import (
	"cmp"
	"context"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// askTenant asks when there are several and none is said.
func (g *guide) askTenant(ctx context.Context, again bool) error {
	l := g.login
	var err error
	if l.Tenants, err = l.Azure.Tenants(ctx); err != nil {
		return app.WhileServing(l.Instead(err), app.NothingChanged, "")
	}
	own, err := app.TenantNamed(l.Tenants, cmp.Or(l.Tenant.ID, l.Choice.Options.TenantID, l.Identity.TenantID))
	from := ""
	switch {
	case again && len(l.Tenants) < 2:
		return errBack
	case len(l.Tenants) == 0:
		l.Tenant, from = cloud.Tenant{ID: l.Identity.TenantID}, "the only one"
	case len(l.Tenants) == 1:
		l.Tenant, from = l.Tenants[0], "the only one"
	case !again && l.Choice.Options.TenantID != "" && err == nil:
		l.Tenant, from = own, g.tenantFrom()
	default:
		if l.Tenant, err = g.chooseTenant(ctx, own); err != nil {
			return err
		}
	}
	if err := l.EnterTenant(ctx, l.Tenant); err != nil {
		return app.WhileServing(l.Instead(err), app.NothingChanged, "")
	}
	// After going back there may be tokens of another tenant in the memory.
	if err := l.Use(l.In, l.Credential); err != nil {
		return err
	}
	g.options.azure.tenant = l.Tenant.ID
	g.answered("tenant", app.TenantTitle(l.Tenant), from, flagWord("tenant", l.Tenant.ID))
	return nil
}

func (g *guide) chooseTenant(ctx context.Context, own cloud.Tenant) (cloud.Tenant, error) {
	g.step("Tenant")
	tenants := g.login.Tenants
	options := make([]option, len(tenants))
	preset := -1
	for i, t := range tenants {
		options[i] = option{text: words(app.TenantTitle(t), faint(" "+t.ID)), names: append([]string{t.ID, t.Name, t.Domain}, t.Domains...)}
		if t.ID == own.ID {
			preset = i
		}
	}
	i, err := g.choose(ctx, "tenant", options, preset)
	if err != nil {
		return cloud.Tenant{}, err
	}
	if before := g.login.Tenant.ID; before != "" && before != tenants[i].ID { // its subscriptions are others
		g.options.azure.subscriptions, g.login.Choice.Subscriptions = nil, nil
	}
	return tenants[i], nil
}

func (g *guide) tenantFrom() string {
	switch {
	case g.options.azure.tenant != "":
		return "given"
	case g.env.Lookup("AZURE_TENANT_ID") != "":
		return "from AZURE_TENANT_ID"
	}
	return "as at login"
}

// askSubscription asks when the tenant has several and none is said.
func (g *guide) askSubscription(ctx context.Context, again bool) error {
	l := g.login
	var err error
	if l.Subscriptions, err = l.Azure.Subscriptions(ctx); err != nil {
		return app.WhileServing(l.Instead(err), app.NothingChanged, "")
	}
	var chosen []cloud.Subscription // none is all of them
	from := ""
	switch given := l.Choice.Subscriptions; {
	case again && len(l.Subscriptions) < 2:
		return errBack
	case !again && len(given) > 0:
		if chosen, err = g.givenSubscriptions(given); err != nil {
			return err
		}
		from = g.subscriptionsFrom()
	case len(l.Subscriptions) == 1:
		chosen, from = l.Subscriptions, "the only one"
	case len(l.Subscriptions) == 0:
		g.ui.warn("there is no subscription in tenant " + app.TenantTitle(l.Tenant) + " that this sign-in may see")
	default:
		if chosen, err = g.chooseSubscription(ctx); err != nil {
			return err
		}
	}
	ids := []string{}
	names := []string{}
	remembered := []account.Subscription{}
	for _, s := range chosen {
		ids, names = append(ids, s.ID), append(names, cmp.Or(s.Name, s.ID))
		remembered = append(remembered, account.Subscription{ID: s.ID, Name: s.Name})
	}
	l.Scope.Subscriptions, g.options.azure.subscriptions = ids, ids
	g.answered("subscription", cmp.Or(strings.Join(names, ", "), "all of the tenant"), from, flagWords("subscription", ids))
	g.subscriptions = remembered
	return nil
}

// givenSubscriptions finds what was given by name or id.
func (g *guide) givenSubscriptions(given []string) (chosen []cloud.Subscription, err error) {
	for _, one := range given {
		found, err := app.MatchSubscription(g.login.Subscriptions, one)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, found)
	}
	return chosen, nil
}

func (g *guide) chooseSubscription(ctx context.Context) ([]cloud.Subscription, error) {
	g.step("Subscription")
	all := g.login.Subscriptions
	var options []option
	for _, s := range all {
		text := words(s.Name, faint(" "+s.ID))
		if s.State != "" && !strings.EqualFold(s.State, "Enabled") {
			text = words(text, caution(" "+s.State))
		}
		options = append(options, option{text: text, names: []string{s.ID, s.Name}})
	}
	options = append(options, option{text: words("all of them"), names: []string{"all"}})
	i, err := g.choose(ctx, "subscription", options, len(all))
	switch {
	case err != nil:
		return nil, err
	case i < len(all):
		return all[i : i+1], nil
	case len(g.login.Choice.Subscriptions) > 0: // or the next command would look in those only
		return all, nil
	}
	return nil, nil
}

func (g *guide) subscriptionsFrom() string {
	switch {
	case len(g.options.azure.subscriptions) > 0:
		return "given"
	case g.env.Lookup("AZURE_SUBSCRIPTION_ID") != "":
		return "from AZURE_SUBSCRIPTION_ID"
	}
	return "as at login"
}

// remember keeps a new sign-in for later commands, as login does, once it has
// led to a deployment.
func (g *guide) remember(ctx context.Context) error {
	if !g.asked {
		return nil
	}
	if _, err := g.login.Remember(ctx, g.subscriptions); err != nil {
		return err
	}
	g.kept = true
	return nil
}
