package cli

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

func newShowCommand(a *program) *cobra.Command {
	var azure azureFlags
	var site siteFlags
	var about target
	var reach reachFlags
	var at string
	cmd := &cobra.Command{
		Use:     "show DEPLOYMENT | --gateway ID",
		GroupID: groupLook,
		Short:   "everything observed of a deployment, wire and configuration side by side",
		Long: `DEPLOYMENT is its name, id, DNS name, or the name or resource id of its gateway.
--gateway is for any other gateway: nothing but that gateway is read, and its names are
the host names of its HTTPS listeners, or those in its certificates, or --name.
Nothing is changed. Where the machines can be dialled from here, what each port serves is
shown, too; with the site administrator's login also what it is configured to serve, what
its trust store holds, and how Portal validates its federated servers. From outside the
virtual network --reach agent has a small program look, which Azure runs on each machine
and which leaves nothing.

--at says what will have gone dark by a day, and judges everything as of that day.`,
		Example: `  cartouche show gis.example.com
  cartouche show gis.example.com --json
  cartouche show gis.example.com --site-admin siteadmin --reach agent
  cartouche show gis.example.com --at 2027-06-30
  cartouche show --gateway /subscriptions/ID/resourceGroups/web/providers/Microsoft.Network/applicationGateways/agw`,
		Args:              about.take,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			day, err := a.DayAsked(at)
			if err != nil {
				return err
			}
			seen, err := a.look(ctx, about.choose, azure, site, looking{flags: reach, when: app.Nearby})
			if f := app.NoGateway(err); f != nil {
				return a.showWithoutGateway(ctx, seen, f)
			}
			if err != nil {
				return err
			}
			return a.show(ctx, seen, day)
		}),
	}
	about.add(cmd.Flags())
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&at, "at", "", "judge everything as of this day, for example 2027-06-30 `DAY`")
	reach.add(cmd.Flags())
	azure.add(cmd.Flags())
	site.addSiteAdmin(cmd.Flags())
	site.addServiceAccount(cmd.Flags())
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight, app.ExitInterrupted)
}

// looking is how a command that looks treats the machines, as its flags say.
type looking struct {
	flags   reachFlags
	when    app.When
	changes bool
	lease   leaseFlags
}

// look observes a deployment. What is prepared has no plan and no goal yet.
func (a *program) look(ctx context.Context, choose chooser, azure azureFlags, site siteFlags, at looking) (*prepared, error) {
	if err := at.flags.check(true); err != nil {
		return nil, err
	}
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
	reach, err := a.reachAsked(at.flags)
	if err != nil {
		return nil, err
	}
	seen, err := session.Look(ctx, chosen, credentials, app.Looking{Reach: reach, When: at.when, Changes: at.changes, NoLease: at.lease.none})
	return &prepared{Prepared: seen}, err
}

// show shows what was seen, as of a day if one is given.
func (a *program) show(ctx context.Context, seen *prepared, day time.Time) error {
	value, internal, unread := a.Show(ctx, seen.Prepared, day)
	asOf := seen.State.At
	if value.JudgedAt != nil {
		asOf = *value.JudgedAt
	}
	if a.ui.json {
		return a.ui.value(value)
	}
	state := seen.State
	state.At = asOf
	state.Obstacles = append(state.OutOfPools(), state.Obstacles...)
	a.ui.state(state, value.SubscriptionName, seen.Access, whoWorks(value.Claims))
	if unread != nil && !cloud.IsForbidden(unread) {
		a.ui.warn(unread.Error())
	}
	if len(value.MachineFindings) > 0 {
		a.ui.heading("About the machines")
		a.ui.findingsOf(state.Deployment, value.MachineFindings)
	}
	a.ui.darkening(value.Darkening, asOf)
	a.ui.leftovers(value.LeftByRuns, internal, app.CallDeployment(state.Deployment), a.env.Now())
	if len(state.Obstacles) > 0 {
		a.ui.heading("In the way of a change")
		a.ui.findings(state.Obstacles)
	}
	return nil
}

// groupOf says where a deployment lives; subscription is the name of its
// subscription, "" when it is not known.
func groupOf(d deployment.Deployment, subscription string) line {
	where := words(d.ResourceGroup, faint(" in "), d.Location, faint(", subscription "))
	if subscription == "" {
		return append(where, words(d.SubscriptionID)...)
	}
	return append(where, words(subscription, faint(" ("+d.SubscriptionID+")"))...)
}

// state shows everything that was observed.
func (u *ui) state(state rotation.State, subscription string, reached app.Access, working line) {
	d := state.Deployment
	u.say(deploymentTitle(d)...)
	u.fields(
		field{"names", words(strings.Join(d.Names(), ", "))},
		field{"layout", words(d.Layout())},
		field{"version", words(d.Version)},
		field{"resource group", groupOf(d, subscription)},
		field{"gateway", words(app.LastSegment(d.GatewayID), faint(", "), state.Gateway.ProvisioningState())},
		field{"working on it", working},
		field{"managed by", words(d.ManagedBy)},
		field{"sites", words(siteList(state))},
		field{"machines", words(machineList(state))},
	)
	u.listeners(state)
	u.heading("Wire")
	u.handshakes(state.Wire, state.At)
	u.backends(state)
	u.sites(state.Sites)
	u.machinesOf(state, reached)
	for _, problem := range d.Problems {
		u.item(u.outStyle.bullet(), problem.Sentence, faint(" ["+problem.Code+"]"))
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
		if name, ok := strings.CutPrefix(strings.TrimSpace(part), "CN="); ok {
			return name
		}
	}
	return d.Subject
}
