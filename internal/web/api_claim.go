package web

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// claim tells who works on a deployment.
func (c *call) claim() (any, error) {
	found, err := c.claims()
	if err != nil {
		return nil, err
	}
	return found.Value, nil
}

func (c *call) claims() (*app.Unlocking, error) {
	session, d, err := c.ofAddress()
	if err != nil {
		return nil, err
	}
	return session.PrepareUnlock(c.r.Context(), d)
}

// unlock breaks the claim of the run that is named: whoever has looked who it is
// breaks no other one.
func (c *call) unlock() (any, error) {
	run := c.form.value("run")
	if run == "" {
		return nil, app.Usage("GET "+apiPath+"/deployments/{deployment}/claim tells it", "say whose claim: run")
	}
	found, err := c.claims()
	if err != nil {
		return nil, err
	}
	if len(found.Value.Claims) == 0 {
		return found.Value, nil
	}
	if err := found.Only(run); err != nil {
		return nil, err
	}
	return c.doneByServer(work.Job{Kind: "look", Title: "Breaking the claim on " + found.Value.Deployment}, func(ctx context.Context, _ *work.Work) (any, error) {
		value, err := found.Break(ctx)
		c.looks.forget()
		return value, err
	})
}
