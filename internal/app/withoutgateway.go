package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// withoutGateway is what can be seen of a deployment that has no gateway, with
// the failure that says why it is not updated.
func (s *Session) withoutGateway(ctx context.Context, runner *rotation.Runner, d deployment.Deployment) (rotation.State, error) {
	s.app.teller().Doing(rotation.PhaseObserve, "handshakes with "+d.Domain)
	defer s.app.teller().Done()
	state := rotation.State{At: s.app.Now(), Cloud: s.Azure.Cloud().Name, Deployment: d}
	hint := "cartouche deployments"
	if d.Domain != "" {
		state.Wire = runner.Looker.Look(ctx, handshake.Target{Host: d.Domain})
	}
	if d.Generation == deployment.V1 && d.Domain != "" {
		hint = "renew it in IIS, then look at what is served: cartouche check " + Quote(d.Domain)
	}
	if err := ctx.Err(); err != nil {
		return state, WhileServing(err, NothingChanged, "")
	}
	return state, &Failure{
		Code: "cannot-update", Message: fmt.Sprintf("%s: %s", d.Name, d.CannotUpdate),
		Serving: Serving(state) + "; nothing was changed", Hint: hint, Exit: ExitPreflight,
	}
}

// NoGateway is the failure of a look at a deployment without a gateway, of which
// there is something to see all the same; nil for any other error.
func NoGateway(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok && f.Code == "cannot-update" {
		return f
	}
	return nil
}
