package deployment

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// Source is where resources are read; *cloud.ResourceManager is one.
type Source interface {
	Query(ctx context.Context, kql string, subscriptions []string) ([]cloud.Document, error)
	Subscriptions(ctx context.Context) ([]cloud.Subscription, error)
	ListTagged(ctx context.Context, subscription string, tagNames ...string) ([]cloud.Document, error)
	Get(ctx context.Context, id, apiVersion string) (cloud.Document, error)
}

// Scope is where to look.
type Scope struct {
	// Subscriptions are ids; none means everything that the caller may read.
	Subscriptions []string
}

// Found is what was found, and how.
type Found struct {
	// Deployments are sorted: fewest days left first, unknown last, then by name.
	Deployments []Deployment `json:"deployments"`
	// Notes say why there may be more than what was found. Empty when
	// everything that the caller may read was looked at.
	Notes []Problem `json:"notes,omitempty"`
}

// The codes of notes.
const (
	// NoteListed: Resource Graph gave no answer, so resources were listed by tag.
	NoteListed = "listed"
	// NoteSubscriptionRefused: a subscription could not be looked at.
	NoteSubscriptionRefused = "subscription-refused"
	// NoteStrayMachines: machines of ArcGIS belong to no known deployment.
	NoteStrayMachines = "stray-machines"
	// NoteNoSubscription: there is no subscription to look at.
	NoteNoSubscription = "no-subscription"
)

// query finds, in one go, everything that can be part of a deployment:
//
//   - all gateways, since one that has lost its tags is still somebody's
//     gateway, with their properties;
//   - what carries tags of Cloud Builder ("arcgis-…"; has compares whole words
//     without regard to case, whereas tags['…'] would miss other spellings) or
//     of the Terraform modules;
//   - the public addresses of gateways;
//   - the modules' private DNS zones, whose names are those of the deployments.
//
// The column id is needed for paging, the order for pages that fit together.
const query = `Resources
| where type in~ ('microsoft.network/applicationgateways', 'microsoft.network/publicipaddresses', 'microsoft.compute/virtualmachines', 'microsoft.compute/availabilitysets', 'microsoft.network/privatednszones')
| where type =~ 'microsoft.network/applicationgateways' or tostring(tags) has 'arcgis' or tostring(tags) has 'ArcGISEnterpriseID' or tostring(tags) has 'ArcGISSiteID' or tostring(properties.ipConfiguration.id) has 'applicationGateways'
| project id, name, type, location, resourceGroup, subscriptionId, tags, properties
| order by id asc`

// Find finds the deployments in a scope with one query. Where Resource Graph
// answers with a refusal or a failure, resources are listed subscription by
// subscription instead, which misses gateways without any tag of the record;
// a note says so.
func Find(ctx context.Context, source Source, scope Scope) (Found, error) {
	rows, err := source.Query(ctx, query, scope.Subscriptions)
	switch {
	case err == nil:
		return found(rows, nil), nil
	case cloud.HasCode(err, "NoValidSubscriptionsInQueryRequest"):
		return found(nil, []Problem{noSubscription()}), nil
	case !answered(err):
		return Found{}, fmt.Errorf("find deployments: %w", err)
	}
	note := Problem{Code: NoteListed, Sentence: fmt.Sprintf("Resource Graph could not be asked (%s), so resources were listed by their tags: gateways that have lost all their tags, and addresses without tags, are not seen.", clean(err.Error(), maxTag))}
	rows, notes, err := list(ctx, source, scope)
	if err != nil {
		return Found{}, fmt.Errorf("find deployments: %w", err)
	}
	return found(rows, append([]Problem{note}, notes...)), nil
}

func found(rows []cloud.Document, notes []Problem) Found {
	list, strays := assemble(readResources(rows))
	Sort(list)
	return Found{Deployments: list, Notes: append(notes, strays...)}
}

// answered tells whether Resource Graph itself said no, so that another way
// may work. Without an answer, or without a sign-in, none would.
func answered(err error) bool {
	var e *cloud.Error
	return errors.As(err, &e) && e.Status >= http.StatusBadRequest && !cloud.IsUnauthorized(err)
}

func noSubscription() Problem {
	return Problem{Code: NoteNoSubscription, Sentence: "There is no subscription that this sign-in may read: it needs the role Reader, and must be signed in to the right tenant."}
}
