package app

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Back is taking a run back, which only needs a yes. One of the two is set, as the
// run was about the certificate that clients see or about those of machines.
type Back struct {
	Gateway  *Prepared
	Machines *Replacement
}

// BackLogins gives the logins to take a run back with at a deployment. At machines
// nothing can be done without the site administrator's.
type BackLogins func(ctx context.Context, of deployment.Deployment, atMachines bool) (rotation.Credentials, error)

// BackAtMachines tells whether a run is taken back at the machines, and not at the
// gateway.
func BackAtMachines(run journal.Run) bool { return rollout.IsRun(run) }

// PrepareBack observes the deployment of a run, and plans to take it back where it
// was: at the gateway or at the machines.
func (s *Session) PrepareBack(ctx context.Context, run journal.Run, logins BackLogins, at Looking) (Back, error) {
	kept, err := KeptOf(run)
	if err != nil {
		return Back{}, err
	}
	chosen, err := s.chooseAgain(ctx, run.GatewayID, run.DeploymentID, kept.GivenNames)
	if err != nil {
		return Back{}, err
	}
	atMachines := BackAtMachines(run)
	credentials, err := logins(ctx, chosen, atMachines)
	if err != nil {
		return Back{}, err
	}
	if atMachines {
		ready, err := s.LookAtMachines(ctx, chosen, credentials, at.Reach, at.NoLease)
		if err != nil {
			return Back{}, err
		}
		return Back{Machines: ready}, ready.planUndo(ctx, run)
	}
	at.When, at.Changes = kept.When(), true
	ready, err := s.Look(ctx, chosen, credentials, at)
	if err != nil {
		return Back{}, err
	}
	return Back{Gateway: ready}, ready.planUndo(ctx, run)
}

// State is the deployment as it was observed.
func (b Back) State() rotation.State {
	if b.Machines != nil {
		return b.Machines.State
	}
	return b.Gateway.State
}

// Failure is that of a plan that must not be carried out, nil when it may.
func (b Back) Failure() *Failure {
	if b.Machines != nil {
		return b.Machines.Failure()
	}
	return b.Gateway.Failure()
}

// NothingToDo tells that the run is taken back already.
func (b Back) NothingToDo() bool {
	if b.Machines != nil {
		return b.Machines.Plan.NothingToDo()
	}
	return b.Gateway.Plan.NothingToDo()
}

// Undo carries the plan out; what came of it goes to the report of its kind.
func (b Back) Undo(ctx context.Context, key *evidence.Key, gateway Report, machines MachinesReport) error {
	if b.Machines != nil {
		return b.Machines.Undo(ctx, key, machines)
	}
	return b.Gateway.Undo(ctx, key, gateway)
}
