package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// chooseTenant finds the tenant that was given, or asks when there are several.
func (l *login) chooseTenant(ctx context.Context) (err error) {
	if l.tenants, err = l.azure.Tenants(ctx); err != nil {
		return err
	}
	given := l.choice.options.TenantID
	switch {
	case len(l.tenants) == 0:
		l.tenant = cloud.Tenant{ID: l.identity.TenantID}
	case given != "":
		if l.tenant, err = tenantNamed(l.tenants, given); err != nil {
			return app.Usage("cartouche account tenants lists them", "tenant %q: %s among the %d of this sign-in", given, err, len(l.tenants))
		}
	case len(l.tenants) == 1:
		l.tenant = l.tenants[0]
	default:
		if l.tenant, err = l.askTenant(ctx); err != nil {
			return err
		}
	}
	return l.enterTenant(ctx)
}

// askTenant asks on a terminal. Elsewhere it takes the tenant that the person
// was signed in to, and says so.
func (l *login) askTenant(ctx context.Context) (cloud.Tenant, error) {
	own, err := tenantNamed(l.tenants, l.identity.TenantID)
	if err != nil {
		own = l.tenants[0]
	}
	if !l.app.canChoose() {
		l.app.ui.warn(fmt.Sprintf("%d tenants know %s; taken is %s; --tenant takes another", len(l.tenants), l.identity.Name, tenantTitle(own)))
		return own, nil
	}
	l.app.ui.choices("Tenants", len(l.tenants), func(i int) line {
		return words(tenantTitle(l.tenants[i]), faint(" "+l.tenants[i].ID))
	})
	for {
		reply, err := l.app.askLine(ctx, fmt.Sprintf("tenant (number or name) [%s]: ", tenantTitle(own)))
		if err != nil {
			return cloud.Tenant{}, err
		}
		if reply == "" {
			return own, nil
		}
		if i, err := strconv.Atoi(reply); err == nil && i >= 1 && i <= len(l.tenants) {
			return l.tenants[i-1], nil
		}
		found, err := tenantNamed(l.tenants, reply)
		if err == nil {
			return found, nil
		}
		l.app.ui.warn(fmt.Sprintf("%q: %s", reply, err))
	}
}

// enterTenant gets a token of the chosen tenant. Another tenant may demand more
// of a person than their own, such as a second factor; then they are asked again.
func (l *login) enterTenant(ctx context.Context) error {
	options := &l.choice.options
	options.TenantID = l.tenant.ID
	if strings.EqualFold(l.tenant.ID, l.identity.TenantID) {
		if l.person != nil {
			l.person.UseTenant(l.tenant.ID)
		}
		return nil
	}
	if l.person == nil {
		credential, err := cloud.SignIn(ctx, *options)
		if err != nil {
			return err
		}
		if err := l.use(options.Cloud, credential); err != nil {
			return err
		}
		l.identity, err = l.azure.Caller(ctx)
		return err
	}
	l.person.UseTenant(l.tenant.ID)
	_, err := l.person.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{options.Cloud.Audience + "/.default"}})
	if cloud.NeedsPerson(err) {
		l.app.ui.warn("tenant " + tenantTitle(l.tenant) + " asks for a sign-in of its own")
		l.identity, err = l.person.SignIn(ctx, l.tenant.ID, l.app.asked(ctx))
	}
	if err != nil {
		return err
	}
	// What was signed in to the other tenant is in the client's memory.
	return l.use(options.Cloud, l.person)
}

// chooseSubscriptions finds those that were given, or asks when there are
// several. None means all of the tenant, also those that come later.
func (l *login) chooseSubscriptions(ctx context.Context) ([]account.Subscription, error) {
	var err error
	if l.all, err = l.azure.Subscriptions(ctx); err != nil {
		return nil, err
	}
	if len(l.all) == 0 {
		l.app.ui.warn("there is no subscription in tenant " + tenantTitle(l.tenant) + " that this sign-in may see; another tenant may have some: --tenant")
	}
	chosen := []account.Subscription{}
	add := func(s cloud.Subscription) {
		if one := (account.Subscription{ID: s.ID, Name: s.Name}); !slices.Contains(chosen, one) {
			chosen = append(chosen, one)
		}
	}
	if given := l.choice.subscriptions; len(given) > 0 {
		for _, one := range given {
			found, err := matchSubscription(l.all, one)
			if err != nil {
				return nil, err
			}
			add(found)
		}
		return chosen, nil
	}
	if len(l.all) < 2 || !l.app.canChoose() {
		return chosen, nil
	}
	l.app.ui.choices("Subscriptions of "+tenantTitle(l.tenant), len(l.all), func(i int) line {
		s := l.all[i]
		text := words(s.Name, faint(" "+s.ID))
		if s.State != "" && !strings.EqualFold(s.State, "Enabled") {
			text = words(text, caution(" "+s.State))
		}
		return text
	})
	for {
		reply, err := l.app.askLine(ctx, "subscriptions (numbers or names, separated by commas; or all) [all]: ")
		if err != nil {
			return nil, err
		}
		if reply == "" || strings.EqualFold(reply, "all") {
			return chosen, nil
		}
		chosen = chosen[:0]
		if err = l.pick(reply, add); err == nil {
			return chosen, nil
		}
		l.app.ui.warn(err.Error())
	}
}

// pick reads a list of numbers and names.
func (l *login) pick(reply string, add func(cloud.Subscription)) error {
	for part := range strings.SplitSeq(reply, ",") {
		part = strings.TrimSpace(part)
		if i, err := strconv.Atoi(part); err == nil && i >= 1 && i <= len(l.all) {
			add(l.all[i-1])
			continue
		}
		found, err := matchSubscription(l.all, part)
		if err != nil {
			return err
		}
		add(found)
	}
	return nil
}

// canChoose tells whether somebody can be asked.
func (a *program) canChoose() bool { return a.env.StdinIsTerminal && !a.ui.json }

// tenantTitle is how a tenant is called.
func tenantTitle(t cloud.Tenant) string {
	switch {
	case t.Name != "" && t.Domain != "":
		return t.Name + " (" + t.Domain + ")"
	case t.Name+t.Domain != "":
		return t.Name + t.Domain
	}
	return t.ID
}
