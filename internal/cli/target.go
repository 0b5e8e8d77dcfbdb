package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
)

// target is what the flags of a command say that it is about.
type target struct{ app.Target }

func (t *target) add(flags *pflag.FlagSet) {
	t.addGateway(flags)
	flags.StringArrayVar(&t.Names, "name", nil, "a DNS name that the certificate must cover and that is proved, repeatable `NAME`")
	groupFlags(flags, "Deployment", "name")
}

func (t *target) addGateway(flags *pflag.FlagSet) {
	flags.StringVar(&t.Gateway, "gateway", "", "any Application Gateway by its resource id, with or without tags, instead of DEPLOYMENT `ID`")
	groupFlags(flags, "Deployment", "gateway")
}

// take is for commands that need a deployment or a gateway.
func (t *target) take(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) > 1:
		return app.Usage(cmd.CommandPath()+" --help", "%s takes one argument, but got %d (a name with spaces needs quotes)", cmd.CommandPath(), len(args))
	case len(args) == 1 && t.Gateway != "":
		return app.Usage("leave one of them out", "both a deployment (%s) and --gateway were given", args[0])
	case t.Gateway != "" && !deployment.IsGatewayID(t.Gateway):
		return app.Usage("az network application-gateway list --query '[].id' --output tsv", "--gateway %s is not the resource id of an Application Gateway", t.Gateway)
	case len(args) == 1:
		t.Deployment = args[0]
	case t.Gateway == "":
		return app.Usage("cartouche deployments", "say which deployment: %s", cmd.UseLine())
	}
	return nil
}

// given tells whether the target was named at all.
func (t target) given() bool { return t.Deployment != "" || t.Gateway != "" }

// choose is the chooser of a command about the target.
func (t *target) choose(ctx context.Context, s *app.Session) (deployment.Deployment, error) {
	return s.Choose(ctx, t.Target)
}
