package cli

import (
	"context"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/deployment"
)

// askDeployment lists all deployments; those that cannot be updated stay in the
// list with the reason. Any gateway can be named instead.
func (g *guide) askDeployment(ctx context.Context, again bool) error {
	s := g.login.session
	if id := g.options.about.gateway; id != "" && !again {
		d, err := s.ofGateway(ctx, id, g.options.about.names)
		return g.choseDeployment(ctx, d, g.options.about, "given", err)
	}
	found, err := s.find(ctx)
	if err != nil {
		return err
	}
	var values []deploymentValue
	for _, d := range found.Deployments {
		values = append(values, newDeploymentValue(d, g.env.Now()))
	}
	s.lookAtWithoutGateway(ctx, values)
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
	d, err := values[i].Named(g.options.about.names)
	about := targetOf(found.Deployments, d)
	about.names = g.options.about.names
	return g.choseDeployment(ctx, d, about, "", misnamed(err))
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
func (g *guide) deploymentLine(value deploymentValue) line {
	left := words(faint("days left unknown"))
	if !value.ends.IsZero() {
		left = words(daysLeft(value.ends, g.env.Now()))
	}
	head := words(title(value.Name))
	if names := value.Names(); len(names) > 0 {
		head = words(head, ": ", strings.Join(names, ", "))
	}
	return words(head, ", ", left, faint(", "+layout(value.Deployment)+", "+home(value)))
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
		d, err := g.login.ofGateway(ctx, id, g.options.about.names)
		return g.choseDeployment(ctx, d, target{gateway: id, names: g.options.about.names}, "", err)
	}
}

// targetOf is how a deployment is typed so that none of the others is meant.
func targetOf(list []deployment.Deployment, d deployment.Deployment) target {
	for _, name := range []string{d.Name, d.Domain, d.ID, d.GatewayID} {
		found, err := deployment.Select(list, name)
		if name != "" && err == nil && found.ID == d.ID && found.GatewayID == d.GatewayID {
			return target{deployment: name}
		}
	}
	return target{gateway: d.GatewayID}
}
