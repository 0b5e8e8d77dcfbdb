package cli

import (
	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// The groups of commands in the help.
const (
	groupTry    = "try"
	groupSignIn = "sign-in"
	groupLook   = "look"
	groupChange = "change"
)

func newRootCommand(a *program) *cobra.Command {
	root := &cobra.Command{
		Use:   "cartouche",
		Short: "Renew the certificate of an ArcGIS Enterprise deployment on Azure",
		Long: `Cartouche replaces the CA-issued TLS certificate of an ArcGIS Enterprise deployment
on Azure: it checks the certificate, shows the plan, changes the gateway in one write,
proves the result with TLS handshakes, and goes back by itself if the proof fails. It
also shows the certificates of the machines behind the gateway, and replaces them
(apply --internal).

On a terminal "cartouche" alone leads through all of it, step by step, and says at the
end which command does the same. Answers can be given beforehand, as flags of apply.`,
		Example: `  cartouche
  cartouche --cloud usgov --pfx new.pfx
  cartouche login
  cartouche deployments
  cartouche check new.pfx --for gis.example.com
  cartouche plan gis.example.com --pfx new.pfx
  cartouche apply gis.example.com --pfx new.pfx
  cartouche show gis.example.com --site-admin siteadmin --reach agent
  cartouche apply gis.example.com --internal issue`,
		Version:           a.env.Version,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
	}
	root.SetVersionTemplate("cartouche {{.Version}}\n")
	root.AddGroup(
		&cobra.Group{ID: groupTry, Title: "Try it"},
		&cobra.Group{ID: groupSignIn, Title: "Sign in"},
		&cobra.Group{ID: groupLook, Title: "Look"},
		&cobra.Group{ID: groupChange, Title: "Change"},
	)
	flags := root.PersistentFlags()
	flags.BoolVar(&a.flags.json, "json", false, "one JSON value on stdout, progress as JSON lines on stderr")
	flags.BoolVar(&a.Verbose, "verbose", false, "show every call to Azure on stderr")
	flags.BoolVar(&a.flags.noColor, "no-color", false, "no colours (also: NO_COLOR)")
	flags.BoolVar(&a.flags.accessible, "accessible", false, "nothing is rewritten on the terminal, for screen readers (also: ACCESSIBLE)")
	flags.SortFlags = false

	root.AddCommand(
		newDemoCommand(a),
		newSimCommand(a),
		newLoginCommand(a),
		newLogoutCommand(a),
		newAccountCommand(a),
		newDeploymentsCommand(a),
		newShowCommand(a),
		newVaultsCommand(a),
		newCertificatesCommand(a),
		newCheckCommand(a),
		newVerifyCommand(a),
		newHistoryCommand(a),
		newEvidenceCommand(a),
		newPlanCommand(a),
		newRehearseCommand(a),
		newApplyCommand(a),
		newUploadCommand(a),
		newUndoCommand(a),
		newCleanCommand(a),
		newUnlockCommand(a),
		newServeCommand(a),
		newVersionCommand(a),
	)
	a.guideCommand(root)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return app.Usage(cmd.CommandPath()+" --help", "%s", err)
	})
	root.SetHelpFunc(a.help)
	root.SetUsageFunc(func(cmd *cobra.Command) error { a.help(cmd, nil); return nil })
	return root
}
