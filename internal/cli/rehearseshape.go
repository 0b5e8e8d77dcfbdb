package cli

import (
	"bytes"
	"context"
	"crypto/x509"
	"os"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/shape"
)

// maxShapeFile bounds what is read before package shape looks at it.
const maxShapeFile = 16 << 20

// shapeFrom reads a shape that was saved, and what is to be rolled out.
func (a *program) shapeFrom(ctx context.Context, options rehearseOptions) (rehearsed, error) {
	var of rehearsed
	data, err := app.ReadBounded(options.from, maxShapeFile)
	if err != nil {
		return of, app.WhileServing(app.Usage("check the path", "--from %s: %s", options.from, err), app.NothingChanged, "")
	}
	if of.shape, err = shape.Read(bytes.NewReader(data)); err != nil {
		return of, app.WhileServing(app.Usage("cartouche rehearse DEPLOYMENT --save "+app.Quote(options.from), "--from %s: %s", options.from, err), app.NothingChanged, "")
	}
	if options.mask {
		if of.shape, err = shape.Masked(of.shape); err != nil {
			return of, err
		}
	}
	if options.save != "" {
		if err := a.saveShape(of.shape, options); err != nil {
			return of, err
		}
	}
	if err := a.readGoals(ctx, options, &of); err != nil {
		return of, err
	}
	// The file of a shape does not say in which cloud a vault would be.
	of.asked.Vault.Vault, of.asked.Vault.Certificate, of.asked.Vault.Version = "", "", ""
	if of.goal, err = of.asked.Goal(cloud.Cloud{}, a.env.Now()); err != nil {
		return of, err
	}
	of.near = of.shape.Way == app.ReachDirect
	network, err := a.Network()
	if err != nil {
		return of, err
	}
	if of.roots, err = a.rootsWith(network, options.roll.rootFiles); err != nil {
		return of, err
	}
	for _, c := range of.shape.Certificates {
		if root, err := x509.ParseCertificate(c.DER); err == nil && c.Known {
			of.roots = of.roots.With(root) // it was known when the shape was taken
		}
	}
	if of.goal.Bundle != nil {
		of.goal.Bundle = app.Complete(ctx, network, of.roots, of.goal.Bundle)
	}
	return of, nil
}

// readGoals reads what is to be rolled out.
func (a *program) readGoals(ctx context.Context, options rehearseOptions, of *rehearsed) (err error) {
	if options.roll.internal.asked() {
		flags := options.roll.internal
		flags.caOut, flags.caOutPass = "", "" // an authority that is made in a rehearsal is of no use after it
		of.internal, err = a.internalGoal(ctx, flags, false)
		return err
	}
	of.asked, err = a.renewal(ctx, options.roll)
	return err
}

// shapeOf signs in and reads the deployment as `apply` would before it changes
// anything.
func (a *program) shapeOf(ctx context.Context, options rehearseOptions) (rehearsed, error) {
	of := rehearsed{reachAuto: options.roll.reach.reach == app.ReachAuto}
	if err := a.readGoals(ctx, options, &of); err != nil {
		return of, err
	}
	s, err := a.connect(ctx, options.roll.azure)
	if err != nil {
		return of, err
	}
	if of.goal, err = of.asked.Goal(s.In, a.env.Now()); err != nil {
		return of, err
	}
	chosen, err := options.roll.about.choose(ctx, s)
	if err != nil {
		return of, err
	}
	of.name = app.CallDeployment(chosen)
	credentials, err := a.rehearsalLogins(ctx, options, chosen)
	if err != nil {
		return of, err
	}
	asked, err := a.reachAsked(options.reachOf())
	if err != nil {
		return of, err
	}
	way, err := s.OpenWay(ctx, chosen, credentials, asked, app.IfNear)
	if err != nil {
		return of, err
	}
	runner := s.Runner(credentials)
	app.WithMachines(runner, way, asked)
	of.near = way.Way != nil && way.Way.Kind() == reach.Direct
	state, err := s.Observe(ctx, runner, chosen, rotation.Asked{Certificate: of.goal.Vault, Identity: of.goal.Identity})
	if err != nil {
		return of, err
	}
	if of.roots, err = a.rootsWith(s.Network, options.roll.rootFiles); err != nil {
		return of, err
	}
	if of.shape, err = shape.Of(state, of.roots); err != nil {
		return of, app.WhileServing(err, app.Serving(state)+"; nothing was changed", "")
	}
	if of.goal.Bundle != nil {
		of.goal.Bundle = app.Complete(ctx, s.Network, of.roots, of.goal.Bundle)
	}
	if options.save != "" { // also of a deployment whose plan is refused
		if err := a.saveShape(of.shape, options); err != nil {
			return of, err
		}
	}
	if options.roll.internal.asked() {
		return of, nil
	}
	return of, a.planOriginal(ctx, runner, state, &of)
}

// planOriginal makes the plan for the deployment itself: what it is refused for
// cannot be rehearsed away. Without anything to roll out there is none.
func (a *program) planOriginal(ctx context.Context, runner *rotation.Runner, state rotation.State, of *rehearsed) error {
	goal := of.goal
	goal.Roots = of.roots
	if goal.Bundle == nil && !goal.Vault.Named() && !state.Follows() {
		return nil
	}
	if goal.Bundle == nil && goal.Vault.Named() {
		return nil // its key stays where it is: a copy has one that looks like it
	}
	goal, err := runner.Resolve(ctx, state, goal, func(bundle *pki.Bundle) *pki.Bundle { return bundle })
	if err != nil {
		return app.WhileServing(err, app.Serving(state)+"; nothing was changed", "")
	}
	plan, err := rotation.NewPlan(state, goal)
	if err != nil {
		return app.WhileServing(err, app.Serving(state)+"; nothing was changed", "")
	}
	of.plan = &plan
	if plan.Findings.Has(app.RootNotKnown) && of.reachAuto {
		return nil // apply would ask the machines, which the copy of them does
	}
	return app.WhileServing(plan.Ready(), app.Serving(state)+"; nothing was changed", "cartouche show "+of.name)
}

// saveShape writes the shape. It holds no secret, but says much of the
// deployment: only its owner can read it.
func (a *program) saveShape(s shape.Shape, options rehearseOptions) (err error) {
	if options.mask && !s.Masked {
		if s, err = shape.Masked(s); err != nil {
			return err
		}
	}
	var text bytes.Buffer
	if err := s.Write(&text); err != nil {
		return err
	}
	if err := os.WriteFile(options.save, text.Bytes(), 0o600); err != nil {
		return app.WhileServing(app.Usage("check the path", "--save %s: %s", options.save, app.PlainPathError(err)), app.NothingChanged, "")
	}
	return nil
}

func readWorldPFX(pfx []byte, password string) (*pki.Bundle, error) {
	return pki.ReadPFX(pfx, secret.New(password))
}
