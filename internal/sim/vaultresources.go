package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/entra"
)

const (
	vaultKind    = "Microsoft.KeyVault/vaults"
	identityKind = "Microsoft.ManagedIdentity/userAssignedIdentities"
)

// addGroup adds a resource group unless it is there.
func (w *World) addGroup(subscription, name string) {
	if w.manager.Document("/subscriptions/"+subscription+"/resourceGroups/"+name) == nil {
		w.manager.AddGroup(subscription, name, w.layout.Location, nil)
	}
}

func (w *World) addIdentity(identity identityFile) error {
	subscription, err := w.subscriptionNamed(identity.Subscription)
	if err != nil {
		return fmt.Errorf("identity %s: %w", identity.Name, err)
	}
	w.addGroup(subscription, identity.Group)
	id, principal, client := resourceID(subscription, identity.Group, identityKind, identity.Name), uuid.NewString(), uuid.NewString()
	if identity.Runner {
		w.runners = append(w.runners, entra.Identity{ClientID: client, ObjectID: principal, Name: identity.Name, ResourceID: id, Tenant: w.tenant})
		w.entra.SetIdentities(w.runners...)
	}
	// Source: Azure REST reference, User Assigned Identities - Get.
	return w.manager.Add(tree{"id": id, "location": w.layout.Location, "tags": tree{},
		"properties": tree{"tenantId": w.tenant.ID, "principalId": principal, "clientId": client, "isolationScope": "None"}})
}

func resourceID(subscription, group, kind, name string) string {
	return "/subscriptions/" + subscription + "/resourceGroups/" + group + "/providers/" + kind + "/" + name
}

// addVault adds the vault's resource.
// Source: Azure REST reference, Vaults - Get.
func (w *World) addVault(v *vaultFile) error {
	subscription, err := w.subscriptionNamed(v.Subscription)
	if err != nil {
		return fmt.Errorf("vault %s: %w", v.Name, err)
	}
	w.addGroup(subscription, v.Group)
	policies := []any{}
	for _, access := range v.Access {
		for _, principal := range w.principals(access.Who) {
			if !v.RBAC {
				policies = append(policies, tree{"tenantId": w.tenant.ID, "objectId": principal,
					"permissions": tree{"certificates": orNone(access.Certificates), "secrets": orNone(access.Secrets), "keys": []string{}}})
			}
		}
	}
	retention := v.Retention
	if retention == 0 {
		retention = 90
	}
	properties := tree{"tenantId": w.tenant.ID, "vaultUri": "https://" + w.vault.Host(v.Name) + "/", "sku": tree{"family": "A", "name": "standard"},
		"accessPolicies": policies, "enableRbacAuthorization": v.RBAC, "enabledForDeployment": false, "enabledForDiskEncryption": false, "enabledForTemplateDeployment": false, "enableSoftDelete": true, "softDeleteRetentionInDays": retention,
		"publicNetworkAccess": "Enabled", "provisioningState": "Succeeded"}
	if v.Protected { // it can be on, and absent, not off
		properties["enablePurgeProtection"] = true
	}
	if v.Closed {
		properties["publicNetworkAccess"] = "Disabled"
	}
	if v.Firewall {
		rules := []any{}
		for _, address := range v.Addresses {
			rules = append(rules, tree{"value": address})
		}
		properties["networkAcls"] = tree{"bypass": "AzureServices", "defaultAction": "Deny", "ipRules": rules, "virtualNetworkRules": []any{}}
	}
	id := resourceID(subscription, v.Group, vaultKind, v.Name)
	if v.Endpoint {
		properties["privateEndpointConnections"] = []any{tree{"id": id + "/privateEndpointConnections/" + v.Name + "-pe", "properties": tree{"provisioningState": "Succeeded",
			"privateEndpoint":                   tree{"id": resourceID(subscription, v.Group, "Microsoft.Network/privateEndpoints", v.Name+"-pe")},
			"privateLinkServiceConnectionState": tree{"status": "Approved", "actionsRequired": "None"}}}}
	}
	tags := v.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return w.manager.Add(tree{"id": id, "location": w.layout.Location, "tags": tags, "properties": properties, "systemData": w.madeBy("operator")})
}

// madeBy is who made a resource, and when, as its document tells.
// Source: Azure Resource Manager, systemData.
func (w *World) madeBy(name string) tree {
	when := w.ground.Clock.Now().AddDate(-1, 0, 0).UTC().Format(time.RFC3339)
	return tree{"createdBy": name, "createdByType": "User", "createdAt": when, "lastModifiedBy": name, "lastModifiedByType": "User", "lastModifiedAt": when}
}

func orNone(words []string) []string { return append([]string{}, words...) }

// principals are the object ids behind a name of a world's file.
func (w *World) principals(who string) []string {
	if who == operator {
		return w.operators()
	}
	if document, ok := w.identityNamed(who); ok {
		id, _ := document["properties"].(map[string]any)["principalId"].(string)
		return []string{id}
	}
	return nil
}

// identityNamed is an identity by its name, or by group and name where several
// have the same one.
func (w *World) identityNamed(name string) (map[string]any, bool) {
	group, own, found := strings.Cut(name, "/")
	if !found {
		return w.manager.Named(identityKind, name)
	}
	for _, identity := range w.layout.Identities {
		if identity.Group == group && identity.Name == own {
			subscription, err := w.subscriptionNamed(identity.Subscription)
			document := w.manager.Document(resourceID(subscription, group, identityKind, own))
			return document, err == nil && document != nil
		}
	}
	return nil, false
}

// operator is the name under which world files mean whoever runs rotations.
const operator = "operator"

// operators are the object ids of whoever runs rotations.
func (w *World) operators() []string {
	ids := []string{w.tenant.Applications[0].ObjectID}
	for _, runner := range w.runners {
		ids = append(ids, runner.ObjectID)
	}
	for _, p := range w.people {
		if w.rights[p.User] == operator {
			ids = append(ids, p.ObjectID)
		}
	}
	return ids
}

// vaultGrants are the roles that vaults with RBAC give to somebody, by name.
func (w *World) vaultGrants(who func(string) []string) []arm.Grant {
	var grants []arm.Grant
	for _, v := range w.layout.Vaults {
		document, found := w.manager.Named(vaultKind, v.Name)
		if !found || !v.RBAC {
			continue
		}
		for _, access := range v.Access {
			for _, principal := range who(access.Who) {
				id, _ := document["id"].(string)
				grants = append(grants, arm.RoleGrant(principal, id, access.Role))
			}
		}
	}
	return grants
}

// refer makes the gateway's certificate a reference to the vault, and gives
// the gateway its identity.
func (w *World) refer(p place, document tree) error {
	if p.Identity != "" {
		identity, ok := w.identityNamed(p.Identity)
		if !ok {
			return fmt.Errorf("there is no identity %q", p.Identity)
		}
		id, _ := identity["id"].(string)
		ids := identity["properties"].(map[string]any)
		document["identity"] = tree{"type": "UserAssigned", "userAssignedIdentities": tree{id: tree{"principalId": ids["principalId"], "clientId": ids["clientId"]}}}
	}
	if p.Certificate == nil {
		return nil
	}
	id := "https://" + w.vault.Host(p.Certificate.Vault) + "/secrets/" + p.Certificate.Name
	if p.Certificate.Versioned {
		id += "/" + w.vault.Versions(p.Certificate.Vault, p.Certificate.Name)[0]
	}
	// The first entry is the deployment's own; others are of other listeners.
	own := document["properties"].(tree)["sslCertificates"].([]any)[0].(tree)
	own["properties"] = tree{"keyVaultSecretId": id}
	return nil
}
