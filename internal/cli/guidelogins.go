package cli

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// mostAttempts is how often a login may be wrong: Portal locks it after some more.
const mostAttempts = 3

// askSiteAdmin asks for the login of Portal and observes the deployment with it,
// which is how one finds out whether it is right.
func (g *guide) askSiteAdmin(ctx context.Context, again bool) error {
	if g.chosen.PortalContext == "" || g.options.site.withoutPortal && !again {
		if again {
			return errBack
		}
		from := "there is no Portal"
		if g.options.site.withoutPortal {
			from = "federation is then not validated"
		}
		g.answered("site administrator", "none", from, switchWord("without-portal", g.options.site.withoutPortal))
		return g.prepareWith(ctx, rotation.Credentials{})
	}
	credentials, err := g.givenLogins(g.options.site)
	if err != nil {
		return err
	}
	if again {
		credentials.SiteAdminPassword = secret.Secret{}
	}
	for attempt := 1; ; attempt++ {
		given := credentials.SiteAdmin != "" && !credentials.SiteAdminPassword.Empty()
		if !given {
			if credentials, err = g.typeSiteAdmin(ctx, credentials.SiteAdmin); err != nil {
				return err
			}
		}
		if err := g.prepareWith(ctx, credentials); err != nil {
			return err
		}
		if refused := g.ready.RefusedSiteAdmin(); refused != nil {
			g.tell(0, g.ui.errors.cross(), " ", refused.Message)
			if attempt == mostAttempts {
				return refused
			}
			credentials = rotation.Credentials{SiteAdmin: credentials.SiteAdmin}
			continue
		}
		g.options.site.siteAdmin = credentials.SiteAdmin
		from := ""
		if given {
			from = "given"
		}
		if credentials.SiteAdmin == "" {
			g.answered("site administrator", "none", "federation is then not validated", switchWord("without-portal", true))
			return nil
		}
		g.answered("site administrator", credentials.SiteAdmin+", accepted by Portal", from, flagWord("site-admin", credentials.SiteAdmin))
		return nil
	}
}

// typeSiteAdmin asks for name and password; no name after all is a choice, too.
func (g *guide) typeSiteAdmin(ctx context.Context, name string) (rotation.Credentials, error) {
	g.step("Site administrator")
	g.options.site.withoutPortal = false
	for {
		typed, err := g.reply(ctx, "site administrator of "+g.chosen.Domain+" (- to go on without)", name)
		switch {
		case err != nil:
			return rotation.Credentials{}, err
		case typed == "-":
			g.options.site.withoutPortal, g.options.site.siteAdmin = true, ""
			return rotation.Credentials{}, nil
		case typed == "":
			continue
		}
		password, err := g.password(ctx, "password of "+typed)
		if err != nil || !password.Empty() {
			return rotation.Credentials{SiteAdmin: typed, SiteAdminPassword: password}, err
		}
	}
}

// password asks without echo.
func (g *guide) password(ctx context.Context, what string) (secret.Secret, error) {
	if g.env.ReadPassword == nil {
		return secret.Secret{}, leftGuide()
	}
	g.ui.progress.Done()
	value, err := g.env.ReadPassword(ctx, escape(what, g.ui.errors.ascii)+": ")
	return value, app.WhileServing(err, app.NothingChanged, "")
}

// prepareWith makes the plan with these logins.
func (g *guide) prepareWith(ctx context.Context, credentials rotation.Credentials) error {
	asked, err := g.renewalWith(g.options, g.bundle)
	if err != nil {
		return err
	}
	ready, err := g.login.Prepare(ctx, g.chosen, credentials, asked)
	if err != nil {
		return err
	}
	g.credentials, g.ready = credentials, &prepared{ready, g.options}
	return nil
}

// askServiceAccount takes the second login of Cloud Builder's page, which it
// needs to restart machines; a rotation of the gateway does not.
func (g *guide) askServiceAccount(ctx context.Context, again bool) error {
	const unused = "no step of this rotation runs on a machine, so it is not used"
	name := g.either(g.options.site.serviceAccount, "CARTOUCHE_SERVICE_ACCOUNT")
	from := "given; " + unused
	if again || name == "" {
		g.step("Service account")
		g.tell(0, faint("The login under which ArcGIS Server runs: "+unused+"."))
		typed, err := g.reply(ctx, "service account (- for none)", app.OrDash(name))
		if err != nil {
			return err
		}
		if name, from = typed, unused; typed == "-" {
			name = ""
		}
	}
	g.options.site.serviceAccount = name
	g.credentials.ServiceAccount = name
	g.ready.Credentials, g.ready.options = g.credentials, g.options
	g.answered("service account", app.OrDash(name), from, flagWord("service-account", name))
	return nil
}
