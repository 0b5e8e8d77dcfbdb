package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
)

// target says what a command is about: a deployment by one of its names, or any
// gateway by its resource id.
type target struct {
	deployment string
	gateway    string
	// names are more names to prove, or the only ones of a gateway without a record.
	names []string
}

func (t *target) add(flags *pflag.FlagSet) {
	t.addGateway(flags)
	flags.StringArrayVar(&t.names, "name", nil, "a DNS name that the certificate must cover and that is proved, repeatable `NAME`")
	groupFlags(flags, "Deployment", "name")
}

func (t *target) addGateway(flags *pflag.FlagSet) {
	flags.StringVar(&t.gateway, "gateway", "", "any Application Gateway by its resource id, with or without tags, instead of DEPLOYMENT `ID`")
	groupFlags(flags, "Deployment", "gateway")
}

// take is for commands that need a deployment or a gateway.
func (t *target) take(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) > 1:
		return app.Usage(cmd.CommandPath()+" --help", "%s takes one argument, but got %d (a name with spaces needs quotes)", cmd.CommandPath(), len(args))
	case len(args) == 1 && t.gateway != "":
		return app.Usage("leave one of them out", "both a deployment (%s) and --gateway were given", args[0])
	case t.gateway != "" && !deployment.IsGatewayID(t.gateway):
		return app.Usage("az network application-gateway list --query '[].id' --output tsv", "--gateway %s is not the resource id of an Application Gateway", t.gateway)
	case len(args) == 1:
		t.deployment = args[0]
	case t.gateway == "":
		return app.Usage("cartouche deployments", "say which deployment: %s", cmd.UseLine())
	}
	return nil
}

// given tells whether the target was named at all.
func (t target) given() bool { return t.deployment != "" || t.gateway != "" }

// callDeployment is how a deployment is typed so that the same one is found again.
func callDeployment(d deployment.Deployment) string {
	if d.Alone && d.Generation == deployment.Plain {
		return called("--gateway "+app.Quote(d.GatewayID), d.GivenNames)
	}
	return called(app.Quote(d.Name), d.GivenNames)
}

func called(what string, names []string) string {
	for _, name := range names {
		what += " --name " + app.Quote(name)
	}
	return what
}

// choose finds the deployment that a person means. A gateway that is named by
// its resource id need not be among the deployments.
func (s *session) choose(ctx context.Context, t target) (deployment.Deployment, error) {
	if t.gateway != "" {
		return s.ofGateway(ctx, t.gateway, t.names)
	}
	found, err := s.find(ctx)
	if deployment.IsGatewayID(t.deployment) && (cloud.IsForbidden(err) || errors.Is(err, errUnseen)) {
		return s.ofGateway(ctx, t.deployment, t.names)
	}
	if err != nil {
		return deployment.Deployment{}, err
	}
	chosen, err := deployment.Select(found.Deployments, t.deployment)
	if _, unknown := errors.AsType[*deployment.NotFoundError](err); unknown && deployment.IsGatewayID(t.deployment) {
		return s.ofGateway(ctx, t.deployment, t.names)
	}
	if err == nil {
		chosen, err = chosen.Named(t.names)
		err = misnamed(err)
	}
	return chosen, app.WhileServing(err, app.NothingChanged, "")
}

// choose is the chooser of a command about the target.
func (t *target) choose(ctx context.Context, s *session) (deployment.Deployment, error) {
	return s.choose(ctx, *t)
}

// chooseAgain finds the deployment that a plan or a run was about.
func (s *session) chooseAgain(ctx context.Context, gatewayID, id string, names []string) (deployment.Deployment, error) {
	if id == "" {
		return s.ofGateway(ctx, gatewayID, names)
	}
	found, err := s.find(ctx)
	if cloud.IsForbidden(err) {
		return s.ofGateway(ctx, gatewayID, names)
	}
	if err != nil {
		return deployment.Deployment{}, err
	}
	if chosen, ok := deployment.Again(found.Deployments, gatewayID, id); ok {
		chosen, err = chosen.Named(names)
		return chosen, app.WhileServing(misnamed(err), app.NothingChanged, "")
	}
	return s.ofGateway(ctx, gatewayID, names)
}

// ofGateway reads one gateway and nothing else.
func (s *session) ofGateway(ctx context.Context, id string, names []string) (deployment.Deployment, error) {
	s.app.ui.progress.Doing("observe", "reading gateway "+lastSegment(id))
	defer s.app.ui.progress.Done()
	if _, err := (deployment.Deployment{}).Named(names); err != nil {
		return deployment.Deployment{}, misnamed(err)
	}
	d, err := deployment.OfGateway(ctx, s.azure, id, names)
	return d, app.WhileServing(s.proxy.instead(err), app.NothingChanged, "az network application-gateway show --ids "+app.Quote(id))
}

func misnamed(err error) error {
	if err == nil {
		return nil
	}
	return app.Usage("give --name as users type it: gis.example.com", "--name: %s", strings.TrimSpace(err.Error()))
}
