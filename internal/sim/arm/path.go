package arm

import "strings"

// resourceID is a parsed identifier. Identifiers compare without letter case.
// Source: Azure Resource Manager, resource naming: ids are case-insensitive.
type resourceID struct {
	subscription string
	group        string
	kind         string // Microsoft.Network/applicationGateways, of a child its whole path of types
	name         string // of a child its whole path of names
}

// parseID reads "/subscriptions/s/resourceGroups/g/providers/ns/type/name…".
// ok tells whether it names one resource.
func parseID(id string) (parsed resourceID, ok bool) {
	parts := strings.Split(strings.Trim(id, "/"), "/")
	if len(parts) < 8 || len(parts)%2 != 0 ||
		!strings.EqualFold(parts[0], "subscriptions") || !strings.EqualFold(parts[2], "resourceGroups") || !strings.EqualFold(parts[4], "providers") {
		return resourceID{}, false
	}
	parsed = resourceID{subscription: parts[1], group: parts[3], kind: parts[5]}
	var names []string
	for i := 6; i < len(parts); i += 2 {
		parsed.kind += "/" + parts[i]
		names = append(names, parts[i+1])
	}
	parsed.name = strings.Join(names, "/")
	return parsed, true
}

// within tells whether id is scope or lies below it.
func within(id, scope string) bool {
	id, scope = strings.ToLower(strings.TrimRight(id, "/")), strings.ToLower(strings.TrimRight(scope, "/"))
	return id == scope || strings.HasPrefix(id, scope+"/")
}

func groupScope(subscription, group string) string {
	return "/subscriptions/" + subscription + "/resourceGroups/" + group
}
