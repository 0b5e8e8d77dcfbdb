package rehearse

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/shape"
)

// Original is the deployment that a rehearsal is about, as far as it needs it.
type Original struct {
	// Shape is what it looks like, without secrets.
	Shape shape.Shape

	asked Asked
	goal  rotation.Goal
	roots *pki.Roots
	// near tells that the machines could be dialled.
	near bool

	// State is what was read of the deployment itself; nothing of it, and of what
	// rests on it, is there where only a shape was given.
	State  rotation.State
	runner *rotation.Runner
	plan   *rotation.Plan
}

// Read reads a deployment as `apply` would before it changes anything. Machines are
// looked at where they can be dialled from here, or by the way that was named.
func Read(ctx context.Context, s *app.Session, chosen deployment.Deployment, credentials rotation.Credentials, asked Asked) (*Original, error) {
	if err := asked.Check(); err != nil {
		return nil, err
	}
	goal, err := asked.clients(s.In, s.Runner(credentials).Now())
	if err != nil {
		return nil, err
	}
	reaching := asked.Renewal.Reach
	way, err := s.OpenWay(ctx, chosen, credentials, reaching, app.IfNear)
	if err != nil {
		return nil, err
	}
	runner := s.Runner(credentials)
	app.WithMachines(runner, way, reaching)
	state, err := s.Observe(ctx, runner, chosen, rotation.Asked{Certificate: goal.Vault, Identity: goal.Identity})
	if err != nil {
		return nil, err
	}
	return Seen(ctx, s, runner, state, asked)
}

// Seen takes a deployment as it was observed a moment ago, so that it need not be
// read once more.
func Seen(ctx context.Context, s *app.Session, runner *rotation.Runner, state rotation.State, asked Asked) (*Original, error) {
	if err := asked.Check(); err != nil {
		return nil, err
	}
	o := &Original{State: state, asked: asked, runner: runner, roots: s.Roots.With(asked.Renewal.Roots...), near: state.Way == reach.Direct}
	var err error
	if o.goal, err = asked.clients(s.In, runner.Now()); err != nil {
		return nil, err
	}
	if o.Shape, err = shape.Of(state, o.roots); err != nil {
		return nil, app.WhileServing(err, app.Serving(state)+"; nothing was changed", "")
	}
	if o.goal.Bundle != nil {
		o.goal.Bundle = app.Complete(ctx, s.Network, o.roots, o.goal.Bundle)
	}
	return o, nil
}

// FromShape takes a shape that was saved instead of a deployment: without a
// sign-in, and nothing in Key Vault is read.
func FromShape(ctx context.Context, a *app.App, saved shape.Shape, asked Asked) (*Original, error) {
	if err := asked.Check(); err != nil {
		return nil, err
	}
	// A shape does not say in which cloud a vault would be.
	asked.Renewal.Vault.Vault, asked.Renewal.Vault.Certificate, asked.Renewal.Vault.Version = "", "", ""
	o := &Original{Shape: saved, asked: asked, near: saved.Way == app.ReachDirect}
	var err error
	if o.goal, err = asked.clients(cloud.Cloud{}, a.Now()); err != nil {
		return nil, err
	}
	network, err := a.Network()
	if err != nil {
		return nil, err
	}
	o.roots = app.KnownRoots(network).With(asked.Renewal.Roots...)
	for _, c := range saved.Certificates {
		if root, err := x509.ParseCertificate(c.DER); err == nil && c.Known {
			o.roots = o.roots.With(root) // it was known when the shape was taken
		}
	}
	if o.goal.Bundle != nil {
		o.goal.Bundle = app.Complete(ctx, network, o.roots, o.goal.Bundle)
	}
	return o, nil
}

// clients is what is asked for the certificate that clients see, nothing where the
// rehearsal is about those of the machines.
func (a Asked) clients(in cloud.Cloud, now time.Time) (rotation.Goal, error) {
	if a.Machines != nil {
		return rotation.Goal{}, nil
	}
	return a.Renewal.Goal(in, now)
}

// LoginJudged is how the site administrator's login was judged when it was read.
func (o *Original) LoginJudged() app.LoginJudged {
	return (&app.Prepared{State: o.State}).LoginJudged()
}

// Name is what the deployment is called on a command line.
func (o *Original) Name() string {
	if o.runner == nil {
		return app.Quote(o.Shape.Deployment.Name)
	}
	return app.CallDeployment(o.State.Deployment)
}

// Nothing tells that nothing is to be rolled out.
func (o *Original) Nothing() bool { return !o.asked.named(o.goal) }

// Check makes the plan for the deployment itself: what it is refused for cannot be
// rehearsed away. Without anything to roll out there is none.
func (o *Original) Check(ctx context.Context) error {
	goal := o.goal
	goal.Roots = o.roots
	switch {
	case o.runner == nil, o.asked.Machines != nil:
		return nil
	case goal.Bundle == nil && !goal.Vault.Named() && !o.State.Follows():
		return nil
	case goal.Bundle == nil && goal.Vault.Named():
		return nil // its key stays where it is: a copy has one that looks like it
	}
	unchanged := app.Serving(o.State) + "; nothing was changed"
	goal, err := o.runner.Resolve(ctx, o.State, goal, func(bundle *pki.Bundle) *pki.Bundle { return bundle })
	if err != nil {
		return app.WhileServing(err, unchanged, "")
	}
	plan, err := rotation.NewPlan(o.State, goal)
	if err != nil {
		return app.WhileServing(err, unchanged, "")
	}
	o.plan = &plan
	if plan.Findings.Has(app.RootNotKnown) && o.asked.reach() == app.ReachAuto {
		return nil // apply would ask the machines, which the copy of them does
	}
	return app.WhileServing(plan.Ready(), unchanged, "cartouche show "+app.CallDeployment(o.State.Deployment))
}
