package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
)

// cloud is one Azure cloud with all its names.
type cloud struct {
	arm.Cloud
	// LoginAliases are the other names of the login endpoint.
	LoginAliases []string
	// Issuer of v1 tokens, without the tenant; Instance and Region are in the
	// OpenID document.
	Issuer, Instance, Region string
	// Device is where people type a device code. guess: the last letters for
	// the national clouds.
	Device string
	// Storage is the audience of blobs, Apps the DNS suffix of public addresses.
	Storage, Apps string
}

// devicePath is where the login endpoint asks for a device code.
const devicePath = "/common/oauth2/deviceauth"

// clouds by the word that a world file and CARTOUCHE_CLOUD have for them.
// Source: Azure CLI "cloud show" for each; Azure SDK for Go, package cloud;
// MSAL's list of known authorities for the login aliases; Microsoft identity
// platform, "National clouds"; Azure Government and Azure China developer
// guides for the DNS suffixes.
var clouds = map[string]cloud{
	"public": {
		Cloud: arm.Cloud{
			Name: "AzureCloud", Host: "management.azure.com", Login: "login.microsoftonline.com",
			Audiences:   []string{"https://management.core.windows.net/", "https://management.azure.com/"},
			VaultSuffix: "vault.azure.net", BlobSuffix: "core.windows.net",
			Portal: "https://portal.azure.com", Graph: "https://graph.windows.net/", MicrosoftGraph: "https://graph.microsoft.com/", Gallery: "https://gallery.azure.com/",
		},
		LoginAliases: []string{"login.windows.net", "login.microsoft.com", "sts.windows.net"},
		Issuer:       "https://sts.windows.net/", Instance: "microsoftonline.com", Region: "EU",
		Device: "https://microsoft.com/devicelogin", Storage: "https://storage.azure.com/", Apps: "cloudapp.azure.com",
	},
	"usgov": {
		Cloud: arm.Cloud{
			Name: "AzureUSGovernment", Host: "management.usgovcloudapi.net", Login: "login.microsoftonline.us",
			Audiences:   []string{"https://management.core.usgovcloudapi.net/", "https://management.usgovcloudapi.net/"},
			VaultSuffix: "vault.usgovcloudapi.net", BlobSuffix: "core.usgovcloudapi.net",
			Portal: "https://portal.azure.us", Graph: "https://graph.windows.net/", MicrosoftGraph: "https://graph.microsoft.us/", Gallery: "https://gallery.usgovcloudapi.net/",
		},
		LoginAliases: []string{"login.usgovcloudapi.net"},
		// guess: the issuer of v1 tokens is the public cloud's.
		Issuer: "https://sts.windows.net/", Instance: "microsoftonline.us", Region: "USGov",
		Device: "https://microsoft.com/deviceloginus", Storage: "https://storage.azure.com/", Apps: "cloudapp.usgovcloudapi.net",
	},
	"china": {
		Cloud: arm.Cloud{
			Name: "AzureChinaCloud", Host: "management.chinacloudapi.cn", Login: "login.chinacloudapi.cn",
			Audiences:   []string{"https://management.core.chinacloudapi.cn/", "https://management.chinacloudapi.cn/"},
			VaultSuffix: "vault.azure.cn", BlobSuffix: "core.chinacloudapi.cn",
			Portal: "https://portal.azure.cn", Graph: "https://graph.chinacloudapi.cn/", MicrosoftGraph: "https://microsoftgraph.chinacloudapi.cn/", Gallery: "https://gallery.chinacloudapi.cn/",
		},
		LoginAliases: []string{"login.partner.microsoftonline.cn"},
		Issuer:       "https://sts.chinacloudapi.cn/", Instance: "partner.microsoftonline.cn", Region: "AS",
		Device: "https://microsoft.com/deviceloginchina", Storage: "https://storage.azure.com/", Apps: "chinacloudapp.cn",
	},
}

func findCloud(word string) (cloud, error) {
	if word == "" {
		word = "public"
	}
	found, ok := clouds[word]
	if !ok {
		return cloud{}, fmt.Errorf("there is no cloud %q: there are %s", word, strings.Join(slices.Sorted(maps.Keys(clouds)), ", "))
	}
	return found, nil
}

// otherClouds are those that this one's metadata names beside itself.
func otherClouds(than cloud) []arm.Cloud {
	var out []arm.Cloud
	for _, word := range slices.Sorted(maps.Keys(clouds)) {
		if clouds[word].Name != than.Name {
			out = append(out, clouds[word].Cloud)
		}
	}
	return out
}

// audiences are what tokens can be asked for.
func (c cloud) audiences() []string {
	return append(slices.Clone(c.Audiences), "https://"+c.VaultSuffix, c.Storage, c.MicrosoftGraph, c.Graph)
}
