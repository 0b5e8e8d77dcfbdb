package cloud

import (
	"fmt"
	"regexp"
	"strings"
)

// vaultNeed is what the vault's owner must grant for something to be done.
type vaultNeed struct {
	// kind and permissions are for access policies.
	kind        string
	permissions string
	// role is the smallest role of Azure that brings it.
	role string
}

// Source: "Azure built-in roles for Key Vault data plane operations": Key Vault
// Reader reads metadata and no secret values; Key Vault Secrets User reads
// secrets, also the secret part of a certificate with its key; Key Vault
// Certificates Officer does anything with certificates but permissions.
var (
	needList    = vaultNeed{"certificate", "get list", "Key Vault Reader"}
	needSecrets = vaultNeed{"secret", "list", "Key Vault Reader"}
	needKey     = vaultNeed{"secret", "get", "Key Vault Secrets User"}
	needImport  = vaultNeed{"certificate", "get list import recover", "Key Vault Certificates Officer"}
	needSecret  = vaultNeed{"secret", "get set", "Key Vault Secrets Officer"}
)

// vaultAttempt is an attempt in a vault, with what it needs.
type vaultAttempt struct {
	attempt
	vault *VaultClient
	need  vaultNeed
}

func (c *VaultClient) attempt(operation, object string, need vaultNeed) vaultAttempt {
	object = strings.TrimSpace(object + " of vault " + c.name)
	return vaultAttempt{attempt: attempt{operation: operation, object: object}, vault: c, need: need}
}

// failed makes an *Error, with what lets the caller in where it was kept out.
func (a vaultAttempt) failed(err error) error {
	if err == nil {
		return nil
	}
	failed := a.attempt.failed(err)
	e, ok := failed.(*Error)
	if !ok {
		return failed
	}
	if hint := a.hint(e); hint != "" {
		e.Hint = hint
	}
	if HasCode(e, "ForbiddenByPolicy", "ForbiddenByRbac", "ForbiddenByFirewall", "ForbiddenByConnection") {
		// What follows the first sentence is who asked, from where, in ten
		// lines, and the hint has taken from it what is needed.
		if sentence, _, more := strings.Cut(e.Message, ". "); more {
			e.Message = sentence
		}
	}
	return e
}

// caller and clientAddress are in the messages of refusals. Sources: the texts
// in "Troubleshooting Key Vault access policy issues" and in
// azure-sdk-for-go's recordings: "Caller: appid=…;oid=…;iss=…", "Client
// address: 203.0.113.7".
var (
	callerID      = regexp.MustCompile(`(?i)\boid=([0-9a-f-]{36})`)
	clientAddress = regexp.MustCompile(`(?i)client address:? (?:is )?([0-9a-f.:]{3,45})`)
)

func (a vaultAttempt) hint(e *Error) string {
	name := a.vault.name
	caller := "OBJECT-ID"
	if found := callerID.FindStringSubmatch(errorTexts(e)); found != nil {
		caller = found[1]
	}
	switch {
	case HasCode(e, "ForbiddenByFirewall"):
		address := "ADDRESS"
		if found := clientAddress.FindStringSubmatch(errorTexts(e)); found != nil {
			address = strings.TrimRight(found[1], ".:")
		}
		return fmt.Sprintf("the network rules of vault %s do not admit this computer: run Cartouche from a network that they admit, "+
			"or allow it: az keyvault network-rule add --name %s --ip-address %s", name, name, address)
	case HasCode(e, "ForbiddenByConnection"):
		return fmt.Sprintf("vault %s answers only at its private endpoint: run Cartouche on a computer in a network that has one; "+
			"az keyvault show --name %s --query properties.privateEndpointConnections", name, name)
	case HasCode(e, "ForbiddenByPolicy"):
		return fmt.Sprintf("no access policy of vault %s allows this: az keyvault set-policy --name %s --object-id %s --%s-permissions %s",
			name, name, caller, a.need.kind, a.need.permissions)
	case HasCode(e, "ForbiddenByRbac"):
		return fmt.Sprintf("a role is missing, which works some minutes after it was given: "+
			"az role assignment create --role %q --assignee %s --scope $(az keyvault show --name %s --query id --output tsv)",
			a.need.role, caller, name)
	case wrongTenant(e):
		tenant := "TENANT-ID"
		if known := a.vault.tenant.Load(); known != nil {
			tenant = clean(*known, 100)
		}
		return fmt.Sprintf("vault %s belongs to tenant %s: sign in to that one with --tenant %s", name, tenant, tenant)
	case isUnknownName(e.err):
		return fmt.Sprintf("there is no vault %s, or its name is known in a private network only, where Cartouche must then run: "+
			"az keyvault list --query \"[?name=='%s']\"", name, name)
	}
	return ""
}

// wrongTenant: a sign-in that cannot give tokens of the vault's tenant, or
// AKV10032, "Invalid issuer", for a token of another one.
func wrongTenant(e *Error) bool {
	texts := strings.ToLower(errorTexts(e))
	return strings.Contains(texts, "akv10032") || strings.Contains(texts, "invalid issuer") ||
		strings.Contains(texts, "acquire tokens for tenant")
}

func errorTexts(e *Error) string {
	texts := []string{e.Code, e.Message}
	for _, detail := range e.Details {
		texts = append(texts, detail.Code, detail.Message)
	}
	return strings.Join(texts, "\n")
}
