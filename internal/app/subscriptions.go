package app

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
)

// guid is how ids of tenants and subscriptions look.
var guid = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// findSubscriptions makes ids of what was given by id or by name. Ids are taken
// as they are, so that commands of automation ask nothing more.
func (s *Session) findSubscriptions(ctx context.Context, given []string) (deployment.Scope, error) {
	allIDs := true
	for _, one := range given {
		allIDs = allIDs && guid.MatchString(one)
	}
	if allIDs {
		return deployment.Scope{Subscriptions: given}, nil
	}
	visible, err := s.Azure.Subscriptions(ctx)
	if err != nil {
		return deployment.Scope{}, WhileServing(err, NothingChanged, "")
	}
	ids, err := MatchSubscriptions(visible, given)
	return deployment.Scope{Subscriptions: ids}, WhileServing(err, NothingChanged, "")
}

// MatchSubscriptions finds subscriptions by their ids or names, each once, and gives
// their ids.
func MatchSubscriptions(visible []cloud.Subscription, given []string) (ids []string, err error) {
	for _, one := range given {
		found, err := MatchSubscription(visible, one)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ids, found.ID) {
			ids = append(ids, found.ID)
		}
	}
	return ids, nil
}

// MatchSubscription finds a subscription by its id or its name.
func MatchSubscription(visible []cloud.Subscription, given string) (cloud.Subscription, error) {
	var matches []cloud.Subscription
	for _, subscription := range visible {
		if strings.EqualFold(subscription.ID, given) {
			return subscription, nil
		}
		if strings.EqualFold(subscription.Name, given) {
			matches = append(matches, subscription)
		}
	}
	switch len(matches) {
	case 1:
		return matches[0], nil
	case 0:
		return cloud.Subscription{}, Usage("cartouche account subscriptions lists them; one of another tenant needs --tenant TENANT (cartouche account tenants)",
			"no subscription %q among the %d that this sign-in may see in its tenant", given, len(visible))
	}
	return cloud.Subscription{}, Usage("give its id: cartouche account subscriptions", "%d subscriptions have the name %q", len(matches), given)
}

// strangeSubscription finds a subscription of the scope that this sign-in
// cannot see although it can see others: most often it is another tenant's.
func (s *Session) strangeSubscription(ctx context.Context) error {
	if len(s.Scope.Subscriptions) == 0 {
		return nil
	}
	visible, err := s.Azure.Subscriptions(ctx)
	if err != nil || len(visible) == 0 {
		return nil // then something else is wrong, and said elsewhere
	}
	for _, id := range s.Scope.Subscriptions {
		if _, err := MatchSubscription(visible, id); err == nil {
			continue
		}
		failed := &Failure{
			Code: "subscription-not-visible", Exit: ExitPreflight, Serving: NothingChanged,
			Message: fmt.Sprintf("subscription %s is not among the %d that this sign-in may see in its tenant", id, len(visible)),
			Hint:    "if it is another tenant's, name that one: --tenant TENANT (cartouche account tenants lists them)",
		}
		if tenant, err := s.Azure.TenantOf(ctx, id); err == nil {
			failed.Message = fmt.Sprintf("subscription %s belongs to tenant %s, and the sign-in is for another one", id, tenant)
			failed.Hint = "name the tenant: --tenant " + tenant + ", or for good: cartouche login --tenant " + tenant
		}
		return failed
	}
	return nil
}

// TenantNamed finds a tenant by id, domain or name.
func TenantNamed(tenants []cloud.Tenant, given string) (cloud.Tenant, error) {
	var matches []cloud.Tenant
	for _, tenant := range tenants {
		if strings.EqualFold(tenant.ID, given) {
			return tenant, nil
		}
		for _, name := range append([]string{tenant.Domain, tenant.Name}, tenant.Domains...) {
			if strings.EqualFold(name, given) {
				matches = append(matches, tenant)
				break
			}
		}
	}
	switch len(matches) {
	case 1:
		return matches[0], nil
	case 0:
		return cloud.Tenant{}, errors.New("no such tenant")
	}
	return cloud.Tenant{}, fmt.Errorf("%d tenants have the name %q; give the id", len(matches), given)
}
