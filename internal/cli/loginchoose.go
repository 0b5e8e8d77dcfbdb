package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// questions are asked on a terminal, and nowhere else.
func (a *program) questions() app.Questions {
	if !a.env.StdinIsTerminal || a.ui.json {
		return app.Questions{}
	}
	return app.Questions{Tenant: a.chooseTenant, Subscriptions: a.chooseSubscriptions}
}

func (a *program) chooseTenant(ctx context.Context, l *app.Login) (cloud.Tenant, error) {
	a.ui.choices("Tenants", len(l.Tenants), func(i int) line {
		return words(app.TenantTitle(l.Tenants[i]), faint(" "+l.Tenants[i].ID))
	})
	for {
		reply, err := a.askLine(ctx, fmt.Sprintf("tenant (number or name) [%s]: ", app.TenantTitle(l.Tenant)))
		if err != nil {
			return cloud.Tenant{}, err
		}
		if reply == "" {
			return l.Tenant, nil
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

func (a *program) chooseSubscriptions(ctx context.Context, l *app.Login) ([]string, error) {
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
			return nil, nil
		}
		ids, err := pick(l.Subscriptions, reply)
		if err == nil {
			return ids, nil
		}
		a.ui.warn(err.Error())
	}
}

// pick reads a list of numbers and names.
func pick(from []cloud.Subscription, reply string) ([]string, error) {
	parts := strings.Split(reply, ",")
	for n, part := range parts {
		parts[n] = strings.TrimSpace(part)
		if i, err := strconv.Atoi(parts[n]); err == nil && i >= 1 && i <= len(from) {
			parts[n] = from[i-1].ID
		}
	}
	return app.MatchSubscriptions(from, parts)
}
