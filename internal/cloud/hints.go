package cloud

import "strings"

// loginCommand stands in a hint for the command that signs in anew, which
// depends on the kind of sign-in.
const loginCommand = "LOGIN"

// hints say what one of Azure's codes means for the person who sees it, and
// what to do. Keys are lower-case. Sources: azure.md §2.2, §4 and §5 for
// Resource Manager and gateways, Microsoft's list of AADSTS error codes.
var hints = map[string]string{
	// Sign-in.
	"aadsts90002":   "the tenant does not exist in this cloud: check the tenant id and the cloud (public, usgov or china)",
	"aadsts900021":  "the tenant id is not a tenant id: look it up with: az account show --query tenantId",
	"aadsts700016":  "no application with this client id in the tenant: check the client id and the tenant id",
	"aadsts7000215": "the client secret is wrong (its value is needed, not its id): make a new one with: az ad app credential reset --id CLIENT-ID",
	"aadsts7000222": "the client secret has expired: make a new one with: az ad app credential reset --id CLIENT-ID",
	"aadsts7000112": "the application is disabled in the tenant: an administrator of the tenant can enable it",
	"aadsts700027":  "the certificate of the application is not known in the tenant",
	"aadsts500011":  "the tenant does not know this cloud's Resource Manager: check the cloud (public, usgov or china)",
	"aadsts50076":   "multi-factor authentication is asked for: sign in again with: " + loginCommand,
	"aadsts50079":   "multi-factor authentication must be set up first: sign in with: " + loginCommand,
	"aadsts53003":   "conditional access forbids signing in from here: use a computer or network that the tenant allows",
	"aadsts50173":   "the sign-in was withdrawn (password changed): sign in again with: " + loginCommand,
	"aadsts70008":   "the sign-in has expired: sign in again with: " + loginCommand,
	"aadsts70043":   "the sign-in has expired by conditional access: sign in again with: " + loginCommand,
	"aadsts700082":  "the sign-in has expired after long disuse: sign in again with: " + loginCommand,
	"aadsts70016":   "the sign-in in the browser was not finished yet",
	"aadsts65001":   "nobody has consented to this application in the tenant: an administrator can",
	"aadsts70020":   "the code was valid for some minutes only: sign in again with: " + loginCommand,
	"aadsts50126":   "user name or password is wrong",
	"aadsts65004":   "the consent was declined: sign in again and accept, or use another way: --sign-in azure-cli",
	"aadsts50058":   "sign in with: " + loginCommand,
	"aadsts50020":   "this account does not belong to the tenant: name its own tenant",

	// Authorization.
	"authorizationfailed": "the signed-in account lacks a role here; a new role assignment needs some minutes to work: " +
		"az role assignment list --assignee ACCOUNT --scope SCOPE --include-inherited",
	"linkedauthorizationfailed": "writing a gateway also needs the right to join its subnet and public IP address and to assign its identity: " +
		"ask for Network Contributor on the network and Managed Identity Operator on the identity",
	"invalidauthenticationtoken":       "sign in again: cartouche login (or az login)",
	"invalidauthenticationtokentenant": "the sign-in is for another tenant than the subscription: name the subscription's tenant with --tenant; cartouche account tenants lists them",
	"expiredauthenticationtoken":       "the sign-in has expired: cartouche login (or az login)",
	"scopelocked":                      "a lock forbids changes here: az lock list --resource-group GROUP",
	"requestdisallowedbypolicy":        "an Azure Policy of the organisation forbids this change",
	"subscriptionnotfound":             "the subscription does not exist or this account may not see it: cartouche account subscriptions lists those that it may; another tenant's need --tenant TENANT",
	"resourcegroupnotfound":            "the resource group does not exist: az group list",
	"resourcenotfound":                 "the resource does not exist, or no longer: az resource list --resource-group GROUP",
	"readonlydisabledsubscription":     "the subscription is disabled and can only be read",
	"missingsubscriptionregistration":  "the resource provider is not registered in the subscription; Cartouche does not register it by itself: az provider register --namespace NAMESPACE",
	"noregisteredproviderfound":        "this cloud does not know the API version that was asked for",
	"invalidapiversionparameter":       "this cloud does not know the API version that was asked for",
	"invalidresourcetype":              "this cloud does not know the resource type or API version that was asked for",
	"toomanyrequests":                  "Azure limits how fast a subscription may be asked: wait and run the same command again",
	"subscriptionrequeststhrottled":    "Azure limits how fast a subscription may be asked: wait and run the same command again",
	"ratelimiting":                     "Resource Graph limits how fast it may be asked: wait and run the same command again",

	// Gateway writes.
	"retryableerror":                                      "the gateway is busy with another change: wait, read it again, make the change anew",
	"anotheroperationinprogress":                          "the gateway is busy with another change: wait until it has ended and run the same command again",
	"canceledandsupersededduetoanotheroperation":          "somebody else wrote the gateway and so cancelled this change: find out who, then run the same command again",
	"preconditionfailed":                                  "the gateway was changed by somebody else since it was read: run the same command again",
	"preconditionfailedetagmismatch":                      "the gateway was changed by somebody else since it was read: run the same command again",
	"applicationgatewaysslcertificateinvaliddata":         "the gateway could not open the .pfx with its password: cartouche check FILE",
	"applicationgatewaysslcertificatedatamustbespecified": "a new certificate entry needs either data or a Key Vault reference",
	"duplicateresourcename":                               "two parts of the gateway have the same name",

	// Gateways with Key Vault. Source: application-gateway-key-vault-common-errors.
	"applicationgatewaykeyvaultsecretexception":              "the gateway could not read its certificate from Key Vault; its listeners may be disabled until it can",
	"applicationgatewaykeyvaultsecretaccessdenied":           "the gateway's identity may not read the secret: give it Key Vault Secrets User on the vault",
	"applicationgatewaykeyvaultsecretinvaliddata":            "the secret is not a .pfx: import it with content type application/x-pkcs12",
	"userassignedidentitydoesnothavegetpermissiononkeyvault": "the gateway's identity may not read the secret: give it Key Vault Secrets User on the vault",
	"userassignedmanagedidentitynotfound":                    "the gateway's identity does not exist any more: assign another one",
	"secretdisabled":                                         "the secret is disabled: enable its newest version in Key Vault",
	"secretdeletedfromkeyvault":                              "the secret was deleted: recover it in Key Vault",
	"keyvaulthasrestrictedaccess":                            "the vault's firewall keeps the gateway out: allow the gateway's subnet or trusted Microsoft services",
	"keyvaultsoftdeleted":                                    "the vault was deleted: recover it with: az keyvault recover --name VAULT",
	"objectisdeletedbutrecoverable":                          "a deleted secret holds the name: az keyvault secret recover --vault-name VAULT --name NAME, or take another name",
	"customerkeyvaultsubscriptiondisabled":                   "the vault's subscription is disabled",

	// Storage. Source: "Status and error codes" of Azure Storage.
	"authorizationfailure":               "the network rules of the storage account do not admit this computer: run Cartouche from a network that they admit",
	"authorizationpermissionmismatch":    "this sign-in may not use the account's data: give it the role Storage Blob Data Contributor on the account, which works some minutes later",
	"keybasedauthenticationnotpermitted": "the storage account takes no keys: give this sign-in the role Storage Blob Data Contributor on the account, which works some minutes later",
	"accountisdisabled":                  "the storage account is disabled",
}

// hintFor takes the innermost code that has a hint: it is the most telling one.
func hintFor(code string, details []ErrorDetail) string {
	for i := len(details) - 1; i >= 0; i-- {
		if hint := hints[strings.ToLower(details[i].Code)]; hint != "" {
			return hint
		}
	}
	return hints[strings.ToLower(code)]
}
