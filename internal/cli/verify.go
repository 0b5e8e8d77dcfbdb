package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
)

func newVerifyCommand(a *program) *cobra.Command {
	var azure azureFlags
	var site siteFlags
	var about target
	var rootFiles []string
	var reach reachFlags
	cmd := &cobra.Command{
		Use:     "verify DEPLOYMENT | --gateway ID",
		GroupID: groupLook,
		Short:   "judge what a deployment serves against what is configured",
		Long: `Looks at every endpoint, the gateway's configuration, the backends, Portal and Server,
and says what is wrong: a certificate that ends soon, a chain that is not complete, an
address that serves something else than the gateway is configured with, a site that is
not healthy. Machines are judged, too, where they can be dialled from here, or with
--reach agent; with the site administrator's login also by what they are configured to
serve and what they trust. Nothing is changed.`,
		Example: `  cartouche verify gis.example.com
  cartouche verify gis.example.com --json
  cartouche verify gis.corp.example.com --roots company-root.pem`,
		Args:              about.take,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			return a.verify(ctx, about, azure, site, reach, rootFiles)
		}),
	}
	cmd.Flags().StringArrayVar(&rootFiles, "roots", nil, "more authorities that clients know (PEM, DER or PKCS#7), repeatable `FILE`")
	about.add(cmd.Flags())
	reach.add(cmd.Flags())
	azure.add(cmd.Flags())
	site.addSiteAdmin(cmd.Flags())
	site.addServiceAccount(cmd.Flags())
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight, app.ExitFindings, app.ExitInterrupted)
}

func (a *program) verify(ctx context.Context, about target, azure azureFlags, site siteFlags, reach reachFlags, rootFiles []string) error {
	seen, err := a.look(ctx, about.choose, azure, site, looking{flags: reach, when: app.Nearby})
	if err != nil {
		return err
	}
	roots, err := a.rootsWith(seen.Session.Network, rootFiles)
	if err != nil {
		return err
	}
	state := seen.State
	value, f := seen.Verify(roots)
	if a.ui.json {
		return answer(a.ui, value, f)
	}
	a.ui.say(title(state.Deployment.Name))
	a.ui.handshakes(state.Wire, state.At)
	a.ui.sites(state.Sites)
	a.ui.sayFindings(value.Findings)
	return told(f)
}
