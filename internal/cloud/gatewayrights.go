package cloud

import (
	"cmp"
	"slices"
	"strings"
)

// Need is a right that something takes, and where.
type Need struct {
	Right
	// Scope is a resource, by its id.
	Scope string
}

// linkedActions are what a write of a gateway needs on the resources that the
// gateway stands on, by their type in lower case. Azure checks them again at
// every write, whatever has changed (error LinkedAuthorizationFailed).
// Source: Azure documentation, "Application Gateway infrastructure
// configuration", permissions.
var linkedActions = map[string][]string{
	"microsoft.network/virtualnetworks/subnets": {
		"Microsoft.Network/virtualNetworks/subnets/read", "Microsoft.Network/virtualNetworks/subnets/join/action"},
	"microsoft.network/publicipaddresses": {
		"Microsoft.Network/publicIPAddresses/read", "Microsoft.Network/publicIPAddresses/join/action"},
	"microsoft.network/applicationgatewaywebapplicationfirewallpolicies": {
		"Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies/join/action"},
}

// assignIdentity is needed on each identity of a gateway that is written.
const assignIdentity = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"

// WriteNeeds are the rights that a write of the gateway as it is takes: on
// itself, and on its subnets, public addresses, firewall policies and identities.
func (g *Gateway) WriteNeeds() []Need {
	needs := []Need{
		{Right{Action: "Microsoft.Network/applicationGateways/read"}, g.ID()},
		{Right{Action: "Microsoft.Network/applicationGateways/write"}, g.ID()},
	}
	for _, id := range g.references() {
		parsed, err := ParseResourceID(id)
		if err != nil {
			continue // not a resource in a group: nothing that a gateway joins
		}
		for _, action := range linkedActions[strings.ToLower(parsed.Type)] {
			needs = append(needs, Need{Right{Action: action}, id})
		}
	}
	for _, id := range g.IdentityIDs() {
		needs = append(needs, AssignNeed(id))
	}
	return needs
}

// AssignNeed is the right that giving an identity to a gateway takes.
func AssignNeed(identityID string) Need {
	return Need{Right{Action: assignIdentity}, identityID}
}

// references are the ids of other resources anywhere in the gateway's
// properties, sorted, each once.
func (g *Gateway) references() []string {
	var ids []string
	below := strings.ToLower(g.ID()) + "/"
	var walk func(value any)
	walk = func(value any) {
		switch value := value.(type) {
		case []any:
			for _, item := range value {
				walk(item)
			}
		case map[string]any:
			if id := textAt(value, "id"); id != "" && !strings.HasPrefix(strings.ToLower(id), below) {
				ids = append(ids, id)
			}
			for _, item := range value {
				walk(item)
			}
		}
	}
	walk(map[string]any(objectAt(g.document, "properties")))
	// Of several spellings of one id it is always the same one that stays.
	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(b, a))
	})
	return slices.CompactFunc(ids, SameID)
}
