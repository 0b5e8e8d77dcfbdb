package cli

import (
	"context"
	"fmt"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// cleanInternal removes what replacing the machines' certificates has left.
func (a *program) cleanInternal(ctx context.Context, about target, options changeOptions, soak rotation.Soak) error {
	ready, err := a.backAtMachines(ctx, options, about.choose)
	if err != nil {
		return err
	}
	cleaning, err := ready.PlanClean(ctx, soak)
	if err != nil {
		return err
	}
	if !a.ui.json {
		a.ui.cleaning(ready, cleaning)
	}
	if cleaning.Nothing() {
		if a.ui.json {
			return a.ui.value(app.NothingToCleanAtMachines(ready.Replacement, cleaning))
		}
		if len(cleaning.Soaking) > 0 {
			a.ui.say(a.ui.outStyle.tick(), " nothing to clean yet: what runs have replaced soaks")
			a.ui.advice(a.ui.out, a.ui.outStyle, 2, "to remove it all the same: ", "cartouche clean "+app.CallDeployment(ready.State.Deployment)+" --internal --now")
			return nil
		}
		a.ui.say(a.ui.outStyle.tick(), " nothing to clean: everything that runs have left is still presented by somebody")
		return nil
	}
	question := fmt.Sprintf("remove %s and %s now?", entries(len(cleaning.Entries)), app.Count(len(cleaning.Roots), "trusted root"))
	if err := a.confirm(ctx, options.yes, question); err != nil {
		return err
	}
	return a.signed(ctx, ready.State, func(key *evidence.Key) error { return ready.Clean(ctx, cleaning, key, a.reportInternal) })
}

// backAtMachines observes a deployment with its machines to change what an
// earlier run has done there.
func (a *program) backAtMachines(ctx context.Context, options changeOptions, choose chooser) (*preparedInternal, error) {
	if err := options.reach.check(false); err != nil {
		return nil, err
	}
	ready, err := a.seeMachines(ctx, rollOutOptions{azure: options.azure, site: options.site, reach: options.reach, lease: options.lease}, choose)
	if err != nil {
		return nil, err
	}
	return ready, ready.Alone(ctx)
}

// cleaning shows what would go, and what stays and why.
func (u *ui) cleaning(ready *preparedInternal, cleaning rollout.Cleaning) {
	u.say(title("Clean "+ready.State.Deployment.Name), faint("  what replacing the machines' certificates has left"))
	for _, entry := range cleaning.Entries {
		u.item(caution("-"), entry.Machine, faint(fmt.Sprintf(":%d", entry.Port)), " entry "+entry.Alias, faint(": "+entry.Why))
	}
	for _, root := range cleaning.Roots {
		u.item(caution("-"), "gateway ", app.LastSegment(ready.State.Gateway.ID()), " trusted root "+root, faint(": no machine presents it any more"))
	}
	for _, kept := range cleaning.Kept {
		u.item(accent("="), kept)
	}
	u.soaking(cleaning.Soaking, ready.State.At)
	if !cleaning.Nothing() {
		u.fields(field{"restarts", words(good("none"))}, field{"undo", words("none: replace the certificates again")})
	}
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}
