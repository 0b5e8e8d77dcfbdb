package web

import (
	"slices"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// partOfPlan are fields whose answers a saved plan has itself.
var partOfPlan = slices.Concat([]string{
	"vault", "certificate", "version", "reference", "inline", "identity", "assume-trusted", "allow-older", "allow-weaker",
}, machinesFields)

// saved prepares what a plan says that was made earlier and kept as a file. Its file
// with the certificate and the logins are sent again: a plan holds no secret.
func (c *call) saved(data []byte) (pending, error) {
	plan, err := app.ReadPlan(data, "POST "+apiPath+"/deployments/{deployment}/plan")
	if err != nil && app.Explain(err).Code == "usage" {
		err = app.Usage("make the plan again", "what was sent as plan is none that this program can read") // not quoted: it may be anything
	}
	if err != nil {
		return pending{}, err
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
	if err == nil && (of.GatewayID != d.GatewayID || of.ID != d.ID) {
		err = app.WhileServing(app.Usage("make a plan for it", "the plan is for %s, and not for the deployment of this address", plan.Deployment), app.NothingChanged, "")
	}
	if err == nil && plan.Cloud != session.In.Name {
		err = app.WhileServing(app.Usage("sign in there", "the plan is for the cloud %s, and this sign-in for %s", plan.Cloud, session.In.Name), app.NothingChanged, "")
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
