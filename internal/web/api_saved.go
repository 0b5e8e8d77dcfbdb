package web

import (
	"slices"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
)

// partOfPlan are fields whose answers a saved plan has itself.
var partOfPlan = slices.Concat([]string{
	"vault", "certificate", "version", "reference", "inline", "identity", "assume-trusted", "allow-older", "allow-weaker",
}, machinesFields)

// saved prepares what a plan says that was made earlier and kept as a file. Its file
// with the certificate and the logins are sent again: a plan holds no secret.
func (c *call) saved(data []byte) (pending, error) {
	if app.IsMachinesPlan(data) {
		return c.savedMachines(data)
	}
	plan, err := app.ReadPlan(data, "POST "+apiPath+"/deployments/{deployment}/plan")
	if err != nil {
		return pending{}, noPlan(err)
	}
	for _, name := range partOfPlan {
		if c.form.given(name) {
			return pending{}, app.Usage("leave it out", "%s is part of the plan already", name)
		}
	}
	asked, err := c.form.renewal()
	if err != nil {
		return pending{}, err
	}
	if plan.File != "" && asked.Bundle == nil {
		return pending{}, app.Usage("curl --form plan=@PLAN --form pfx=@FILE", "the plan puts the certificate of a file on the gateway: send it, too, as pfx")
	}
	session, d, err := c.ofAddress()
	if err != nil {
		return pending{}, err
	}
	of, err := session.OfPlan(c.r.Context(), plan, nil)
	if err == nil {
		err = planFits(session, d, of, plan.Deployment, plan.Cloud)
	}
	if err != nil {
		return pending{}, err
	}
	logins, err := c.changingLogins(of)
	if err != nil {
		return pending{}, err
	}
	asked.Reach.PFXPassword = c.pfxPassword
	return c.trying(of, logins, func() (pending, error) {
		ready, err := session.Prepare(c.r.Context(), of, logins, asked.OfPlan(plan))
		if err != nil {
			return pending{}, err
		}
		return pending{ready: ready}, ready.TakeSaved(plan)
	})
}

// savedMachines does it for a plan about the certificates of machines. From what these
// come is sent again, with the choices that the plan was made with.
func (c *call) savedMachines(data []byte) (pending, error) {
	plan, err := app.ReadMachinesPlan(data, "")
	if err != nil {
		return pending{}, noPlan(err)
	}
	if !c.form.given("internal") {
		return pending{}, app.Usage("internal="+string(plan.Source), "the plan is about the certificates of machines: say again where they come from")
	}
	goal, err := c.form.replacement(c.options.App.Now())
	if err != nil {
		return pending{}, err
	}
	session, d, err := c.ofAddress()
	if err != nil {
		return pending{}, err
	}
	of, err := session.OfMachinesPlan(c.r.Context(), plan, nil)
	if err == nil {
		err = planFits(session, d, of, plan.Deployment, plan.Cloud)
	}
	if err != nil {
		return pending{}, err
	}
	return c.replacement(session, of, func(ready *app.Replacement) error { return ready.PlanSaved(plan, goal) })
}

// noPlan says that a file is no plan, without quoting it: it may be anything.
func noPlan(err error) error {
	if app.Explain(err).Code == "usage" {
		return app.Usage("make the plan again", "what was sent as plan is none that this program can read")
	}
	return err
}

// planFits refuses a plan that is for another deployment than that of the address, or
// for another cloud.
func planFits(session *app.Session, asked, of deployment.Deployment, called, cloud string) error {
	switch {
	case of.GatewayID != asked.GatewayID || of.ID != asked.ID:
		return app.WhileServing(app.Usage("make a plan for it", "the plan is for %s, and not for the deployment of this address", called), app.NothingChanged, "")
	case cloud != session.In.Name:
		return app.WhileServing(app.Usage("sign in there", "the plan is for the cloud %s, and this sign-in for %s", cloud, session.In.Name), app.NothingChanged, "")
	}
	return nil
}
