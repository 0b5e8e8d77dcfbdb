package cloud

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Gateway is a read-only view of an Application Gateway's document. Its edits
// ([Gateway.WithCertificate] and others) give new documents and leave it alone.
// A document may have any shape; what is not there is the zero value.
type Gateway struct {
	document Document
	id       ResourceID
}

// ParseGateway makes a view of a document from Resource Manager or Resource
// Graph, which it copies. It is an error only if there is no gateway's id in it.
func ParseGateway(document Document) (*Gateway, error) {
	if document == nil {
		return nil, errors.New("read gateway: there is no document")
	}
	id, err := ParseResourceID(textAt(document, "id"))
	if err != nil {
		return nil, fmt.Errorf("read gateway: %w", err)
	}
	if !strings.EqualFold(id.Type, "Microsoft.Network/applicationGateways") {
		return nil, fmt.Errorf("read gateway: %q is a %s", clean(id.Name, 200), clean(id.Type, 200))
	}
	return &Gateway{document: document.Clone(), id: id}, nil
}

// Document is a deep copy of the whole document.
func (g *Gateway) Document() Document { return g.document.Clone() }

// ID is the resource id, spelled as Azure spelled it.
func (g *Gateway) ID() string { return textAt(g.document, "id") }

// Name, ResourceGroup and SubscriptionID are taken from the id.
func (g *Gateway) Name() string { return g.id.Name }

// ResourceGroup is where the gateway is, which need not be where its
// deployment is.
func (g *Gateway) ResourceGroup() string { return g.id.ResourceGroup }

// SubscriptionID is a UUID.
func (g *Gateway) SubscriptionID() string { return g.id.SubscriptionID }

// Location is the region, e.g. "westeurope".
func (g *Gateway) Location() string { return textAt(g.document, "location") }

// ETag is for the If-Match of a write, e.g. W/"uuid"; "" from Resource Graph.
func (g *Gateway) ETag() string { return textAt(g.document, "etag") }

// ProvisioningState is how the last write went: Succeeded, Updating, Failed, Deleting.
func (g *Gateway) ProvisioningState() string {
	return textAt(g.document, "properties", "provisioningState")
}

// OperationalState is Running, Stopped, Starting or Stopping.
func (g *Gateway) OperationalState() string {
	return textAt(g.document, "properties", "operationalState")
}

// SKU is e.g. "Standard_v2", "WAF_v2" or, of the first generation, "WAF_Medium".
func (g *Gateway) SKU() string { return textAt(g.document, "properties", "sku", "name") }

// Tags are the gateway's tags. Azure does not mind the case of their names.
func (g *Gateway) Tags() map[string]string {
	tags := map[string]string{}
	for name, value := range objectAt(g.document, "tags") {
		if text, ok := value.(string); ok {
			tags[name] = text
		}
	}
	return tags
}

// IdentityIDs are the resource ids of the user-assigned identities, sorted. A
// gateway needs one to read Key Vault.
func (g *Gateway) IdentityIDs() []string {
	return slices.Sorted(maps.Keys(objectAt(g.document, "identity", "userAssignedIdentities")))
}

// Managers names who else writes this gateway, as far as its tags tell, and how
// that was seen. Whatever they write, they write whole documents: they may put
// an old certificate back (terraform-provider-azurerm#15463).
func (g *Gateway) Managers() []string {
	signs := []struct{ sign, manager string }{
		{"managed-by-k8s-ingress", "Application Gateway Ingress Controller"},
		{"ingress-for-aks-cluster-id", "Application Gateway Ingress Controller"},
		{"terraform", "Terraform"},
		{"opentofu", "OpenTofu"},
		{"pulumi", "Pulumi"},
		{"bicep", "Bicep"},
		{"crossplane", "Crossplane"},
		{"azd-env-name", "Azure Developer CLI"},
	}
	tags := g.Tags()
	var managers []string
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		said := strings.ToLower(name + "=" + tags[name])
		for _, s := range signs {
			if strings.Contains(said, s.sign) {
				managers = append(managers, fmt.Sprintf("%s (tag %s)", s.manager, clean(name, 100)))
				break
			}
		}
	}
	return managers
}

// BackendPool is an address pool of the gateway.
type BackendPool struct {
	Name string
	ID   string
	// Addresses are names or IP addresses.
	Addresses []string
	// Interfaces are the ids of the network interfaces that are in the pool by
	// themselves, whatever their address.
	Interfaces []string
}

// Pools are the backend address pools.
func (g *Gateway) Pools() []BackendPool {
	var pools []BackendPool
	for _, item := range g.children("backendAddressPools") {
		pool := BackendPool{Name: textAt(item, "name"), ID: g.childID("backendAddressPools", item)}
		for _, address := range listAt(item, "properties", "backendAddresses") {
			for _, kind := range []string{"fqdn", "ipAddress"} {
				if text := textAt(address, kind); text != "" {
					pool.Addresses = append(pool.Addresses, text)
				}
			}
		}
		for _, member := range listAt(item, "properties", "backendIPConfigurations") {
			// Of a network interface, whose configuration this is.
			if id, _, ok := strings.Cut(textAt(member, "id"), "/ipConfigurations/"); ok {
				pool.Interfaces = append(pool.Interfaces, id)
			}
		}
		pools = append(pools, pool)
	}
	return pools
}

// children are the objects of one of the gateway's lists.
func (g *Gateway) children(list string) []map[string]any {
	var children []map[string]any
	for _, item := range listAt(g.document, "properties", list) {
		if tree := objectAt(item); tree != nil {
			children = append(children, tree)
		}
	}
	return children
}

// childID is the id of a child, made from its name when it has none yet.
func (g *Gateway) childID(list string, child map[string]any) string {
	if id := textAt(child, "id"); id != "" {
		return id
	}
	return g.ID() + "/" + list + "/" + textAt(child, "name")
}
