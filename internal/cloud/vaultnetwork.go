package cloud

import (
	"fmt"
	"strings"
)

// VaultNetwork is from where a vault can be reached.
type VaultNetwork struct {
	// Public tells that the vault answers on its public address at all.
	Public bool
	// Firewall tells that, of public callers, only Addresses and Subnets are let in.
	Firewall bool
	// TrustedServices tells that certain services of Microsoft pass the firewall.
	TrustedServices bool
	// Addresses are the IP addresses and ranges that are let in.
	Addresses []string
	// Subnets are the ids of the subnets that are let in.
	Subnets []string
	// PrivateEndpoints are the ids of approved private endpoints.
	PrivateEndpoints []string
}

// Source: Microsoft.KeyVault 2024-11-01: publicNetworkAccess "is set to
// 'disabled' all traffic except private endpoint traffic and that originates
// from trusted services will be blocked"; networkAcls.defaultAction is used
// "when no rule from ipRules and from virtualNetworkRules match", bypass is
// AzureServices when it is not given.
func newVaultNetwork(properties map[string]any) VaultNetwork {
	rules := objectAt(properties, "networkAcls")
	network := VaultNetwork{
		Public:          !strings.EqualFold(textAt(properties, "publicNetworkAccess"), "Disabled"),
		Firewall:        strings.EqualFold(textAt(rules, "defaultAction"), "Deny"),
		TrustedServices: !strings.EqualFold(textAt(rules, "bypass"), "None"),
	}
	for _, item := range listAt(rules, "ipRules") {
		network.Addresses = append(network.Addresses, textAt(item, "value"))
	}
	for _, item := range listAt(rules, "virtualNetworkRules") {
		network.Subnets = append(network.Subnets, textAt(item, "id"))
	}
	for _, item := range listAt(properties, "privateEndpointConnections") {
		if strings.EqualFold(textAt(item, "properties", "privateLinkServiceConnectionState", "status"), "Approved") {
			network.PrivateEndpoints = append(network.PrivateEndpoints, textAt(item, "properties", "privateEndpoint", "id"))
		}
	}
	return network
}

// Open tells that everybody who may read the vault can reach it.
func (n VaultNetwork) Open() bool { return n.Public && !n.Firewall }

// Explain says in a few words who can reach the vault.
func (n VaultNetwork) Explain() string {
	var who []string
	switch {
	case n.Open():
		who = append(who, "all networks")
	case n.Public && len(n.Addresses)+len(n.Subnets) > 0:
		who = append(who, fmt.Sprintf("only %s and %s", count(len(n.Addresses), "address", "addresses"), count(len(n.Subnets), "subnet", "subnets")))
	default:
		who = append(who, "no public network")
	}
	if len(n.PrivateEndpoints) > 0 {
		who = append(who, count(len(n.PrivateEndpoints), "private endpoint", "private endpoints"))
	}
	if !n.Open() && n.TrustedServices {
		who = append(who, "trusted services")
	}
	return strings.Join(who, ", ")
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
