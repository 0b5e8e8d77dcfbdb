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
	if l.tenants, err = l.azure.Tenants(ctx); err != nil {
		return app.WhileServing(l.proxy.instead(err), app.NothingChanged, "")
	}
	own, err := tenantNamed(l.tenants, cmp.Or(l.tenant.ID, l.choice.options.TenantID, l.identity.TenantID))
	from := ""
	switch {
	case again && len(l.tenants) < 2:
		return errBack
	case len(l.tenants) == 0:
		l.tenant, from = cloud.Tenant{ID: l.identity.TenantID}, "the only one"
	case len(l.tenants) == 1:
		l.tenant, from = l.tenants[0], "the only one"
	case !again && l.choice.options.TenantID != "" && err == nil:
		l.tenant, from = own, g.tenantFrom()
	default:
		if l.tenant, err = g.chooseTenant(ctx, own); err != nil {
			return err
		}
	}
	if err := l.enterTenant(ctx); err != nil {
		return app.WhileServing(l.proxy.instead(err), app.NothingChanged, "")
	}
	// After going back there may be tokens of another tenant in the memory.
	if err := l.use(l.in, l.credential); err != nil {
		return err
	}
	g.options.azure.tenant = l.tenant.ID
	g.answered("tenant", tenantTitle(l.tenant), from, flagWord("tenant", l.tenant.ID))
	return nil
}

func (g *guide) chooseTenant(ctx context.Context, own cloud.Tenant) (cloud.Tenant, error) {
	g.step("Tenant")
	tenants := g.login.tenants
	options := make([]option, len(tenants))
	preset := -1
	for i, t := range tenants {
		options[i] = option{text: words(tenantTitle(t), faint(" "+t.ID)), names: append([]string{t.ID, t.Name, t.Domain}, t.Domains...)}
		if t.ID == own.ID {
			preset = i
		}
	}
	i, err := g.choose(ctx, "tenant", options, preset)
	if err != nil {
		return cloud.Tenant{}, err
	}
	if before := g.login.tenant.ID; before != "" && before != tenants[i].ID { // its subscriptions are others
		g.options.azure.subscriptions, g.login.choice.subscriptions = nil, nil
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
	if l.all, err = l.azure.Subscriptions(ctx); err != nil {
		return app.WhileServing(l.proxy.instead(err), app.NothingChanged, "")
	}
	var chosen []cloud.Subscription // none is all of them
	from := ""
	switch given := l.choice.subscriptions; {
	case again && len(l.all) < 2:
		return errBack
	case !again && len(given) > 0:
		if chosen, err = g.givenSubscriptions(given); err != nil {
			return err
		}
		from = g.subscriptionsFrom()
	case len(l.all) == 1:
		chosen, from = l.all, "the only one"
	case len(l.all) == 0:
		g.ui.warn("there is no subscription in tenant " + tenantTitle(l.tenant) + " that this sign-in may see")
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
	l.scope.Subscriptions, g.options.azure.subscriptions = ids, ids
	g.answered("subscription", cmp.Or(strings.Join(names, ", "), "all of the tenant"), from, flagWords("subscription", ids))
	g.subscriptions = remembered
	return nil
}

// givenSubscriptions finds what was given by name or id.
func (g *guide) givenSubscriptions(given []string) (chosen []cloud.Subscription, err error) {
	for _, one := range given {
		found, err := matchSubscription(g.login.all, one)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, found)
	}
	return chosen, nil
}

func (g *guide) chooseSubscription(ctx context.Context) ([]cloud.Subscription, error) {
	g.step("Subscription")
	all := g.login.all
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
	case len(g.login.choice.subscriptions) > 0: // or the next command would look in those only
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
	if _, err := g.login.remember(ctx, g.subscriptions); err != nil {
		return err
	}
	g.kept = true
	return nil
}
