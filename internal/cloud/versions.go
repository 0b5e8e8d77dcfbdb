package cloud

// The API versions that are asked for, one per resource type. A gateway must be
// written with a version at least as new as the last writer's: what an older
// version does not know is missing from its GET and so deleted by its PUT.
// Sources: the versions that Azure's Go SDK modules of November 2026 send.
const (
	// GatewayAPI is for Microsoft.Network/applicationGateways and publicIPAddresses.
	GatewayAPI = "2025-05-01"
	// SubscriptionsAPI is for /subscriptions and /tenants.
	SubscriptionsAPI = "2022-12-01"
	// ResourcesAPI is for lists of resources and of resource groups.
	ResourcesAPI = "2025-04-01"
	// GraphAPI is for Microsoft.ResourceGraph/resources.
	GraphAPI = "2024-04-01"
	// PermissionsAPI is for Microsoft.Authorization/permissions.
	PermissionsAPI = "2022-04-01"
	// DenyAssignmentsAPI is for Microsoft.Authorization/denyAssignments.
	DenyAssignmentsAPI = "2022-04-01"
	// RoleAssignmentsAPI is for Microsoft.Authorization/roleAssignments and
	// roleDefinitions.
	RoleAssignmentsAPI = "2022-04-01"
	// IdentitiesAPI is for Microsoft.ManagedIdentity/userAssignedIdentities.
	IdentitiesAPI = "2024-11-30"
	// TagsAPI is for Microsoft.Resources/tags. It is not the newest: later ones
	// may answer before they have done it.
	TagsAPI = "2021-04-01"
	// LocksAPI is for Microsoft.Authorization/locks.
	LocksAPI = "2016-09-01"
	// VaultsAPI is for Microsoft.KeyVault/vaults.
	VaultsAPI = "2024-11-01"
	// ComputeAPI is for Microsoft.Compute/virtualMachines and what hangs on
	// them. It is not the newest: nothing newer is needed, and the clouds of
	// governments have it too.
	ComputeAPI = "2024-07-01"
	// StorageAPI is for Microsoft.Storage/storageAccounts.
	StorageAPI = "2023-05-01"
)
