package deployment

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// atOnce is how many gateways are read at the same time. Resource Manager
// allows 250 reads in a burst and 25 per second after that, for each
// principal and subscription.
const atOnce = 8

// listTags are the tags to list by: a gateway or an address that has lost one
// of them is found by another.
var listTags = []string{tagID, tagDomain, tagInfo, tagRoles, tagEnterprise, tagSite}

// list reads what query finds, in the way that is left when Resource Graph
// does not answer: lists by tag, subscription by subscription, and a GET for
// each gateway and address.
func list(ctx context.Context, source Source, scope Scope) ([]cloud.Document, []Problem, error) {
	subscriptions, err := subscriptions(ctx, source, scope)
	if err != nil {
		return nil, nil, err
	}
	if len(subscriptions) == 0 {
		return nil, []Problem{noSubscription()}, nil
	}
	var rows []cloud.Document
	var notes []Problem
	var refused error
	for _, id := range subscriptions {
		more, err := source.ListTagged(ctx, id, listTags...)
		if cloud.IsForbidden(err) || cloud.IsNotFound(err) {
			refused = err
			notes = append(notes, Problem{Code: NoteSubscriptionRefused, Sentence: fmt.Sprintf("Subscription %s could not be read: %s.", clean(id, maxTag), clean(err.Error(), maxTag))})
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		rows = append(rows, more...)
	}
	if len(notes) == len(subscriptions) {
		return nil, nil, refused
	}
	err = complete(ctx, source, rows)
	return rows, notes, err
}

func subscriptions(ctx context.Context, source Source, scope Scope) ([]string, error) {
	if len(scope.Subscriptions) > 0 {
		return scope.Subscriptions, nil
	}
	all, err := source.Subscriptions(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	return ids, nil
}

// complete reads the properties of gateways and addresses, which lists do not
// hold. One that cannot be read stays as listed, and is shown as such.
func complete(ctx context.Context, source Source, rows []cloud.Document) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, row := range rows {
		r, ok := readResource(row)
		if !ok || (r.kind != kindGateway && r.kind != kindAddress) {
			continue
		}
		group.Go(func() error {
			document, err := source.Get(ctx, r.id, cloud.GatewayAPI)
			switch {
			case err == nil:
				rows[i] = document
			case ctx.Err() != nil || !answered(err):
				return err
			}
			return nil
		})
	}
	return group.Wait()
}
