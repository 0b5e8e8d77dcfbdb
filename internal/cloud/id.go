package cloud

import (
	"fmt"
	"strings"
)

// ResourceID is a resource id taken apart:
// /subscriptions/{s}/resourceGroups/{g}/providers/{namespace}/{type}/{name}.
type ResourceID struct {
	SubscriptionID string
	ResourceGroup  string
	// Type is namespace and type, of a child resource with all its types:
	// "Microsoft.Network/applicationGateways/sslCertificates".
	Type string
	// Name is the last name of the id.
	Name string
}

// ParseResourceID takes the id of a resource in a resource group apart. Azure
// spells ids in any case ("resourcegroups"), so only values keep theirs.
func ParseResourceID(id string) (ResourceID, error) {
	refused := fmt.Errorf("%q is not the id of a resource in a resource group", clean(id, 200))
	parts := strings.Split(strings.Trim(id, "/"), "/")
	if len(parts) < 8 || len(parts)%2 != 0 ||
		!strings.EqualFold(parts[0], "subscriptions") ||
		!strings.EqualFold(parts[2], "resourceGroups") ||
		!strings.EqualFold(parts[4], "providers") {
		return ResourceID{}, refused
	}
	for _, part := range parts {
		if part == "" {
			return ResourceID{}, refused
		}
	}
	kind := parts[5]
	for i := 6; i < len(parts); i += 2 {
		kind += "/" + parts[i]
	}
	return ResourceID{
		SubscriptionID: parts[1],
		ResourceGroup:  parts[3],
		Type:           kind,
		Name:           parts[len(parts)-1],
	}, nil
}

// GroupOf is the id of the resource group that a resource is in.
func GroupOf(id string) (string, error) {
	if _, err := ParseResourceID(id); err != nil {
		return "", err
	}
	parts := strings.Split(strings.Trim(id, "/"), "/")
	return "/" + strings.Join(parts[:4], "/"), nil
}

// SameID tells whether two resource ids name the same resource. Ids are
// case-insensitive, and Azure does change the case of what it was given.
func SameID(a, b string) bool {
	return strings.EqualFold(strings.TrimRight(a, "/"), strings.TrimRight(b, "/"))
}

// lastName is the last part of an id.
func lastName(id string) string {
	id = strings.TrimRight(id, "/")
	return id[strings.LastIndex(id, "/")+1:]
}
