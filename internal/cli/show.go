package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

func newShowCommand(a *app) *cobra.Command {
	var azure azureFlags
	var site siteFlags
	var about target
	cmd := &cobra.Command{
		Use:     "show DEPLOYMENT | --gateway ID",
		GroupID: groupLook,
		Short:   "everything observed of a deployment, wire and configuration side by side",
		Long: `DEPLOYMENT is its name, id, DNS name, or the name or resource id of its gateway.
--gateway is for any other gateway: nothing but that gateway is read, and its names are
the host names of its HTTPS listeners, or those in its certificates, or --name.
Nothing is changed. With the site administrator's login, Portal is asked for its version
and for the validation of its federated servers.`,
		Example: `  cartouche show gis.example.com
  cartouche show gis.example.com --json
  cartouche show --gateway /subscriptions/ID/resourceGroups/web/providers/Microsoft.Network/applicationGateways/agw`,
		Args:              about.take,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			seen, err := a.look(ctx, about.choose, azure, site)
			if f, ok := errors.AsType[*failure](err); ok && f.Code == "cannot-update" {
				return a.showWithoutGateway(seen.state, f)
			}
			if err != nil {
				return err
			}
			if a.ui.json {
				return a.ui.value(seen.state)
			}
			a.ui.state(seen.state)
			return nil
		}),
	}
	about.add(cmd.Flags())
	azure.add(cmd.Flags())
	site.addSiteAdmin(cmd.Flags())
	return exits(cmd, exitDone, exitUnexpected, exitUsage, exitPreflight, exitInterrupted)
}

// look observes a deployment. What is prepared has no plan and no goal yet.
func (a *app) look(ctx context.Context, choose chooser, azure azureFlags, site siteFlags) (*prepared, error) {
	credentials, err := a.lookingLogins(site)
	if err != nil {
		return nil, err
	}
	session, err := a.connect(ctx, azure)
	if err != nil {
		return nil, err
	}
	chosen, err := choose(ctx, session)
	if err != nil {
		return nil, err
	}
	seen := &prepared{session: session, credentials: credentials, runner: session.runner(credentials)}
	seen.state, err = session.observe(ctx, seen.runner, chosen, rotation.Asked{})
	return seen, err
}

// state shows everything that was observed.
func (u *ui) state(state rotation.State) {
	d := state.Deployment
	u.say(deploymentTitle(d)...)
	u.fields(
		field{"names", words(strings.Join(d.Names(), ", "))},
		field{"layout", words(d.Layout())},
		field{"version", words(d.Version)},
		field{"resource group", words(d.ResourceGroup, faint(" in "), d.Location, faint(", subscription "), d.SubscriptionID)},
		field{"gateway", words(lastSegment(d.GatewayID), faint(", "), state.Gateway.ProvisioningState())},
		field{"managed by", words(d.ManagedBy)},
		field{"sites", words(siteList(state))},
		field{"machines", words(machineList(state))},
	)
	u.listeners(state)
	u.heading("Wire")
	u.handshakes(state.Wire, state.At)
	u.backends(state)
	u.sites(state.Sites)
	for _, problem := range d.Problems {
		u.item(u.outStyle.bullet(), problem.Sentence, faint(" ["+problem.Code+"]"))
	}
	if len(state.Obstacles) > 0 {
		u.heading("In the way of a change")
		u.findings(state.Obstacles)
	}
}

// deploymentTitle is the name, and the id where that says more.
func deploymentTitle(d deployment.Deployment) []any {
	if d.ID == d.Name {
		return []any{title(d.Name)}
	}
	return []any{title(d.Name), faint("  " + d.ID)}
}

// backends shows the machines by the short names that people know.
func (u *ui) backends(state rotation.State) {
	if len(state.Backends) == 0 {
		return
	}
	u.heading("Backends")
	for _, b := range state.Backends {
		name, _, _ := strings.Cut(b.Address, ".")
		if net.ParseIP(b.Address) != nil {
			name = b.Address
		}
		onAnotherPort := func(other cloud.BackendServer) bool { return other.Pool == b.Pool && other.Setting != b.Setting }
		of := " of " + b.Pool
		if slices.ContainsFunc(state.Backends, onAnotherPort) {
			of += ", " + b.Setting
		}
		if b.Up() {
			u.item(u.outStyle.tick(), name, faint(of))
			continue
		}
		u.item(u.outStyle.cross(), name, faint(of+": "), bad(b.Health), " ", b.Log)
	}
}

func (u *ui) sites(sites rotation.Sites) {
	if sites.PortalURL == "" && sites.ServerURL == "" {
		return
	}
	u.heading("Sites")
	if sites.ServerURL != "" {
		u.site("ArcGIS Server", sites.ServerURL, sites.ServerTrouble)
	}
	if sites.PortalURL != "" {
		name := "Portal"
		if sites.PortalVersion != "" {
			name += " " + sites.PortalVersion
		}
		u.site(name, sites.PortalURL, sites.PortalTrouble)
	}
	for _, f := range sites.Federation {
		text := f.Trouble
		if text == "" && !f.Validation.OK() {
			text = f.Validation.Status + ". " + strings.Join(f.Validation.Messages, " ")
		}
		u.site("federated server", f.Server.URL, text)
	}
}

func (u *ui) site(name, address, trouble string) {
	if trouble != "" {
		u.item(u.outStyle.cross(), name, faint(" "+address), ": ", trouble)
		return
	}
	u.item(u.outStyle.tick(), name, faint(" "+address))
}

func siteList(state rotation.State) string {
	var list []string
	for _, site := range state.Deployment.Sites {
		contexts := site.ServerContext
		if site.SecondContext != "" {
			contexts += ", " + site.SecondContext
		}
		list = append(list, fmt.Sprintf("%s (%s)", site.Role, contexts))
	}
	return strings.Join(list, ", ")
}

func machineList(state rotation.State) string {
	var list []string
	for _, machine := range state.Deployment.Machines {
		if state.Deployment.Generation == deployment.GitOps { // whose machines all have the name of their role
			list = append(list, machine.DeploymentID+"/"+machine.Name)
			continue
		}
		list = append(list, fmt.Sprintf("%s (%s)", machine.Name, strings.Join(machine.Roles, "+")))
	}
	return strings.Join(list, ", ")
}

// commonName is the shortest telling name of a described certificate.
func commonName(d pki.Description) string {
	for part := range strings.SplitSeq(d.Subject, ",") {
		if name, ok := strings.CutPrefix(part, "CN="); ok {
			return name
		}
	}
	return d.Subject
}
