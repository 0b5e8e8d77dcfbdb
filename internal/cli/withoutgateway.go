package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// withoutGateway is what can be seen of a deployment that has no gateway, with
// the failure that says why it is not updated.
func (s *session) withoutGateway(ctx context.Context, runner *rotation.Runner, d deployment.Deployment) (rotation.State, error) {
	s.app.ui.progress.Doing(rotation.PhaseObserve, "handshakes with "+d.Domain)
	defer s.app.ui.progress.Done()
	state := rotation.State{At: s.app.env.Now(), Cloud: s.azure.Cloud().Name, Deployment: d}
	hint := "cartouche deployments"
	if d.Domain != "" {
		state.Wire = runner.Looker.Look(ctx, handshake.Target{Host: d.Domain})
	}
	if d.Generation == deployment.V1 && d.Domain != "" {
		hint = "renew it in IIS, then look at what is served: cartouche check " + app.Quote(d.Domain)
	}
	if err := ctx.Err(); err != nil {
		return state, app.WhileServing(err, app.NothingChanged, "")
	}
	return state, &app.Failure{
		Code: "cannot-update", Message: fmt.Sprintf("%s: %s", d.Name, d.CannotUpdate),
		Serving: serving(state) + "; nothing was changed", Hint: hint, Exit: app.ExitPreflight,
	}
}

// showWithoutGateway shows what is known of a deployment without a gateway.
func (a *program) showWithoutGateway(state rotation.State, f *app.Failure) error {
	if a.ui.json {
		return answer(a.ui, state, f)
	}
	d := state.Deployment
	var addresses []string
	for _, address := range d.Addresses {
		addresses = append(addresses, address.IP)
	}
	a.ui.say(deploymentTitle(d)...)
	a.ui.fields(
		field{"names", words(strings.Join(d.Names(), ", "))},
		field{"layout", words(d.Layout())},
		field{"version", words(d.Version)},
		field{"resource group", words(d.ResourceGroup, faint(" in "), d.Location, faint(", subscription "), d.SubscriptionID)},
		field{"address", words(strings.Join(addresses, ", "))},
		field{"machines", words(machineList(state))},
	)
	if len(state.Wire) > 0 {
		a.ui.heading("Wire")
		a.ui.handshakes(state.Wire, state.At)
	}
	return f
}
