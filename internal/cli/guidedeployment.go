package cli

import (
	"context"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
)

// askDeployment lists all deployments; those that cannot be updated stay in the
// list with the reason. Any gateway can be named instead.
func (g *guide) askDeployment(ctx context.Context, again bool) error {
	s := g.login.Session
	if id := g.options.about.Gateway; id != "" && !again {
		d, err := s.OfGateway(ctx, id, g.options.about.Names)
		return g.choseDeployment(ctx, d, g.options.about, "given", err)
	}
	values, err := s.DeploymentValues(ctx)
	if err != nil {
		return err
	}
	g.step("Deployment")
	options := make([]option, len(values))
	choosable := []int{}
	for i, value := range values {
		options[i] = option{text: g.deploymentLine(value), names: append([]string{value.Name, value.ID, value.GatewayID}, value.Names()...), refused: value.CannotUpdate}
		if value.CannotUpdate == "" {
			choosable = append(choosable, i)
		}
	}
	preset := -1
	if len(choosable) == 1 {
		preset = choosable[0]
	}
	options = append(options, option{text: words("any other Application Gateway, by its resource id")})
	i, err := g.choose(ctx, "deployment", options, preset)
	if err != nil {
		return err
	}
	if i == len(values) {
		return g.askGateway(ctx)
	}
	d, err := values[i].Named(g.options.about.Names)
	about := targetOf(values, d)
	about.Names = g.options.about.Names
	return g.choseDeployment(ctx, d, about, "", app.Misnamed(err))
}

func (g *guide) choseDeployment(ctx context.Context, d deployment.Deployment, about target, from string, err error) error {
	if err != nil {
		return err
	}
	g.chosen, g.options.about, g.ready = d, about, nil
	g.answered("deployment", d.Name+", "+strings.Join(d.Names(), ", "), from, " "+about.words())
	return g.remember(ctx)
}

// deploymentLine says of a deployment what its row in `deployments` does.
func (g *guide) deploymentLine(value app.DeploymentValue) line {
	left := words(faint("days left unknown"))
	if !value.Ends.IsZero() {
		left = words(daysLeft(value.Ends, g.env.Now()))
	}
	head := words(title(value.Name))
	if names := value.Names(); len(names) > 0 {
		head = words(head, ": ", strings.Join(names, ", "))
	}
	return words(head, ", ", left, faint(", "+app.Layout(value.Deployment)+", "+app.Home(value)))
}

func (g *guide) askGateway(ctx context.Context) error {
	for {
		id, err := g.reply(ctx, "resource id of the gateway", "")
		if err != nil {
			return err
		}
		if !deployment.IsGatewayID(id) {
			g.tell(0, caution("? "), "that is not the resource id of an Application Gateway; they are listed by: az network application-gateway list --query '[].id' --output tsv")
			continue
		}
		d, err := g.login.OfGateway(ctx, id, g.options.about.Names)
		return g.choseDeployment(ctx, d, target{app.Target{Gateway: id, Names: g.options.about.Names}}, "", err)
	}
}

// targetOf is how a deployment is typed so that none of the others is meant.
func targetOf(values []app.DeploymentValue, d deployment.Deployment) target {
	var list []deployment.Deployment
	for _, value := range values {
		list = append(list, value.Deployment)
	}
	for _, name := range []string{d.Name, d.Domain, d.ID, d.GatewayID} {
		found, err := deployment.Select(list, name)
		if name != "" && err == nil && found.ID == d.ID && found.GatewayID == d.GatewayID {
			return target{app.Target{Deployment: name}}
		}
	}
	return target{app.Target{Gateway: d.GatewayID}}
}
