package cli

import (
	"context"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// showWithoutGateway shows what is known of a deployment without a gateway.
func (a *program) showWithoutGateway(ctx context.Context, seen *prepared, f *app.Failure) error {
	state := seen.State
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
		field{"resource group", groupOf(d, seen.Session.SubscriptionName(ctx, d.SubscriptionID))},
		field{"address", words(strings.Join(addresses, ", "))},
		field{"machines", words(machineList(state))},
	)
	if len(state.Wire) > 0 {
		a.ui.heading("Wire")
		a.ui.handshakes(state.Wire, state.At)
	}
	return f
}
