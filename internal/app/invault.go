package app

import (
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// InVault names a certificate in Key Vault, and says how listeners are to hold it.
type InVault struct {
	// Vault is its name, address or resource id.
	Vault, Certificate, Version string
	// Identity is the user-assigned identity that the gateway gets to read the vault.
	Identity          string
	Reference, Inline bool
}

// Check tells what does not go together; file is whether there is one.
func (f InVault) Check(file bool) error {
	switch {
	case f.Identity != "" && !isIdentity(f.Identity):
		return Usage("az identity list --query '[].id' --output tsv", "--identity %s is not the resource id of a user-assigned identity", f.Identity)
	case (f.Vault == "") != (f.Certificate == ""):
		return Usage("cartouche certificates --vault VAULT", "--vault and --certificate go together")
	case f.Version != "" && f.Vault == "":
		return Usage("--vault VAULT --certificate NAME --version VERSION", "--version needs a certificate")
	case f.Version != "" && file:
		return Usage("leave --version out", "a file becomes a new version of its own")
	case f.Reference && f.Inline:
		return Usage("choose one", "--reference and --inline exclude each other")
	case f.Version != "" && f.Reference:
		return Usage("choose one", "--reference follows the newest version, --version keeps to one")
	case f.Inline && f.Vault == "" && !file:
		return Usage("--pfx FILE, or --vault VAULT --certificate NAME", "--inline needs a certificate")
	}
	return nil
}

func isIdentity(id string) bool {
	parsed, err := cloud.ParseResourceID(id)
	return err == nil && strings.EqualFold(parsed.Type, "Microsoft.ManagedIdentity/userAssignedIdentities")
}

// Form is how listeners are to hold it.
func (f InVault) Form() rotation.Form {
	switch {
	case f.Reference:
		return rotation.FormReference
	case f.Inline:
		return rotation.FormInline
	}
	return rotation.FormFitting
}

// Named is the certificate that it names.
func (f InVault) Named(in cloud.Cloud) (rotation.InVault, error) {
	if f.Vault == "" {
		return rotation.InVault{}, nil
	}
	address, err := cloud.VaultAddress(in, f.Vault)
	if err != nil {
		return rotation.InVault{}, Usage("cartouche vaults", "--vault: %s", err)
	}
	named, ok := rotation.ParseInVault(strings.TrimSuffix(address+"/secrets/"+f.Certificate+"/"+f.Version, "/"))
	if !ok || named.Name != f.Certificate || named.Version != f.Version {
		return named, Usage("cartouche certificates --vault "+Quote(f.Vault), "--certificate %s: a name in Key Vault has letters, digits and hyphens", f.Certificate)
	}
	return named, nil
}

// VaultOfPlan is what a saved plan was made with.
func VaultOfPlan(plan rotation.Plan) InVault {
	f := InVault{Identity: plan.Identity, Reference: plan.Form == rotation.FormReference, Inline: plan.Form == rotation.FormInline}
	if plan.Vault != nil {
		f.Vault, f.Certificate, f.Version = plan.Vault.Vault, plan.Vault.Name, plan.Vault.Version
	}
	return f
}
