package app

import (
	"context"
	"slices"
	"strings"

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

// TenantValues are the tenants that know this account.
func (s *Session) TenantValues(ctx context.Context) ([]tenantValue, error) {
	tenants, err := s.Azure.Tenants(ctx)
	if err != nil {
		return nil, WhileServing(s.Instead(err), NothingChanged, "cartouche account")
	}
	identity, err := s.Azure.Caller(ctx)
	if err != nil {
		return nil, err
	}
	values := []tenantValue{}
	for _, t := range tenants {
		values = append(values, tenantValue{t.ID, t.Name, t.Domain, append([]string{}, t.Domains...), strings.EqualFold(t.ID, identity.TenantID)})
	}
	return values, nil
}

// SubscriptionValues are the subscriptions of the tenant.
func (s *Session) SubscriptionValues(ctx context.Context) ([]subscriptionValue, error) {
	all, err := s.Azure.Subscriptions(ctx)
	if err != nil {
		return nil, WhileServing(s.Instead(err), NothingChanged, "cartouche account")
	}
	chosen := func(one cloud.Subscription) bool {
		return len(s.Scope.Subscriptions) == 0 ||
			slices.ContainsFunc(s.Scope.Subscriptions, func(id string) bool { return strings.EqualFold(id, one.ID) })
	}
	values := []subscriptionValue{}
	for _, one := range all {
		values = append(values, subscriptionValue{one.ID, one.Name, one.State, one.TenantID, chosen(one)})
	}
	return values, nil
}
