package reach

import "github.com/cartouche-gis/cartouche/internal/cloud"

// Needs are the rights that a way takes at machines.
//
// What it takes at the storage account is not among them, because there are two
// ways in: Microsoft.Storage/storageAccounts/listKeys/action; or
// .../blobServices/containers/write and delete,
// .../blobServices/generateUserDelegationKey/action and the data actions
// .../containers/blobs/read, write, add/action and delete, which the role
// Storage Blob Data Contributor brings. Whoever has neither learns it when
// machines are first looked at, before anything is changed.
// Source: Azure resource provider operations of Microsoft.Compute and
// Microsoft.Storage.
func (a *agentWay) Needs(machines []Machine) []cloud.Need {
	return needsAt(machines, "read", "runCommands/read", "runCommands/write", "runCommands/delete")
}

// Needs are the rights that a way takes at machines.
func (d *dscWay) Needs(machines []Machine) []cloud.Need {
	return needsAt(machines, "read", "extensions/read", "extensions/write")
}

func needsAt(machines []Machine, operations ...string) []cloud.Need {
	var needs []cloud.Need
	for _, m := range machines {
		if m.ID == "" {
			continue
		}
		for _, operation := range operations {
			needs = append(needs, cloud.Need{Right: cloud.Right{Action: "Microsoft.Compute/virtualMachines/" + operation}, Scope: m.ID})
		}
	}
	return needs
}
