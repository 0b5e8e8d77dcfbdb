package app

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Replacement is a replacement of the certificates of a deployment's machines, or
// taking one back, that only needs a yes.
type Replacement struct {
	Session *Session
	Runner  *rollout.Runner
	State   rotation.State
	Goal    rollout.Goal
	Plan    rollout.Plan
	Access  Access
}

// LookAtMachines observes a deployment with its machines, without which nothing
// can be done to their certificates.
func (s *Session) LookAtMachines(ctx context.Context, chosen deployment.Deployment, credentials rotation.Credentials, asked Reach, noLease bool) (*Replacement, error) {
	if err := asked.Check(false); err != nil {
		return nil, err
	}
	runner := s.Runner(credentials)
	way, err := s.OpenWay(ctx, chosen, credentials, asked, Needed)
	if err != nil {
		return nil, err
	}
	WithMachines(runner, way, asked)
	ready := &Replacement{
		Session: s, Access: way,
		Runner: &rollout.Runner{Rotation: runner, Way: way.Way, Patience: s.app.MachinePatience},
	}
	s.Changes = true
	ready.State, err = s.Observe(ctx, runner, chosen, rotation.Asked{Claim: !noLease})
	return ready, err
}

// PlanFor makes the plan of a replacement.
func (r *Replacement) PlanFor(goal rollout.Goal) (err error) {
	if goal.Keys == nil {
		goal.Keys = r.Session.app.Keys
	}
	r.Goal = goal
	r.Plan, err = rollout.NewPlan(r.State, goal)
	return WhileServing(err, r.unchanged(), "")
}

// unchanged says what is served while nothing was changed.
func (r *Replacement) unchanged() string { return Serving(r.State) + "; nothing was changed" }

// planUndo plans to take a run back, by what was observed.
func (r *Replacement) planUndo(ctx context.Context, run journal.Run) error {
	if err := r.Alone(ctx); err != nil {
		return err
	}
	a := r.Session.app
	others, err := a.RunsOf(ctx, run.GatewayID)
	if err != nil {
		return err
	}
	r.Plan, err = rollout.UndoPlan(r.State, run, a.Now(), others...)
	return WhileServing(err, r.unchanged(), "cartouche history "+run.ID)
}

// PlanClean finds what runs have left at the machines and in the gateway's trust.
func (r *Replacement) PlanClean(ctx context.Context, soak rotation.Soak) (rollout.Cleaning, error) {
	runs, err := r.Session.app.RunsOf(ctx, r.State.Gateway.ID())
	if err != nil {
		return rollout.Cleaning{}, err
	}
	return rollout.CleanPlan(r.State, runs).After(r.State, runs, soak), nil
}

// Failure is that of a plan that must not be carried out, nil when it may.
func (r *Replacement) Failure() *Failure {
	err := r.Plan.Ready()
	if err == nil {
		return nil
	}
	f := Explain(WhileServing(err, r.unchanged(), "cartouche show "+CallDeployment(r.State.Deployment)))
	return &f
}

// RefusedSiteAdmin is the failure of a login that a machine does not take, nil when
// all took it.
func (r *Replacement) RefusedSiteAdmin() *Failure {
	for _, at := range r.State.Machines {
		if at.Report == nil {
			continue
		}
		for _, seen := range at.Report.Components {
			if seen.TroubleCode == machine.CodeWrongCredentials {
				return &Failure{
					Code:    SiteAdminRefused,
					Message: "the site administrator could not sign in to " + seen.Product.Name() + " on " + at.Name + ": " + seen.Trouble,
					Serving: r.unchanged(), Exit: ExitPreflight,
				}
			}
		}
	}
	return nil
}

// LoginJudged is what the machines said of the login. One that some do not take is
// not tried on: each site has a primary administrator of its own.
func (r *Replacement) LoginJudged() LoginJudged {
	judged := LoginUntold
	for _, at := range r.State.Machines {
		if at.Report == nil {
			continue
		}
		for _, seen := range at.Report.Components {
			switch {
			case seen.TroubleCode == machine.CodeWrongCredentials:
				return LoginRefused
			case seen.HasKeystore() && seen.Trouble == "":
				judged = LoginAccepted
			}
		}
	}
	return judged
}

// Alone fails while another run works on the gateway, here or elsewhere.
func (r *Replacement) Alone(ctx context.Context) error {
	return r.Session.Alone(ctx, r.Runner.Rotation, r.State)
}

// idle tells that there is nothing to change, nobody who is out of a pool included.
func (r *Replacement) idle() bool {
	return r.Plan.NothingToDo() && len(r.State.Gateway.Away()) == 0
}

// A MachinesReport gets what came of a run at machines, see [Report].
type MachinesReport func(result rollout.Result, name string, failure *Failure) error

// Apply carries the plan out.
func (r *Replacement) Apply(ctx context.Context, key *evidence.Key, report MachinesReport) error {
	return r.carryOut(ctx, r.idle(), key, report, func(ctx context.Context) (rollout.Result, error) {
		return r.Runner.Apply(ctx, r.Plan, r.Goal, r.State)
	})
}

// Undo carries the plan of taking a run back out.
func (r *Replacement) Undo(ctx context.Context, key *evidence.Key, report MachinesReport) error {
	return r.carryOut(ctx, r.idle(), key, report, func(ctx context.Context) (rollout.Result, error) {
		return r.Runner.Undo(ctx, r.Plan, r.State)
	})
}

// Clean removes what was found to be left.
func (r *Replacement) Clean(ctx context.Context, cleaning rollout.Cleaning, key *evidence.Key, report MachinesReport) error {
	return r.carryOut(ctx, false, key, report, func(ctx context.Context) (rollout.Result, error) {
		result, err := r.Runner.Clean(ctx, cleaning, r.State)
		result.Soaking = cleaning.Soaking
		return result, err
	})
}

func (r *Replacement) carryOut(ctx context.Context, idle bool, key *evidence.Key, report MachinesReport, change func(context.Context) (rollout.Result, error)) error {
	return carryOut(ctx, r.Session, r.State, r.Runner.Rotation, idle, key, change, func(result rollout.Result) error {
		name := CallDeployment(r.State.Deployment)
		f := MachinesResultFailure(result, name)
		r.Session.signInAgain(f)
		return report(result, name, f)
	})
}
