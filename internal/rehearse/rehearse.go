// Package rehearse rehearses: it reads a deployment, makes a simulated world of what
// it looks like (packages shape and rehearsal), and runs there the very change
// that was asked for, by the same application layer and the same engine, while
// requests go through the world's gateway. What is told of it is what happened in
// the world. The deployment itself is only read.
//
//	original, err := rehearse.Read(ctx, session, chosen, credentials, asked)
//	err = original.Check(ctx)
//	played, err := original.Play(ctx, app)
//
// The command line and the pages stand on it, and say the same because of that.
package rehearse

import (
	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// DefaultScale is how much faster than ours the rehearsal's time goes, unless
// somebody says otherwise. What this computer needs itself counts as many times
// over, so a larger one tells less of durations.
const DefaultScale = 30

// Asked is what is to be rehearsed.
type Asked struct {
	// Renewal is of the certificate that clients see.
	Renewal app.Renewal
	// Machines, unless it is nil, is the replacement of the machines' certificates,
	// which is rehearsed instead. Then Renewal says only how the machines are
	// reached and which authorities are known besides.
	Machines *rollout.Goal
	// WithoutPortal leaves the site administrator out in the rehearsal, too.
	WithoutPortal bool
	// Faults go wrong in the world.
	Faults []ground.Fault
	// Scale is how many times faster than ours the world's time goes.
	Scale float64
}

// reach is the way to the machines by its name.
func (a Asked) reach() string {
	if a.Renewal.Reach.Way == "" {
		return app.ReachAuto
	}
	return a.Renewal.Reach.Way
}

// Check refuses what cannot be rehearsed.
func (a Asked) Check() error {
	switch {
	case a.Scale < 1 || a.Scale > 1000:
		return app.Usage("--scale 30", "--scale %g: from 1 to 1000", a.Scale)
	case a.reach() == app.ReachDSC:
		return app.Usage("--reach agent, or --reach direct", "the way dsc is not rehearsed: the extension's settings, which only Azure has, are not in a shape")
	}
	return nil
}

// named tells that a certificate was named to be rolled out, or something else to do.
func (a Asked) named(goal rotation.Goal) bool {
	return a.Machines != nil || goal.Bundle != nil || goal.Vault.Named() || a.Renewal.Vault.Form() != rotation.FormFitting
}

// Faults reads what is to go wrong, each as name@step or name@step*times.
func Faults(texts []string) ([]ground.Fault, error) {
	var faults []ground.Fault
	for _, text := range texts {
		fault, err := ground.ParseFault(text)
		if err == nil {
			err = sim.CheckFault(fault)
		}
		if err != nil {
			return nil, app.Usage("cartouche sim --help", "%s", err)
		}
		faults = append(faults, fault)
	}
	return faults, nil
}
