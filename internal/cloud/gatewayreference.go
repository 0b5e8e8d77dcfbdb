package cloud

import (
	"context"
	"fmt"
	"strings"
)

// WithReference gives the document with a new certificate entry that refers to
// a secret in Key Vault, and with the named listeners pointing to it. Without a
// version at its end the gateway follows the secret to each new version.
func (g *Gateway) WithReference(name, secretID string, listeners []string) (Document, error) {
	if _, _, _, err := SplitSecretID(secretID); err != nil {
		return nil, fmt.Errorf("add certificate to gateway %s: %w", g.Name(), err)
	}
	return g.withEntry(name, map[string]any{"keyVaultSecretId": secretID}, listeners)
}

// GatewayIdentity is a user-assigned identity of the gateway, with which it
// reads Key Vault.
type GatewayIdentity struct {
	// ID is its resource id.
	ID string
	// PrincipalID is what vaults and roles know it by; "" when the gateway's
	// document does not tell.
	PrincipalID string
}

// Identities are the user-assigned identities, in the order of their ids.
func (g *Gateway) Identities() []GatewayIdentity {
	var identities []GatewayIdentity
	for _, id := range g.IdentityIDs() {
		identities = append(identities, GatewayIdentity{
			ID: id, PrincipalID: textAt(g.document, "identity", "userAssignedIdentities", id, "principalId"),
		})
	}
	return identities
}

// HasIdentity tells whether the identity is the gateway's.
func (g *Gateway) HasIdentity(id string) bool {
	for _, own := range g.IdentityIDs() {
		if SameID(own, id) {
			return true
		}
	}
	return false
}

// WithIdentity gives the document with one more user-assigned identity. Those
// that are there stay, a system-assigned one included.
// Source: ManagedServiceIdentity in azure-rest-api-specs, Microsoft.Network.
func (g *Gateway) WithIdentity(id string) (Document, error) {
	if parsed, err := ParseResourceID(id); err != nil || !strings.EqualFold(parsed.Type, "Microsoft.ManagedIdentity/userAssignedIdentities") {
		return nil, fmt.Errorf("give gateway %s an identity: %q is not the id of a user-assigned identity", g.Name(), clean(id, 200))
	}
	document := g.Document()
	if g.HasIdentity(id) {
		return document, nil
	}
	identity := objectAt(document, "identity")
	if identity == nil {
		identity = map[string]any{}
		document["identity"] = identity
	}
	switch kind := textAt(identity, "type"); {
	case kind == "" || strings.EqualFold(kind, "None"):
		identity["type"] = "UserAssigned"
	case strings.EqualFold(kind, "SystemAssigned"):
		identity["type"] = "SystemAssigned, UserAssigned"
	}
	assigned := objectAt(identity, "userAssignedIdentities")
	if assigned == nil {
		assigned = map[string]any{}
		identity["userAssignedIdentities"] = assigned
	}
	assigned[id] = map[string]any{}
	return document, nil
}

// IdentityPrincipal reads by which id vaults and roles know a user-assigned
// identity.
func (rm *ResourceManager) IdentityPrincipal(ctx context.Context, id string) (string, error) {
	document, err := rm.Get(ctx, id, IdentitiesAPI)
	if err != nil {
		return "", err
	}
	return textAt(document, "properties", "principalId"), nil
}
