package sim

import "github.com/cartouche-gis/cartouche/internal/sim/arm"

// publicCloud is Azure's public cloud.
// Source: Azure CLI "cloud show", Azure SDK for Go cloud.AzurePublic.
var publicCloud = arm.Cloud{
	Name: "AzureCloud", Host: "management.azure.com", Login: "login.microsoftonline.com",
	Audiences:   []string{"https://management.core.windows.net/", "https://management.azure.com/"},
	VaultSuffix: "vault.azure.net", BlobSuffix: "core.windows.net",
	Portal: "https://portal.azure.com", Graph: "https://graph.windows.net/", Gallery: "https://gallery.azure.com/",
}

// loginAliases are the other names of the public cloud's login endpoint.
// Source: the instance discovery answer of login.microsoftonline.com.
var loginAliases = []string{"login.windows.net", "login.microsoft.com", "sts.windows.net"}
