package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// chooseTenant finds the tenant that was given, or asks when there are several.
func (a *program) chooseTenant(ctx context.Context, l *app.Login) (err error) {
	if l.Tenants, err = l.Azure.Tenants(ctx); err != nil {
		return err
	}
	given := l.Choice.Options.TenantID
	switch {
	case len(l.Tenants) == 0:
		l.Tenant = cloud.Tenant{ID: l.Identity.TenantID}
	case given != "":
		if l.Tenant, err = app.TenantNamed(l.Tenants, given); err != nil {
			return app.Usage("cartouche account tenants lists them", "tenant %q: %s among the %d of this sign-in", given, err, len(l.Tenants))
		}
	case len(l.Tenants) == 1:
		l.Tenant = l.Tenants[0]
	default:
		if l.Tenant, err = a.askTenant(ctx, l); err != nil {
			return err
		}
	}
	return l.EnterTenant(ctx, l.Tenant)
}

// askTenant asks on a terminal. Elsewhere it takes the tenant that the person
// was signed in to, and says so.
func (a *program) askTenant(ctx context.Context, l *app.Login) (cloud.Tenant, error) {
	own, err := app.TenantNamed(l.Tenants, l.Identity.TenantID)
	if err != nil {
		own = l.Tenants[0]
	}
	if !a.canChoose() {
		a.ui.warn(fmt.Sprintf("%d tenants know %s; taken is %s; --tenant takes another", len(l.Tenants), l.Identity.Name, app.TenantTitle(own)))
		return own, nil
	}
	a.ui.choices("Tenants", len(l.Tenants), func(i int) line {
		return words(app.TenantTitle(l.Tenants[i]), faint(" "+l.Tenants[i].ID))
	})
	for {
		reply, err := a.askLine(ctx, fmt.Sprintf("tenant (number or name) [%s]: ", app.TenantTitle(own)))
		if err != nil {
			return cloud.Tenant{}, err
		}
		if reply == "" {
			return own, nil
		}
		if i, err := strconv.Atoi(reply); err == nil && i >= 1 && i <= len(l.Tenants) {
			return l.Tenants[i-1], nil
		}
		found, err := app.TenantNamed(l.Tenants, reply)
		if err == nil {
			return found, nil
		}
		a.ui.warn(fmt.Sprintf("%q: %s", reply, err))
	}
}

// chooseSubscriptions finds those that were given, or asks when there are
// several. None means all of the tenant, also those that come later.
func (a *program) chooseSubscriptions(ctx context.Context, l *app.Login) ([]account.Subscription, error) {
	var err error
	if l.Subscriptions, err = l.Azure.Subscriptions(ctx); err != nil {
		return nil, err
	}
	if len(l.Subscriptions) == 0 {
		a.ui.warn("there is no subscription in tenant " + app.TenantTitle(l.Tenant) + " that this sign-in may see; another tenant may have some: --tenant")
	}
	chosen := []account.Subscription{}
	add := func(s cloud.Subscription) {
		if one := (account.Subscription{ID: s.ID, Name: s.Name}); !slices.Contains(chosen, one) {
			chosen = append(chosen, one)
		}
	}
	if given := l.Choice.Subscriptions; len(given) > 0 {
		for _, one := range given {
			found, err := app.MatchSubscription(l.Subscriptions, one)
			if err != nil {
				return nil, err
			}
			add(found)
		}
		return chosen, nil
	}
	if len(l.Subscriptions) < 2 || !a.canChoose() {
		return chosen, nil
	}
	a.ui.choices("Subscriptions of "+app.TenantTitle(l.Tenant), len(l.Subscriptions), func(i int) line {
		s := l.Subscriptions[i]
		text := words(s.Name, faint(" "+s.ID))
		if s.State != "" && !strings.EqualFold(s.State, "Enabled") {
			text = words(text, caution(" "+s.State))
		}
		return text
	})
	for {
		reply, err := a.askLine(ctx, "subscriptions (numbers or names, separated by commas; or all) [all]: ")
		if err != nil {
			return nil, err
		}
		if reply == "" || strings.EqualFold(reply, "all") {
			return chosen, nil
		}
		chosen = chosen[:0]
		if err = pick(l, reply, add); err == nil {
			return chosen, nil
		}
		a.ui.warn(err.Error())
	}
}

// pick reads a list of numbers and names.
func pick(l *app.Login, reply string, add func(cloud.Subscription)) error {
	for part := range strings.SplitSeq(reply, ",") {
		part = strings.TrimSpace(part)
		if i, err := strconv.Atoi(part); err == nil && i >= 1 && i <= len(l.Subscriptions) {
			add(l.Subscriptions[i-1])
			continue
		}
		found, err := app.MatchSubscription(l.Subscriptions, part)
		if err != nil {
			return err
		}
		add(found)
	}
	return nil
}

// canChoose tells whether somebody can be asked.
func (a *program) canChoose() bool { return a.env.StdinIsTerminal && !a.ui.json }
