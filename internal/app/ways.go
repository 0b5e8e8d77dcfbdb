package app

import "github.com/cartouche-gis/cartouche/internal/cloud"

// Way is a way to sign in that makes sense for somebody who is asked.
type Way struct {
	Kind    cloud.SignInKind
	Text    string
	Refused string
}

// Ways are those, each with why it cannot be chosen now, if so.
func (a *App) Ways(asked SignInAsked) []Way {
	noPrincipal := "set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH) first"
	// Without a word by flag, the environment says which of the two it is.
	if kind, _, err := a.ChooseKind(SignInAsked{Tenant: asked.Tenant}); err == nil && kind == cloud.ServicePrincipal {
		noPrincipal = ""
	}
	return []Way{
		{cloud.Browser, "in the browser of this computer", ""},
		{cloud.DeviceCode, "by a code, in the browser of any computer", ""},
		{cloud.AzureCLI, "as Azure CLI is signed in (az login)", ""},
		{cloud.ServicePrincipal, "as a service principal, from the environment", noPrincipal},
		{cloud.ManagedIdentity, "as the managed identity of this machine", ""},
	}
}
