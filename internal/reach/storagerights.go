package reach

import "github.com/cartouche-gis/cartouche/internal/cloud"

// StorageNeeds are the rights that this way takes at the storage account: one
// of the lists, the better first.
func (a *agentWay) StorageNeeds() [][]cloud.Need { return storageNeeds(a.options.Storage) }

// StorageNeeds are the rights that this way takes at the storage account: one
// of the lists, the better first.
func (d *dscWay) StorageNeeds() [][]cloud.Need { return storageNeeds(d.options.Storage) }

// storageNeeds are what private containers take: rights on the data, which need
// no key, or the account's keys.
// Source: Azure resource provider operations, Microsoft.Storage; "Create a user
// delegation SAS".
func storageNeeds(account cloud.StorageAccount) [][]cloud.Need {
	if account.ID == "" {
		return nil
	}
	need := func(action string, data bool) cloud.Need {
		return cloud.Need{Right: cloud.Right{Action: "Microsoft.Storage/storageAccounts/" + action, Data: data}, Scope: account.ID}
	}
	return [][]cloud.Need{{
		need("read", false),
		need("blobServices/generateUserDelegationKey/action", false),
		need("blobServices/containers/read", false), need("blobServices/containers/write", false), need("blobServices/containers/delete", false),
		need("blobServices/containers/blobs/read", true), need("blobServices/containers/blobs/write", true),
		need("blobServices/containers/blobs/add/action", true), need("blobServices/containers/blobs/delete", true),
	}, {
		need("read", false), need("listKeys/action", false),
	}}
}
