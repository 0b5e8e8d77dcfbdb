package cli

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// checkOptions are the flags of `check`.
type checkOptions struct {
	pfx           pfxFlags
	names         []string
	rootFiles     []string
	assumeTrusted bool
}

func newCheckCommand(a *program) *cobra.Command {
	var options checkOptions
	cmd := &cobra.Command{
		Use:     "check FILE.pfx | HOST[:PORT]",
		GroupID: groupLook,
		Short:   "judge a .pfx file, or what a host serves",
		Long: `The argument is a file when it exists or ends with .pfx or .p12, else a host.
Nothing is signed in to. A file is judged as for a roll-out: key, dates, names, usage,
algorithm, chain. A host is looked at by TLS handshakes with each of its addresses, with
a server name and without, through the proxy if the environment names one.

Known authorities are Mozilla's list, what SSL_CERT_FILE and SSL_CERT_DIR name, and --roots.`,
		Example: `  cartouche check new.pfx --password-file password.txt --for gis.example.com
  cartouche check gis.example.com
  cartouche check gis.example.com:7443 --roots company-ca.pem --json`,
		Args: oneArgument("which file or host", "cartouche check --help"),
	}
	flags := cmd.Flags()
	options.pfx.addPassword(flags)
	flags.StringArrayVar(&options.names, "for", nil, "name that the certificate must cover, repeatable `NAME`")
	flags.StringArrayVar(&options.rootFiles, "roots", nil, "more authorities to know (PEM, DER or PKCS#7), repeatable `FILE`")
	flags.BoolVar(&options.assumeTrusted, "assume-trusted", false, "accept a chain that ends at an authority that is not known")
	cmd.RunE = a.run(func(ctx context.Context, args []string) error {
		if isFile(args[0]) {
			options.pfx.file = args[0]
			return a.checkFile(ctx, options)
		}
		return a.checkHost(ctx, args[0], options)
	})
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitRefused, app.ExitFindings, app.ExitInterrupted)
}

// isFile tells what the argument of `check` means.
func isFile(argument string) bool {
	lower := strings.ToLower(argument)
	if strings.HasSuffix(lower, ".pfx") || strings.HasSuffix(lower, ".p12") {
		return true
	}
	info, err := os.Stat(argument)
	return err == nil && !info.IsDir()
}
