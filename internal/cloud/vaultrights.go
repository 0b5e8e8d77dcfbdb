package cloud

import (
	"fmt"
	"slices"
	"strings"
)

// The data actions that Cartouche uses in a vault whose access is by roles.
// Source: Azure documentation, "Azure permissions for Security", Microsoft.KeyVault.
const (
	ReadCertificates   = "Microsoft.KeyVault/vaults/certificates/read"
	ImportCertificate  = "Microsoft.KeyVault/vaults/certificates/import/action"
	RecoverCertificate = "Microsoft.KeyVault/vaults/certificates/recover/action"
	ReadSecret         = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
	WriteSecret        = "Microsoft.KeyVault/vaults/secrets/setSecret/action"
)

// policyWords are the permissions of an access policy that stand for a data
// action, by kind.
// Source: Azure documentation, "Migrate from vault access policy to an Azure
// role-based access control permission model".
var policyWords = map[string]struct {
	kind  string
	words []string
}{
	ReadCertificates:   {VaultCertificates, []string{"get", "list"}},
	ImportCertificate:  {VaultCertificates, []string{"import"}},
	RecoverCertificate: {VaultCertificates, []string{"recover"}},
	ReadSecret:         {VaultSecrets, []string{"get"}},
	WriteSecret:        {VaultSecrets, []string{"set"}},
}

// PolicyAllowsData tells whether access policies that name a principal itself
// give it what a data action stands for. A policy for a group that it is in may
// do so as well, and does not count here.
func (v Vault) PolicyAllowsData(objectID, dataAction string) bool {
	needed, known := policyWords[dataAction]
	return known && !slices.ContainsFunc(needed.words, func(word string) bool { return !v.PolicyAllows(objectID, needed.kind, word) })
}

// SetPolicyCommand is what somebody who may change the vault types to give a
// principal what data actions stand for.
func (v Vault) SetPolicyCommand(objectID string, dataActions []string) string {
	if objectID == "" {
		objectID = "OBJECT-ID-OF-THE-ACCOUNT"
	}
	command := fmt.Sprintf("az keyvault set-policy --name %s --object-id %s", ShellWord(v.Name), ShellWord(objectID))
	for _, kind := range []string{VaultCertificates, VaultSecrets} {
		var words []string
		for _, action := range dataActions {
			if needed := policyWords[action]; needed.kind == kind {
				words = append(words, needed.words...)
			}
		}
		if len(words) > 0 {
			command += fmt.Sprintf(" --%s-permissions %s", strings.TrimSuffix(kind, "s"), strings.Join(words, " "))
		}
	}
	return command
}
