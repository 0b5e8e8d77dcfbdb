package cloud

import (
	"fmt"
	"strings"

	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
)

// Cloud is one of Azure's separate worlds. It is data: another cloud is
// another value.
type Cloud struct {
	// Name is what people call it on the command line: "public", "usgov", "china".
	Name string
	// AuthorityHost is the URL of Entra ID, with a slash at the end.
	AuthorityHost string
	// ResourceManager is the URL of Resource Manager, without one.
	ResourceManager string
	// Audience is the resource for which a token for Resource Manager is asked.
	Audience string
	// VaultSuffix and BlobSuffix follow the name of a vault or storage account
	// and a dot: "vault.azure.net", "blob.core.windows.net".
	VaultSuffix string
	BlobSuffix  string
	// PortalURL is the Azure portal, for links.
	PortalURL string
}

// Public is the Azure that most people mean.
// Source of all three: azcore's arm/runtime for authority, endpoint and audience;
// Azure's cloud metadata (/metadata/endpoints) for the suffixes.
func Public() Cloud {
	return Cloud{
		Name:            "public",
		AuthorityHost:   "https://login.microsoftonline.com/",
		ResourceManager: "https://management.azure.com",
		Audience:        "https://management.core.windows.net/",
		VaultSuffix:     "vault.azure.net",
		BlobSuffix:      "blob.core.windows.net",
		PortalURL:       "https://portal.azure.com",
	}
}

// USGovernment is the cloud of the United States government.
func USGovernment() Cloud {
	return Cloud{
		Name:            "usgov",
		AuthorityHost:   "https://login.microsoftonline.us/",
		ResourceManager: "https://management.usgovcloudapi.net",
		Audience:        "https://management.core.usgovcloudapi.net/",
		VaultSuffix:     "vault.usgovcloudapi.net",
		BlobSuffix:      "blob.core.usgovcloudapi.net",
		PortalURL:       "https://portal.azure.us",
	}
}

// China is the cloud in China, which 21Vianet runs.
func China() Cloud {
	return Cloud{
		Name:            "china",
		AuthorityHost:   "https://login.chinacloudapi.cn/",
		ResourceManager: "https://management.chinacloudapi.cn",
		Audience:        "https://management.core.chinacloudapi.cn/",
		VaultSuffix:     "vault.azure.cn",
		BlobSuffix:      "blob.core.chinacloudapi.cn",
		PortalURL:       "https://portal.azure.cn",
	}
}

// ByName finds a cloud by its name here or by a name that other tools use for
// it: Azure CLI ("AzureCloud", "AzureUSGovernment"), Terraform ("usgovernment"),
// the older SDKs ("AzurePublicCloud"). Case does not matter, "" is public.
func ByName(name string) (Cloud, error) {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "", "public", "azure", "azurecloud", "azurepublic", "azurepubliccloud", "commercial":
		return Public(), nil
	case "usgov", "usgovernment", "government", "gov", "azureusgovernment", "azureusgovernmentcloud", "azuregovernment":
		return USGovernment(), nil
	case "china", "azurechina", "azurechinacloud", "21vianet":
		return China(), nil
	}
	return Cloud{}, fmt.Errorf("unknown cloud %q: known are public (AzureCloud), usgov (AzureUSGovernment) and china (AzureChinaCloud)", name)
}

// configuration is the same in the SDK's words.
func (c Cloud) configuration() azcloud.Configuration {
	return azcloud.Configuration{
		ActiveDirectoryAuthorityHost: c.AuthorityHost,
		Services: map[azcloud.ServiceName]azcloud.ServiceConfiguration{
			azcloud.ResourceManager: {Endpoint: c.ResourceManager, Audience: c.Audience},
		},
	}
}
