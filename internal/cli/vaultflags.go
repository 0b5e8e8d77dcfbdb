package cli

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// sourcesText says where a certificate may come from.
const sourcesText = `Where the certificate comes from:
  --pfx FILE   a file; it goes to the gateway, or, where a listener follows a
               certificate in Key Vault, there as a new version
  --vault VAULT --certificate NAME
               Key Vault; a gateway that may read the vault gets a reference,
               and the key is never read
  both         the file is imported into the vault first
  neither      what listeners follow in Key Vault: when it was renewed there,
               one write makes the gateway look again`

// vaultFlags name a certificate in Key Vault, and how listeners are to hold it.
type vaultFlags struct {
	vault, certificate, version string
	identity                    string
	reference, inline           bool
}

func (f *vaultFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.vault, "vault", "", "the Key Vault: its name, address or resource id `VAULT`")
	flags.StringVar(&f.certificate, "certificate", "", "the certificate in it, or the secret that holds a .pfx `NAME`")
	flags.StringVar(&f.version, "version", "", "this version only, for ever, instead of always the newest `VERSION`")
	flags.BoolVar(&f.reference, "reference", false, "listeners refer to Key Vault and follow its newest version, or nothing is changed")
	flags.BoolVar(&f.inline, "inline", false, "copy the certificate with its key to the gateway, also where it could refer to Key Vault")
	flags.StringVar(&f.identity, "identity", "", "user-assigned identity that the gateway gets to read the vault, if it has none that may `ID`")
	groupFlags(flags, "Key Vault", "vault", "certificate", "version", "reference", "inline", "identity")
}

// check tells what does not go together; file is whether there is one.
func (f vaultFlags) check(file bool) error {
	switch {
	case f.identity != "" && !isIdentity(f.identity):
		return app.Usage("az identity list --query '[].id' --output tsv", "--identity %s is not the resource id of a user-assigned identity", f.identity)
	case (f.vault == "") != (f.certificate == ""):
		return app.Usage("cartouche certificates --vault VAULT", "--vault and --certificate go together")
	case f.version != "" && f.vault == "":
		return app.Usage("--vault VAULT --certificate NAME --version VERSION", "--version needs a certificate")
	case f.version != "" && file:
		return app.Usage("leave --version out", "a file becomes a new version of its own")
	case f.reference && f.inline:
		return app.Usage("choose one", "--reference and --inline exclude each other")
	case f.version != "" && f.reference:
		return app.Usage("choose one", "--reference follows the newest version, --version keeps to one")
	case f.inline && f.vault == "" && !file:
		return app.Usage("--pfx FILE, or --vault VAULT --certificate NAME", "--inline needs a certificate")
	}
	return nil
}

func isIdentity(id string) bool {
	parsed, err := cloud.ParseResourceID(id)
	return err == nil && strings.EqualFold(parsed.Type, "Microsoft.ManagedIdentity/userAssignedIdentities")
}

func (f vaultFlags) form() rotation.Form {
	switch {
	case f.reference:
		return rotation.FormReference
	case f.inline:
		return rotation.FormInline
	}
	return rotation.FormFitting
}

// named is the certificate that the flags name.
func (f vaultFlags) named(in cloud.Cloud) (rotation.InVault, error) {
	if f.vault == "" {
		return rotation.InVault{}, nil
	}
	address, err := cloud.VaultAddress(in, f.vault)
	if err != nil {
		return rotation.InVault{}, app.Usage("cartouche vaults", "--vault: %s", err)
	}
	named, ok := rotation.ParseInVault(strings.TrimSuffix(address+"/secrets/"+f.certificate+"/"+f.version, "/"))
	if !ok || named.Name != f.certificate || named.Version != f.version {
		return named, app.Usage("cartouche certificates --vault "+app.Quote(f.vault), "--certificate %s: a name in Key Vault has letters, digits and hyphens", f.certificate)
	}
	return named, nil
}

// flagsOfPlan are the flags that a saved plan was made with.
func flagsOfPlan(plan rotation.Plan) vaultFlags {
	f := vaultFlags{identity: plan.Identity, reference: plan.Form == rotation.FormReference, inline: plan.Form == rotation.FormInline}
	if plan.Vault != nil {
		f.vault, f.certificate, f.version = plan.Vault.Vault, plan.Vault.Name, plan.Vault.Version
	}
	return f
}

// words are the flags as they are typed.
func (f vaultFlags) words() string {
	var text strings.Builder
	for _, flag := range []struct{ name, value string }{
		{"vault", f.vault}, {"certificate", f.certificate}, {"version", f.version}, {"identity", f.identity},
	} {
		if flag.value != "" {
			text.WriteString(" --" + flag.name + " " + app.Quote(flag.value))
		}
	}
	if f.reference {
		text.WriteString(" --reference")
	}
	if f.inline {
		text.WriteString(" --inline")
	}
	return text.String()
}
