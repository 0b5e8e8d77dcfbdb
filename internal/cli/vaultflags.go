package cli

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/app"
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
type vaultFlags struct{ app.InVault }

func (f *vaultFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.Vault, "vault", "", "the Key Vault: its name, address or resource id `VAULT`")
	flags.StringVar(&f.Certificate, "certificate", "", "the certificate in it, or the secret that holds a .pfx `NAME`")
	flags.StringVar(&f.Version, "version", "", "this version only, for ever, instead of always the newest `VERSION`")
	flags.BoolVar(&f.Reference, "reference", false, "listeners refer to Key Vault and follow its newest version, or nothing is changed")
	flags.BoolVar(&f.Inline, "inline", false, "copy the certificate with its key to the gateway, also where it could refer to Key Vault")
	flags.StringVar(&f.Identity, "identity", "", "user-assigned identity that the gateway gets to read the vault, if it has none that may `ID`")
	groupFlags(flags, "Key Vault", "vault", "certificate", "version", "reference", "inline", "identity")
}

// words are the flags as they are typed.
func (f vaultFlags) words() string {
	var text strings.Builder
	for _, flag := range []struct{ name, value string }{
		{"vault", f.Vault}, {"certificate", f.Certificate}, {"version", f.Version}, {"identity", f.Identity},
	} {
		if flag.value != "" {
			text.WriteString(" --" + flag.name + " " + app.Quote(flag.value))
		}
	}
	if f.Reference {
		text.WriteString(" --reference")
	}
	if f.Inline {
		text.WriteString(" --inline")
	}
	return text.String()
}
