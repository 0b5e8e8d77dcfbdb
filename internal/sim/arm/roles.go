package arm

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// role is a role definition.
type role struct {
	id                          string
	actions, notActions         []string
	dataActions, notDataActions []string
}

// commonReads are in most built-in roles of the services.
var commonReads = []string{"Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*", "Microsoft.Resources/deployments/*",
	"Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Support/*"}

var vaultReads = join(commonReads, "Microsoft.KeyVault/checkNameAvailability/read", "Microsoft.KeyVault/deletedVaults/read", "Microsoft.KeyVault/locations/*/read",
	"Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/operations/read")

// roles are the built-in roles that a rotation meets.
// Source: Azure documentation, "Azure built-in roles"; what concerns other
// services is left out of Virtual Machine Contributor.
var roles = map[string]role{
	"Owner": {id: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", actions: []string{"*"}},
	"Contributor": {id: "b24988ac-6180-42a0-ab88-20f7382dd24c", actions: []string{"*"}, notActions: []string{
		"Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write", "Microsoft.Authorization/elevateAccess/Action",
		"Microsoft.Blueprint/blueprintAssignments/write", "Microsoft.Blueprint/blueprintAssignments/delete", "Microsoft.Compute/galleries/share/action"}},
	"Reader":                    {id: "acdd72a7-3385-48ef-bd42-f606fba81ae7", actions: []string{"*/read"}},
	"User Access Administrator": {id: "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", actions: []string{"*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"}},
	"Network Contributor":       {id: "4d97b98b-1d4f-4787-a291-c67834d212e7", actions: join(commonReads, "Microsoft.Network/*", "Microsoft.ResourceHealth/availabilityStatuses/read")},
	"Virtual Machine Contributor": {id: "9980e02c-c2be-4d73-94e8-173b1dc7cf3c", actions: join(commonReads, "Microsoft.Compute/availabilitySets/*", "Microsoft.Compute/locations/*",
		"Microsoft.Compute/virtualMachines/*", "Microsoft.Compute/virtualMachineScaleSets/*", "Microsoft.Compute/disks/write", "Microsoft.Compute/disks/read", "Microsoft.Compute/disks/delete",
		"Microsoft.Network/applicationGateways/backendAddressPools/join/action", "Microsoft.Network/networkInterfaces/*", "Microsoft.Network/networkSecurityGroups/join/action",
		"Microsoft.Network/networkSecurityGroups/read", "Microsoft.Network/publicIPAddresses/join/action", "Microsoft.Network/publicIPAddresses/read", "Microsoft.Network/virtualNetworks/read",
		"Microsoft.Network/virtualNetworks/subnets/join/action", "Microsoft.Storage/storageAccounts/listKeys/action", "Microsoft.Storage/storageAccounts/read")},
	"Tag Contributor": {id: "4a9ae827-6dc8-4573-8ac7-8239d42aa03f", actions: join(commonReads, "Microsoft.Resources/subscriptions/resourceGroups/resources/read",
		"Microsoft.Resources/subscriptions/resources/read", "Microsoft.Resources/tags/*")},
	"Managed Identity Operator": {id: "f1a07417-d97a-45cb-824c-7a7467783830", actions: join(commonReads, "Microsoft.ManagedIdentity/userAssignedIdentities/*/read", "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action")},
	"Managed Identity Contributor": {id: "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59", actions: join(commonReads, "Microsoft.ManagedIdentity/userAssignedIdentities/read",
		"Microsoft.ManagedIdentity/userAssignedIdentities/write", "Microsoft.ManagedIdentity/userAssignedIdentities/delete")},
	"Key Vault Contributor": {id: "f25e0fa2-a7c8-4377-a976-54943a77a395", actions: join(commonReads, "Microsoft.KeyVault/*"),
		notActions: []string{"Microsoft.KeyVault/locations/deletedVaults/purge/action", "Microsoft.KeyVault/hsmPools/*", "Microsoft.KeyVault/managedHsms/*"}},
	"Key Vault Administrator": {id: "00482a5a-887f-4fb3-b363-3b7fe8e74483", actions: vaultReads, dataActions: []string{"Microsoft.KeyVault/vaults/*"}},
	"Key Vault Reader":        {id: "21090545-7ca7-4776-b22c-e363652d74d2", actions: vaultReads, dataActions: []string{"Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"}},
	"Key Vault Certificates Officer": {id: "a4417e6f-fecd-4de8-b567-7b0420556985", actions: vaultReads, dataActions: []string{
		"Microsoft.KeyVault/vaults/certificatecas/*", "Microsoft.KeyVault/vaults/certificates/*", "Microsoft.KeyVault/vaults/certificatecontacts/write"}},
	"Key Vault Certificate User": {id: "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba", dataActions: []string{"Microsoft.KeyVault/vaults/certificates/read",
		"Microsoft.KeyVault/vaults/secrets/getSecret/action", "Microsoft.KeyVault/vaults/secrets/readMetadata/action", "Microsoft.KeyVault/vaults/keys/read"}},
	"Key Vault Secrets Officer": {id: "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", actions: vaultReads, dataActions: []string{"Microsoft.KeyVault/vaults/secrets/*"}},
	"Key Vault Secrets User": {id: "4633458b-17de-408a-b874-0445c86b69e6", dataActions: []string{
		"Microsoft.KeyVault/vaults/secrets/getSecret/action", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"}},
	"Storage Blob Data Contributor": {id: "ba92f5b4-2d11-453d-a403-e96b0029c9fe", actions: []string{"Microsoft.Storage/storageAccounts/blobServices/containers/delete",
		"Microsoft.Storage/storageAccounts/blobServices/containers/read", "Microsoft.Storage/storageAccounts/blobServices/containers/write",
		"Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"}, dataActions: []string{
		"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete", "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
		"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write", "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action",
		"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action"}},
}

func join(list []string, more ...string) []string { return append(slices.Clip(list), more...) }

// RoleGrant is a Grant of a built-in role, by its display name. An unknown
// name gives a role that allows nothing.
func RoleGrant(principal, scope, name string) Grant {
	r := roles[name]
	return Grant{Principal: principal, Scope: scope, Role: name, Actions: r.actions, NotActions: r.notActions, DataActions: r.dataActions, NotDataActions: r.notDataActions}
}

// roleOf is the definition behind a grant; one of no built-in name is a
// custom role, defined by what the grant allows.
func roleOf(grant Grant) role {
	if r, ok := roles[grant.Role]; ok {
		return r
	}
	return role{id: guidOf(grant.Role), actions: grant.Actions, notActions: grant.NotActions, dataActions: grant.DataActions, notDataActions: grant.NotDataActions}
}

// definitionID is how an assignment names its role: below its subscription.
func definitionID(scope, id string) string {
	parts := strings.SplitN(strings.Trim(scope, "/"), "/", 3)
	if len(parts) < 2 || !strings.EqualFold(parts[0], "subscriptions") {
		return "/providers/Microsoft.Authorization/roleDefinitions/" + id
	}
	return "/subscriptions/" + parts[1] + "/providers/Microsoft.Authorization/roleDefinitions/" + id
}

// definitions are the built-in roles and the custom ones that are assigned at
// or above the scope, or below it.
func (s *Server) definitions(scope string, filter authFilter) []any {
	list := []any{}
	add := func(name, kind string, r role, assignable string) {
		if filter.roleName != "" && !strings.EqualFold(filter.roleName, name) {
			return
		}
		list = append(list, map[string]any{"id": definitionID(scope, r.id), "name": r.id, "type": "Microsoft.Authorization/roleDefinitions",
			"properties": map[string]any{"roleName": name, "type": kind, "description": "", "assignableScopes": []string{assignable},
				"permissions": []any{map[string]any{"actions": orEmpty(r.actions), "notActions": orEmpty(r.notActions), "dataActions": orEmpty(r.dataActions), "notDataActions": orEmpty(r.notDataActions)}}}})
	}
	for _, name := range slices.Sorted(maps.Keys(roles)) {
		add(name, "BuiltInRole", roles[name], "/")
	}
	seen := map[string]bool{}
	for _, grant := range s.grants {
		if _, builtIn := roles[grant.Role]; !builtIn && !seen[grant.Role] && filter.shows(scope, grant.Scope) {
			seen[grant.Role] = true
			add(grant.Role, "CustomRole", roleOf(grant), grant.Scope)
		}
	}
	return list
}

// definition answers one role definition by its id, a GUID.
func (s *Server) definition(w http.ResponseWriter, c call, scope, id string) *failure {
	s.mu.Lock()
	list := s.definitions(scope, authFilter{})
	f := s.require(c.caller, "Microsoft.Authorization/roleDefinitions/read", scope)
	s.mu.Unlock()
	if f != nil {
		return f
	}
	for _, one := range list {
		if document := one.(map[string]any); strings.EqualFold(document["name"].(string), id) {
			answer(w, http.StatusOK, document)
			return nil
		}
	}
	return fail(http.StatusNotFound, "RoleDefinitionDoesNotExist", "The specified role definition with ID '%s' does not exist.", strings.ReplaceAll(id, "-", ""))
}
