package web

import (
	"context"
	"errors"
	"fmt"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// plan makes a plan. One that may be applied waits for a yes, which is its hash.
func (c *call) plan() (any, error) {
	made, err := c.prepared()
	if err != nil {
		return nil, err
	}
	if f := made.failure(); f != nil {
		return with(made.plan(), f)
	}
	c.kept = true
	c.pending.keepOf(c.era, c.planKey(made.hash()), made, c.options.App.Now()) // unless somebody else has signed in meanwhile
	return made.plan(), nil
}

// planKey names a plan that waits.
func (c *call) planKey(hash string) string {
	return "api " + c.r.PathValue("deployment") + " " + hash
}

// prepared makes the plan that is asked for.
func (c *call) prepared() (pending, error) {
	internal := c.form.value("internal") != ""
	goal, asked, err := c.form.goal(internal, c.options.App.Now())
	if err != nil {
		return pending{}, err
	}
	session, d, err := c.ofAddress()
	if err != nil {
		return pending{}, err
	}
	if internal {
		return c.replacement(session, d, func(ready *app.Replacement) error { return ready.PlanFor(goal) })
	}
	logins, err := c.changingLogins(d)
	if err != nil {
		return pending{}, err
	}
	asked.Reach.PFXPassword = c.pfxPassword
	return c.trying(d, logins, func() (pending, error) {
		ready, err := session.Prepare(c.r.Context(), d, logins, asked)
		return pending{ready: ready}, err
	})
}

// trying counts wrong passwords as the pages do, with which it shares the count.
func (c *call) trying(d deployment.Deployment, logins rotation.Credentials, do func() (pending, error)) (pending, error) {
	made, _, err := trying(c.Server, d, logins.SiteAdmin, do)
	return made, notTried(err, logins.SiteAdmin)
}

// notTried says for programs that a password was not tried; other errors stay.
func notTried(err error, siteAdmin string) error {
	if !errors.Is(err, errNotTried) {
		return err
	}
	return &app.Failure{
		Code: "throttled", Message: fmt.Sprintf("the password of %s was not tried: %d were wrong, and Portal locks a login after some more", siteAdmin, wizard.MostAttempts),
		Hint: "find out the right one, and try it in a quarter of an hour", Serving: app.NothingChanged, Exit: app.ExitPreflight,
	}
}

// apply carries out the plan that is named by its hash, or the one that is made of
// what is asked for.
func (c *call) apply() (any, error) {
	made, err := c.planned()
	if err != nil {
		return nil, err
	}
	if made.machines != nil {
		return c.changeMachines("Replacing the machines’ certificates of "+made.machines.State.Deployment.Name, made, made.machines.Apply)
	}
	return c.changeGateway("Renewing the certificate of "+made.ready.State.Deployment.Name, made, made.ready.Apply)
}

// changeGateway carries a plan about the certificate for clients out, when it may be.
func (c *call) changeGateway(title string, made pending, act func(context.Context, *evidence.Key, app.Report) error) (any, error) {
	if err := made.ready.Alone(c.r.Context()); err != nil {
		return nil, err
	}
	if f := made.failure(); f != nil {
		return with(made.plan(), f)
	}
	return c.atGateway(title, made.ready, act)
}

// changeMachines does it for one about the certificates of machines.
func (c *call) changeMachines(title string, made pending, act func(context.Context, *evidence.Key, app.MachinesReport) error) (any, error) {
	if err := made.machines.Alone(c.r.Context()); err != nil {
		return nil, err
	}
	if f := made.failure(); f != nil {
		return with(made.plan(), f)
	}
	return c.atMachines(title, made.machines, act)
}

// planned is the plan that is named by its hash, or sent as a file, or made now.
func (c *call) planned() (pending, error) {
	if c.form.files != nil {
		if file, sent := c.form.files.File("plan"); sent {
			return c.saved(file.Data)
		}
	}
	hash := c.form.value("plan")
	if hash == "" {
		return c.prepared()
	}
	for _, name := range c.form.fields {
		if name != "plan" {
			return pending{}, app.Usage("leave it out", "%s is part of the plan already", name)
		}
	}
	waiting, there := c.pending.get(c.planKey(hash), c.options.App.Now())
	if there {
		waiting, there = c.pending.take(c.planKey(hash), waiting.answer)
	}
	if !there {
		return pending{}, &app.Failure{
			Code: "moved", Message: "no plan with this hash waits for this address: it was carried out, or made more than 15 minutes ago, or elsewhere",
			Hint: "make the plan again", Serving: app.NothingChanged, Exit: app.ExitPreflight,
		}
	}
	c.session = waiting.session()
	return waiting, nil
}

// clean removes what runs have left, on the gateway or at machines.
func (c *call) clean() (any, error) {
	soak := rotation.Soak{Now: c.options.App.Now(), For: rotation.DefaultSoak}
	now, err := c.form.yes("now")
	if err != nil {
		return nil, err
	}
	if now {
		soak.For = 0
	}
	internal, err := c.form.yes("internal")
	if err != nil {
		return nil, err
	}
	session, d, err := c.ofAddress()
	if err != nil {
		return nil, err
	}
	if internal {
		return c.cleanMachines(session, d, soak)
	}
	logins, at, err := c.changing()
	if err != nil {
		return nil, err
	}
	made, err := c.trying(d, logins, func() (pending, error) {
		cleaning, err := session.PrepareClean(c.r.Context(), d, logins, at, soak)
		if err != nil {
			return pending{}, err
		}
		return pending{ready: cleaning.Prepared, cleaning: cleaning}, nil
	})
	if err != nil {
		return nil, err
	}
	if len(made.cleaning.Entries) == 0 {
		return app.NothingToClean(made.ready.State, made.cleaning.Soaking), nil
	}
	return c.atGateway("Cleaning "+d.Name, made.ready, made.cleaning.Clean)
}

// undo takes a run back.
func (c *call) undo() (any, error) {
	run, err := c.options.App.WholeRun(c.r.Context(), c.r.PathValue("run"))
	if err != nil {
		return nil, err
	}
	session, err := c.signedIn()
	if err != nil {
		return nil, err
	}
	logins, at, err := c.changing()
	if err != nil {
		return nil, err
	}
	of := deployment.Deployment{GatewayID: run.GatewayID, ID: run.DeploymentID}
	made, err := c.trying(of, logins, func() (pending, error) {
		return planBack(run)(c.r.Context(), session, asked{logins, at.Reach, at.NoLease})
	})
	if err != nil {
		return nil, err
	}
	title := "Taking run " + run.ID + " of " + run.DeploymentName + " back"
	if made.machines != nil {
		return c.changeMachines(title, made, made.machines.Undo)
	}
	return c.changeGateway(title, made, made.ready.Undo)
}

// changing is how undo and clean look at machines, and with which logins.
func (c *call) changing() (rotation.Credentials, app.Looking, error) {
	logins, err := c.logins()
	if err != nil {
		return logins, app.Looking{}, err
	}
	at := app.Looking{}
	if at.NoLease, err = c.form.yes("no-lease"); err != nil {
		return logins, at, err
	}
	at.Reach, err = c.form.reach()
	at.Reach.PFXPassword = c.pfxPassword
	return logins, at, err
}
