package web

import (
	"slices"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// plan makes a plan. One that may be applied waits for a yes, which is its hash.
func (c *call) plan() (any, error) {
	ready, err := c.prepared()
	if err != nil {
		return nil, err
	}
	if f := ready.Failure(); f != nil {
		return with(ready.Plan, f)
	}
	c.kept = true
	c.pending.keepOf(c.era, c.planKey(ready.Plan.Hash), pending{ready: ready}, c.options.App.Now()) // unless somebody else has signed in meanwhile
	return ready.Plan, nil
}

// planKey names a plan that waits.
func (c *call) planKey(hash string) string {
	return "api " + c.r.PathValue("deployment") + " " + hash
}

// prepared makes the plan that is asked for.
func (c *call) prepared() (*app.Prepared, error) {
	asked, err := c.form.renewal()
	if err != nil {
		return nil, err
	}
	session, err := c.signedIn()
	if err != nil {
		return nil, err
	}
	d, err := c.chosen(session)
	if err != nil {
		return nil, err
	}
	logins, err := c.changingLogins(d)
	if err != nil {
		return nil, err
	}
	return session.Prepare(c.r.Context(), d, logins, asked)
}

// apply carries out the plan that is named by its hash, or the one that is made of
// what is asked for.
func (c *call) apply() (any, error) {
	ready, err := c.planned()
	if err != nil {
		return nil, err
	}
	if err := ready.Alone(c.r.Context()); err != nil {
		return nil, err
	}
	if f := ready.Failure(); f != nil {
		return with(ready.Plan, f)
	}
	return c.atGateway("Renewing the certificate of "+ready.State.Deployment.Name, ready, ready.Apply)
}

func (c *call) planned() (*app.Prepared, error) {
	hash := c.form.value("plan")
	if hash == "" {
		return c.prepared()
	}
	for _, name := range renewalFields {
		if slices.Contains(c.form.fields, name) {
			return nil, app.Usage("leave it out", "%s is part of the plan already", name)
		}
	}
	waiting, there := c.pending.get(c.planKey(hash), c.options.App.Now())
	if there {
		waiting, there = c.pending.take(c.planKey(hash), waiting.answer)
	}
	if !there {
		return nil, &app.Failure{
			Code: "moved", Message: "no plan with this hash waits for this address: it was carried out, or made more than 15 minutes ago, or elsewhere",
			Hint: "make the plan again", Serving: app.NothingChanged, Exit: app.ExitPreflight,
		}
	}
	c.session = waiting.ready.Session
	return waiting.ready, nil
}

// clean removes what runs have left on the gateway.
func (c *call) clean() (any, error) {
	soak := rotation.Soak{Now: c.options.App.Now(), For: rotation.DefaultSoak}
	now, err := c.form.yes("now")
	if err != nil {
		return nil, err
	}
	if now {
		soak.For = 0
	}
	session, err := c.signedIn()
	if err != nil {
		return nil, err
	}
	d, err := c.chosen(session)
	if err != nil {
		return nil, err
	}
	logins, at, err := c.changing()
	if err != nil {
		return nil, err
	}
	cleaning, err := session.PrepareClean(c.r.Context(), d, logins, at, soak)
	if err != nil {
		return nil, err
	}
	if len(cleaning.Entries) == 0 {
		return app.NothingToClean(cleaning.State, cleaning.Soaking), nil
	}
	return c.atGateway("Cleaning "+d.Name, cleaning.Prepared, cleaning.Clean)
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
	made, err := planBack(run)(c.r.Context(), session, asked{logins, at.Reach, at.NoLease})
	if err != nil {
		return nil, err
	}
	title := "Taking run " + run.ID + " of " + run.DeploymentName + " back"
	if made.machines != nil {
		if f := made.machines.Failure(); f != nil {
			return with(made.machines.Plan, f)
		}
		return c.atMachines(title, made.machines, made.machines.Undo)
	}
	if f := made.ready.Failure(); f != nil {
		return with(made.ready.Plan, f)
	}
	return c.atGateway(title, made.ready, made.ready.Undo)
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
	return logins, at, err
}
