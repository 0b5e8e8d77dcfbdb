package web

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// replacement is by what the certificates of machines are to be replaced.
func (f sentForm) replacement(now time.Time) (goal rollout.Goal, err error) {
	how, err := f.among("internal", string(rollout.Fresh), string(rollout.FromAuthority), string(rollout.FromPFX))
	if err != nil {
		return goal, err
	}
	goal = rollout.Goal{Source: rollout.Source(how), Now: now}
	if text := f.value("valid-days"); text != "" {
		if goal.LeafDays, err = strconv.Atoi(text); err != nil {
			return goal, app.Usage("valid-days=397", "valid-days is a number of days")
		}
	}
	if err := app.CheckInternal(goal.Source, goal.LeafDays, f.given); err != nil {
		return goal, err
	}
	if err := app.CheckOnlyInternal(f.given); err != nil {
		return goal, err
	}
	for name, to := range map[string]*bool{"anew": &goal.Anew, "keep-old": &goal.KeepOld, "undrained": &goal.Undrained} {
		if *to, err = f.yes(name); err != nil {
			return goal, err
		}
	}
	switch goal.Source {
	case rollout.FromAuthority:
		goal.Authority, err = f.authority()
	case rollout.FromPFX:
		goal.Bundles, err = f.internalPFX()
	}
	return goal, err
}

// authority is the one that was sent with its key.
func (f sentForm) authority() (*pki.Authority, error) {
	file, _, err := f.file("ca")
	if err != nil {
		return nil, err
	}
	key, _, err := f.file("ca-key")
	if err != nil {
		return nil, err
	}
	defer clear(file.Data)
	defer clear(key.Data)
	authority, err := pki.ReadAuthority(file.Data, key.Data, f.secrets["ca-password"])
	return authority, app.UnusableAuthority(file.Name, err)
}

// internalPFX are the files for machines, by what they are for.
func (f sentForm) internalPFX() (map[string]*pki.Bundle, error) {
	bundles := map[string]*pki.Bundle{}
	for _, name := range f.fields {
		where, named := strings.CutPrefix(name, internalPFXFor)
		if !named && name != "internal-pfx" {
			continue
		}
		if !named {
			where = ""
		}
		where = strings.ToLower(where)
		if bundles[where] != nil {
			return nil, app.InternalPFXTwice(where)
		}
		file, _, err := f.file(name)
		if err != nil {
			return nil, err
		}
		bundle, err := pki.ReadPFX(file.Data, f.secrets["internal-pfx-password"])
		clear(file.Data)
		if err != nil {
			return nil, app.RefusedFile(file.Name, err)
		}
		bundles[where] = bundle
	}
	return bundles, nil
}

// machineLogins are those for a change at machines, which only the site
// administrator makes.
func (c *call) machineLogins(d deployment.Deployment) (rotation.Credentials, error) {
	given, err := c.logins()
	if err != nil {
		return given, err
	}
	if without, _ := c.form.yes("without-portal"); without {
		return given, app.MachinesWithoutLogin()
	}
	if given.SiteAdmin == "" {
		return given, app.NoSiteAdmin(d.Name)
	}
	return given, nil
}

// replacement looks at the machines of a deployment to change something there.
func (c *call) replacement(session *app.Session, d deployment.Deployment, plan func(*app.Replacement) error) (pending, error) {
	logins, err := c.machineLogins(d)
	if err != nil {
		return pending{}, err
	}
	_, at, err := c.changing()
	if err != nil {
		return pending{}, err
	}
	return c.trying(d, logins, func() (pending, error) {
		ready, err := session.LookAtMachines(c.r.Context(), d, logins, at.Reach, at.NoLease)
		if err != nil {
			return pending{}, err
		}
		return pending{machines: ready}, plan(ready)
	})
}

// cleanMachines removes what replacing the certificates of machines has left.
func (c *call) cleanMachines(session *app.Session, d deployment.Deployment, soak rotation.Soak) (any, error) {
	var left rollout.Cleaning
	made, err := c.replacement(session, d, func(ready *app.Replacement) (err error) {
		if err = ready.Alone(c.r.Context()); err == nil {
			left, err = ready.PlanClean(c.r.Context(), soak)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if left.Nothing() {
		return app.NothingToCleanAtMachines(made.machines, left), nil
	}
	return c.atMachines("Cleaning the machines of "+d.Name, made.machines, func(ctx context.Context, key *evidence.Key, report app.MachinesReport) error {
		return made.machines.Clean(ctx, left, key, report)
	})
}
