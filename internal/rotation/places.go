package rotation

import (
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// placeNames are the words for resources, by type in lower case.
var placeNames = map[string]string{
	"microsoft.network/applicationgateways":                              "the gateway",
	"microsoft.network/virtualnetworks/subnets":                          "the subnet",
	"microsoft.network/publicipaddresses":                                "the public IP address",
	"microsoft.network/applicationgatewaywebapplicationfirewallpolicies": "the firewall policy",
	"microsoft.managedidentity/userassignedidentities":                   "the identity",
	"microsoft.compute/virtualmachines":                                  "the machine",
	"microsoft.storage/storageaccounts":                                  "the storage account",
	"microsoft.keyvault/vaults":                                          "the vault",
}

// placeName names a scope for people.
func placeName(scope string) string {
	if id, err := cloud.ParseResourceID(scope); err == nil {
		if word, known := placeNames[strings.ToLower(id.Type)]; known {
			return word + " " + id.Name
		}
		return id.Type + " " + id.Name
	}
	parts := strings.Split(strings.Trim(scope, "/"), "/")
	switch name := parts[len(parts)-1]; {
	case len(parts) == 2 && strings.EqualFold(parts[0], "subscriptions"):
		return "the subscription " + name
	case len(parts) == 4 && strings.EqualFold(parts[2], "resourceGroups"):
		return "the resource group " + name
	}
	return scope
}

func placeList(places []Place) string {
	var names []string
	for _, place := range places {
		names = append(names, placeName(place.Scope))
	}
	return inWords(names)
}

func actionList(rights []cloud.Right) string {
	var names []string
	for _, right := range rights {
		names = append(names, right.Action)
	}
	return inWords(names)
}

// inWords lists names as people do: "a, b and c".
func inWords(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
