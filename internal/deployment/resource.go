package deployment

import (
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// The kinds of resources that can be part of a deployment, as types in lower
// case.
const (
	kindGateway = "microsoft.network/applicationgateways"
	kindAddress = "microsoft.network/publicipaddresses"
	kindMachine = "microsoft.compute/virtualmachines"
	kindSet     = "microsoft.compute/availabilitysets"
	kindZone    = "microsoft.network/privatednszones"
)

// resource is one row, whichever way it was read.
type resource struct {
	id           string
	kind         string
	name         string
	location     string
	group        string
	subscription string
	tags         tags
	document     cloud.Document
}

// readResources reads rows, each resource once, and leaves out what is none.
func readResources(rows []cloud.Document) []resource {
	list := make([]resource, 0, len(rows))
	seen := make(map[string]bool, len(rows))
	for _, row := range rows {
		r, ok := readResource(row)
		key := strings.ToLower(r.id)
		if !ok || seen[key] {
			continue
		}
		seen[key] = true
		list = append(list, r)
	}
	return list
}

// readResource goes by the id, which says where a resource is and of what
// type; the other columns repeat it in whatever case they like.
func readResource(row cloud.Document) (resource, bool) {
	const longest = 2048
	id, _ := row["id"].(string)
	parsed, err := cloud.ParseResourceID(id)
	if err != nil || clean(id, longest) != id {
		return resource{}, false
	}
	location, _ := row["location"].(string)
	return resource{
		id:           id,
		kind:         strings.ToLower(parsed.Type),
		name:         parsed.Name,
		location:     clean(location, maxTag),
		group:        parsed.ResourceGroup,
		subscription: parsed.SubscriptionID,
		tags:         readTags(row["tags"]),
		document:     row,
	}, true
}

// text is a string in the resource's properties, "" when there is none.
func (r resource) text(path ...string) string {
	var value any = map[string]any(r.document)
	for _, name := range append([]string{"properties"}, path...) {
		tree, _ := value.(map[string]any)
		value = tree[name]
	}
	text, _ := value.(string)
	return clean(text, maxTag)
}
