package cloud

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Subscription is a subscription that the caller may see.
type Subscription struct {
	ID   string
	Name string
	// State is Enabled, Warned, PastDue, Disabled or Deleted.
	State    string
	TenantID string
}

// Subscriptions lists the subscriptions of the sign-in's tenant, by name: Azure
// has no order, and there may be a thousand.
func (rm *ResourceManager) Subscriptions(ctx context.Context) ([]Subscription, error) {
	items, err := rm.List(ctx, "/subscriptions", SubscriptionsAPI, nil)
	if err != nil {
		return nil, err
	}
	var subscriptions []Subscription
	for _, item := range items {
		subscriptions = append(subscriptions, Subscription{
			ID:       textAt(item, "subscriptionId"),
			Name:     textAt(item, "displayName"),
			State:    textAt(item, "state"),
			TenantID: textAt(item, "tenantId"),
		})
	}
	slices.SortStableFunc(subscriptions, func(a, b Subscription) int { return byNameThenID(a.Name, b.Name, a.ID, b.ID) })
	return subscriptions, nil
}

// byNameThenID compares what people look for by its name.
func byNameThenID(name, other, id, otherID string) int {
	return cmp.Or(strings.Compare(strings.ToLower(name), strings.ToLower(other)), strings.Compare(id, otherID))
}

// Tenant is a tenant in which the caller is known.
type Tenant struct {
	ID string
	// Name and Domain may be missing for a tenant that the sign-in cannot read.
	Name   string
	Domain string
	// Domains are all names of the tenant, in no order.
	Domains []string
}

// Tenants lists the tenants of a person: their own, and those they are a guest
// in, by name. Source: REST reference, Tenants - List.
func (rm *ResourceManager) Tenants(ctx context.Context) ([]Tenant, error) {
	items, err := rm.List(ctx, "/tenants", SubscriptionsAPI, nil)
	if err != nil {
		return nil, err
	}
	var tenants []Tenant
	for _, item := range items {
		tenants = append(tenants, Tenant{
			ID:      textAt(item, "tenantId"),
			Name:    textAt(item, "displayName"),
			Domain:  textAt(item, "defaultDomain"),
			Domains: textsAt(item, "domains"),
		})
	}
	slices.SortStableFunc(tenants, func(a, b Tenant) int { return byNameThenID(a.Name, b.Name, a.ID, b.ID) })
	return tenants, nil
}

// ListTagged lists the resources of a subscription that have any of the named
// tags, each once: id, name, type, location and tags, without properties. It is
// for where Resource Graph is refused.
func (rm *ResourceManager) ListTagged(ctx context.Context, subscription string, tagNames ...string) ([]Document, error) {
	var resources []Document
	seen := map[string]bool{}
	for _, name := range tagNames {
		filter := fmt.Sprintf("tagName eq '%s'", quoted(name))
		items, err := rm.List(ctx, "/subscriptions/"+subscription+"/resources", ResourcesAPI, url.Values{"$filter": {filter}})
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			id := strings.ToLower(textAt(item, "id"))
			if !seen[id] {
				seen[id] = true
				resources = append(resources, item)
			}
		}
	}
	return resources, nil
}

// PublicIP is a public IP address resource.
type PublicIP struct {
	// IP is "" while none is allocated.
	IP string
	// FQDN is Azure's own name for it, "" when it has none.
	FQDN string
}

// PublicIPAddress reads a public IP address resource.
func (rm *ResourceManager) PublicIPAddress(ctx context.Context, id string) (PublicIP, error) {
	document, err := rm.Get(ctx, id, GatewayAPI)
	if err != nil {
		return PublicIP{}, err
	}
	return PublicIP{
		IP:   textAt(document, "properties", "ipAddress"),
		FQDN: textAt(document, "properties", "dnsSettings", "fqdn"),
	}, nil
}

// BackendServer is a machine behind the gateway as the gateway's probes see it.
type BackendServer struct {
	// Pool and Setting are names of the gateway's children.
	Pool    string `json:"pool"`
	Setting string `json:"setting,omitempty"`
	Address string `json:"address"`
	// Health is Up, Down, Partial, Draining or Unknown by the REST reference;
	// live gateways have been seen to say Healthy and Unhealthy.
	Health string `json:"health"`
	// Log is why, in the gateway's words.
	Log string `json:"log,omitempty"`
}

// Up tells whether the gateway sends requests there.
func (s BackendServer) Up() bool {
	return strings.EqualFold(s.Health, "Up") || strings.EqualFold(s.Health, "Healthy")
}

// BackendHealth asks the gateway how its backends are, which takes some
// seconds. It changes nothing, so it may be repeated.
func (rm *ResourceManager) BackendHealth(ctx context.Context, gatewayID string) ([]BackendServer, error) {
	a := attempt{operation: "read backend health of", object: describe(gatewayID)}
	document, err := rm.post(ctx, ctx, a, gatewayID, "backendhealth", GatewayAPI, nil)
	if err != nil {
		return nil, err
	}
	var servers []BackendServer
	for _, pool := range listAt(document, "backendAddressPools") {
		name := lastName(textAt(pool, "backendAddressPool", "id"))
		for _, setting := range listAt(pool, "backendHttpSettingsCollection") {
			settingName := lastName(textAt(setting, "backendHttpSettings", "id"))
			for _, server := range listAt(setting, "servers") {
				servers = append(servers, BackendServer{
					Pool:    name,
					Setting: settingName,
					Address: textAt(server, "address"),
					Health:  textAt(server, "health"),
					Log:     clean(textAt(server, "healthProbeLog"), maximumText),
				})
			}
		}
	}
	return servers, nil
}
