package app

import (
	"context"
	"strings"
	"time"
)

// namesTime bounds how long names of subscriptions are waited for: a list is good
// without them.
const namesTime = 5 * time.Second

// subscriptionNames are the names of subscriptions, by their ids in small letters.
type subscriptionNames map[string]string

// of is the name of a subscription, "" when it is not known.
func (n subscriptionNames) of(id string) string { return n[strings.ToLower(id)] }

// subscriptionNames asks once for the names of all that this sign-in may see. They
// are told beside ids and nothing rests on them: without an answer none is known.
func (s *Session) subscriptionNames(ctx context.Context) subscriptionNames {
	ctx, cancel := context.WithTimeout(ctx, namesTime)
	defer cancel()
	visible, err := s.Azure.Subscriptions(ctx)
	if err != nil {
		return nil
	}
	names := subscriptionNames{}
	for _, one := range visible {
		names[strings.ToLower(one.ID)] = one.Name
	}
	return names
}

// SubscriptionName is the name of one subscription, "" when it is not known.
func (s *Session) SubscriptionName(ctx context.Context, id string) string {
	return s.subscriptionNames(ctx).of(id)
}
