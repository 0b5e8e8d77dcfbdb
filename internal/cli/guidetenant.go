package cli

import (
	"cmp"
	"context"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// askTenant asks when there are several and none is said.
func (g *guide) askTenant(ctx context.Context, again bool) error {
	l, before := g.login, g.login.Tenant.ID
	several, err := l.FindTenant(ctx, again)
	if err != nil {
		return err
	}
	from := ""
	switch {
	case several:
		chosen, err := g.chooseTenant(ctx, l.Tenant)
		if err != nil {
			return err
		}
		if before != "" && before != chosen.ID { // its subscriptions are others
			g.options.azure.subscriptions, l.Choice.Subscriptions = nil, nil
		}
		l.Tenant = chosen
	case again:
		return errBack
	case len(l.Tenants) < 2:
		from = "the only one"
	default:
		from = g.tenantFrom()
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
	ask, err := l.FindSubscriptions(ctx)
	if err != nil {
		return err
	}
	var ids []string // none is all of them
	from := ""
	switch given := l.Choice.Subscriptions; {
	case again && len(l.Subscriptions) < 2:
		return errBack
	case !again && len(given) > 0:
		if ids, err = app.MatchSubscriptions(l.Subscriptions, given); err != nil {
			return err
		}
		from = g.subscriptionsFrom()
	case !ask:
		ids, from = []string{l.Subscriptions[0].ID}, "the only one"
	case len(l.Subscriptions) == 0:
		g.ui.warn("there is no subscription in tenant " + app.TenantTitle(l.Tenant) + " that this sign-in may see")
	default:
		if ids, err = g.chooseSubscription(ctx); err != nil {
			return err
		}
	}
	g.subscriptions, g.options.azure.subscriptions = l.LookIn(ids), ids
	var names []string
	for _, s := range g.subscriptions {
		names = append(names, cmp.Or(s.Name, s.ID))
	}
	g.answered("subscription", cmp.Or(strings.Join(names, ", "), "all of the tenant"), from, flagWords("subscription", ids))
	return nil
}

func (g *guide) chooseSubscription(ctx context.Context) (ids []string, err error) {
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
		return []string{all[i].ID}, nil
	case len(g.login.Choice.Subscriptions) > 0: // or the next command would look in those only
		for _, s := range all {
			ids = append(ids, s.ID)
		}
	}
	return ids, nil
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
