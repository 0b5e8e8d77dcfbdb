package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// errUnseen is the cause of a failure to find anything for want of rights.
var errUnseen = errors.New("not permitted to look")

// mostAsked is how many subscriptions are asked what may be read in them.
const mostAsked = 20

// unseen says why nothing was found when that is for want of rights: Azure's
// lists silently leave out what the caller may not read, so that a sign-in
// without the role Reader sees an empty cloud. It is nil when everything that
// there is to look at may be read, or when that cannot be told.
func (s *Session) unseen(ctx context.Context) error {
	visible, err := s.Azure.Subscriptions(ctx)
	if err != nil {
		return nil // finding itself has worked; nothing is known beyond that
	}
	names := map[string]string{}
	for _, subscription := range visible {
		names[strings.ToLower(subscription.ID)] = fmt.Sprintf("%q (%s)", subscription.Name, subscription.ID)
	}
	look := s.Scope.Subscriptions
	if len(look) == 0 {
		for _, subscription := range visible {
			look = append(look, subscription.ID)
		}
	}
	if len(visible) == 0 {
		id := "SUBSCRIPTION-ID"
		if len(look) > 0 {
			id = look[0]
		}
		return s.wantsReader(ctx, "no subscription is visible to this sign-in: it has no role in any subscription of its tenant", id)
	}
	for _, id := range look[:min(len(look), mostAsked)] {
		name, known := names[strings.ToLower(id)]
		if !known {
			return s.wantsReader(ctx, fmt.Sprintf("subscription %s is not visible to this sign-in: it has no role there, or belongs to another tenant", id), id)
		}
		permissions, err := s.Azure.Permissions(ctx, "/subscriptions/"+id)
		if ctx.Err() != nil {
			return WhileServing(ctx.Err(), NothingChanged, "")
		}
		if cloud.IsForbidden(err) || err == nil && !permissions.Allows("Microsoft.Network/applicationGateways/read") {
			return s.wantsReader(ctx, fmt.Sprintf("no deployment was found, and in subscription %s this sign-in may read only what it has single roles for", name), id)
		}
	}
	return nil
}

// wantsReader is the failure of a sign-in that may not read a subscription.
func (s *Session) wantsReader(ctx context.Context, message, subscription string) *Failure {
	caller, _ := s.Azure.CallerID(ctx) // "" leaves it to be filled in
	return &Failure{
		Code: "not-permitted", Message: message, Serving: NothingChanged, Exit: ExitPreflight, Err: errUnseen,
		Hint: cloud.GrantCommand("Reader", caller, "/subscriptions/"+subscription),
	}
}
