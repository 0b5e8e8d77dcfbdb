package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

// review shows the plan as `plan` does, asks, and does what `apply` does.
func (g *guide) review(ctx context.Context, again bool) error {
	if again {
		if err := g.prepareWith(ctx, g.credentials); err != nil {
			return g.mend(ctx, err)
		}
	}
	g.step("Review")
	g.ui.plan(g.ready)
	if f := g.ready.Failure(); f != nil {
		return g.mend(ctx, f)
	}
	if !g.ready.Plan.NothingToDo() {
		fmt.Fprintln(g.ui.err)
		text, err := g.reply(ctx, "change "+g.ready.WouldChange()+" now? y or n", "n")
		if err != nil {
			return err
		}
		if yes := strings.ToLower(text); yes != "y" && yes != "yes" {
			g.sayCommand("later")
			return &app.Failure{Code: "declined", Message: "not confirmed", Serving: app.NothingChanged, Exit: app.ExitPreflight}
		}
	}
	err := g.applyNow(ctx, g.ready)
	if err == nil {
		g.sayMachines()
	}
	g.sayCommand("next time")
	return err
}

// sayMachines is what nobody has looked at when only the certificate for clients
// was renewed: machines have their own, and those end, too.
func (g *guide) sayMachines() {
	d := g.ready.State.Deployment
	if g.ready.Access.Way != nil || len(reach.Machines(d, g.ready.State.Gateway)) == 0 {
		return
	}
	login := ""
	if g.credentials.SiteAdmin != "" {
		login = " --site-admin " + app.Quote(g.credentials.SiteAdmin)
	}
	g.ui.advice(g.ui.out, g.ui.outStyle, 0, "the machines have certificates of their own: ", "cartouche show "+app.CallDeployment(d)+login+" --reach agent")
}

// sayCommand is the last line: what does all this again.
func (g *guide) sayCommand(when string) {
	fmt.Fprintln(g.ui.out)
	asked := ""
	if g.bundle != nil && g.options.pfx.passwordFile == "" {
		asked = "password of the file: asked, or --password-file FILE, or CARTOUCHE_PFX_PASSWORD"
	}
	if g.credentials.SiteAdmin != "" && g.options.site.siteAdminPasswordFile == "" {
		if asked != "" {
			g.ui.say(faint(asked))
		}
		asked = "password of " + g.credentials.SiteAdmin + ": asked, or --site-admin-password-file FILE, or CARTOUCHE_SITE_ADMIN_PASSWORD"
	}
	if asked != "" {
		g.ui.say(faint(asked))
	}
	g.ui.say(faint("without the questions: --yes"))
	// Not wrapped: it is copied.
	fmt.Fprintln(g.ui.out, g.ui.outStyle.render(words(faint(when+": "), "cartouche apply "+g.options.about.words()+g.options.words())))
}
