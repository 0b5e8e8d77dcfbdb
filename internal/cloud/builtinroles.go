package cloud

import "slices"

// builtInRole is one of Azure's own roles.
type builtInRole struct {
	name string
	grant
}

// builtInRoles are those that people are told to ask for, the narrowest first.
// Of what every service's role has besides (alerts, support, deployments)
// nothing is needed here.
// Source: Azure documentation, "Azure built-in roles".
var builtInRoles = []builtInRole{
	{"Key Vault Secrets User", grant{dataActions: []string{"Microsoft.KeyVault/vaults/secrets/getSecret/action", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"}}},
	{"Key Vault Reader", grant{actions: []string{"Microsoft.KeyVault/vaults/*/read"},
		dataActions: []string{"Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"}}},
	{"Key Vault Certificate User", grant{dataActions: []string{"Microsoft.KeyVault/vaults/certificates/read",
		"Microsoft.KeyVault/vaults/secrets/getSecret/action", "Microsoft.KeyVault/vaults/secrets/readMetadata/action", "Microsoft.KeyVault/vaults/keys/read"}}},
	{"Key Vault Certificates Officer", grant{dataActions: []string{"Microsoft.KeyVault/vaults/certificatecas/*",
		"Microsoft.KeyVault/vaults/certificates/*", "Microsoft.KeyVault/vaults/certificatecontacts/write"}}},
	{"Key Vault Secrets Officer", grant{dataActions: []string{"Microsoft.KeyVault/vaults/secrets/*"}}},
	{"Storage Account Key Operator Service Role", grant{actions: []string{"Microsoft.Storage/storageAccounts/listkeys/action",
		"Microsoft.Storage/storageAccounts/regeneratekey/action"}}},
	{"Storage Blob Data Contributor", grant{
		actions: []string{"Microsoft.Storage/storageAccounts/blobServices/containers/delete", "Microsoft.Storage/storageAccounts/blobServices/containers/read",
			"Microsoft.Storage/storageAccounts/blobServices/containers/write", "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"},
		dataActions: []string{"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete", "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
			"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write", "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action",
			"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action"}}},
	{"Tag Contributor", grant{actions: []string{"Microsoft.Resources/tags/*"}}},
	{"Reader", grant{actions: []string{"*/read"}}},
	{"Managed Identity Operator", grant{actions: []string{"Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
		"Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action", "Microsoft.Authorization/*/read"}}},
	{"Network Contributor", grant{actions: []string{"Microsoft.Network/*", "Microsoft.Authorization/*/read"}}},
	{"Virtual Machine Contributor", grant{actions: []string{"Microsoft.Compute/virtualMachines/*", "Microsoft.Authorization/*/read",
		"Microsoft.Storage/storageAccounts/listKeys/action", "Microsoft.Storage/storageAccounts/read"}}},
	{"Contributor", grant{actions: []string{"*"}, notActions: []string{"Microsoft.Authorization/*/Delete",
		"Microsoft.Authorization/*/Write", "Microsoft.Authorization/elevateAccess/Action"}}},
}

// RoleFor is a built-in role and what of the rights that were asked for it brings.
type RoleFor struct {
	// Role is its name; "" when no role that is known here brings them.
	Role   string
	Rights []Right
}

// SmallestRoles are the narrowest built-in roles that bring all the rights: one
// where one is enough, else for each right its own.
func SmallestRoles(rights []Right) []RoleFor {
	for _, role := range builtInRoles {
		if !slices.ContainsFunc(rights, func(right Right) bool { return !role.matches(right) }) {
			return []RoleFor{{Role: role.name, Rights: rights}}
		}
	}
	var roles []RoleFor
	for _, right := range rights {
		name := ""
		if i := slices.IndexFunc(builtInRoles, func(role builtInRole) bool { return role.matches(right) }); i >= 0 {
			name = builtInRoles[i].name
		}
		if i := slices.IndexFunc(roles, func(role RoleFor) bool { return role.Role == name }); i >= 0 {
			roles[i].Rights = append(roles[i].Rights, right)
			continue
		}
		roles = append(roles, RoleFor{Role: name, Rights: []Right{right}})
	}
	return roles
}
