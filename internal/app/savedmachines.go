package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// IsMachinesPlan tells whether a saved plan says that it is about the certificates
// of machines.
func IsMachinesPlan(data []byte) bool {
	var plan struct {
		Kind string `json:"kind"`
	}
	return json.Unmarshal(data, &plan) == nil && plan.Kind == rollout.PlanKind
}

// ReadMachinesPlan reads such a plan; again is how one is saved once more.
func ReadMachinesPlan(data []byte, again string) (rollout.Plan, error) {
	plan, err := rollout.ParsePlan(data)
	if _, edited := errors.AsType[*rotation.EditedPlanError](err); err != nil && !edited {
		err = Usage(again, "%s", err)
	}
	return plan, WhileServing(err, NothingChanged, "")
}

// OfMachinesPlan finds the deployment of such a plan, as [Session.OfPlan] does.
func (s *Session) OfMachinesPlan(ctx context.Context, plan rollout.Plan, args []string) (deployment.Deployment, error) {
	return s.OfPlan(ctx, rotation.Plan{GatewayID: plan.GatewayID, DeploymentID: plan.DeploymentID, Deployment: plan.Deployment}, args)
}

// PlanSaved takes a saved plan: what its certificates come from is given anew, since
// a plan holds no secret. It must come to the same as a plan that is made now, and
// the deployment must not have moved since. What cannot be carried out now, and what
// is there already, stays as it was found.
func (r *Replacement) PlanSaved(plan rollout.Plan, goal rollout.Goal) error {
	if goal.Source != plan.Source {
		return WhileServing(Usage("give the same flags as for the plan: --internal "+string(plan.Source), "the plan is for certificates from another source (%s)", plan.Source), r.unchanged(), "")
	}
	if goal.LeafDays == 0 {
		goal.LeafDays = plan.LeafDays
	}
	if err := r.PlanFor(goal); err != nil {
		return err
	}
	if r.Plan.Ready() != nil || r.Plan.NothingToDo() {
		return nil
	}
	if err := plan.MovedSince(r.State); err != nil {
		return WhileServing(err, r.unchanged(), "")
	}
	if !bytes.Equal(machinesChangesOf(plan), machinesChangesOf(r.Plan)) {
		return WhileServing(&Failure{
			Code: "moved", Message: "the saved plan would change something else than a plan that is made now",
			Hint: "give the same files and choices as for the plan, or make it again", Exit: ExitPreflight,
		}, r.unchanged(), "")
	}
	r.Plan = plan
	return nil
}

// machinesChangesOf is what a plan changes. What is issued only when it is carried
// out has a name and dates of the time when the plan was made: those are left out.
func machinesChangesOf(p rollout.Plan) []byte {
	ports, authority := slices.Clone(p.Ports), ""
	for i := range ports {
		if ports[i].SHA256 == "" {
			ports[i].NotAfter = time.Time{}
		}
	}
	if p.Authority != nil {
		authority = p.Authority.SHA256
	}
	changes, _ := json.Marshal([]any{ // plain values
		p.Source, p.Way, p.Resumed, authority, p.LeafDays, p.RootDays, p.Roots, p.Trusts, ports,
	})
	if p.Alias != "" && p.Source != rollout.FromPFX && !p.Resumed {
		changes = bytes.ReplaceAll(changes, []byte(p.Alias), nil)
	}
	return changes
}
