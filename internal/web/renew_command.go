package web

import (
	"cmp"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// commandOf is the command that does what the review shows, and what it asks for.
// It holds no secret, and every name in it is quoted for the shell.
func commandOf(r *wizard.Renewal) (command string, said []string) {
	command = "cartouche apply " + app.CallDeployment(*r.Deployment)
	flag := func(name, value string) {
		if value != "" {
			command += " --" + name + " " + app.Quote(value)
		}
	}
	set := func(name string, on bool) {
		if on {
			command += " --" + name
		}
	}
	c, l := r.Choices, r.Logins
	if r.Chosen.Source == wizard.FromFile || r.Chosen.Source == wizard.Create {
		flag("pfx", r.Chosen.File.Name)
		said = append(said, "The password of the file is asked for, or comes from --password-file FILE or CARTOUCHE_PFX_PASSWORD. Name the file with its path.")
	}
	if r.Chosen.Source == wizard.FromVault || r.Chosen.Source == wizard.Create {
		flag("vault", r.Chosen.Vault)
		flag("certificate", r.Chosen.Name)
	}
	set("reference", c.Form == rotation.FormReference || r.Chosen.Source == wizard.Follow)
	set("inline", c.Form == rotation.FormInline)
	flag("identity", c.Identity)
	for _, file := range c.RootFiles {
		flag("roots", file)
	}
	set("assume-trusted", c.AssumeTrusted)
	set("allow-older", c.AllowOlder)
	set("allow-weaker", c.AllowWeaker)
	flag("reach", c.Reach)
	set("no-lease", c.NoClaim)
	if l.WithoutPortal {
		set("without-portal", true)
	} else {
		flag("site-admin", l.SiteAdmin)
	}
	if l.SiteAdmin != "" && !l.WithoutPortal {
		said = append(said, "The password of "+l.SiteAdmin+" is asked for, or comes from --site-admin-password-file FILE or CARTOUCHE_SITE_ADMIN_PASSWORD.")
	}
	flag("service-account", l.ServiceAccount)
	return command, said
}

// rolloutOf is what is asked of the application for a renewal.
func rolloutOf(r *wizard.Renewal) app.Rollout {
	c := r.Chosen
	asked := app.Rollout{
		Deployment: *r.Deployment,
		Judging:    criteriaOf(r.Choices),
		Form:       r.Choices.Form,
		Identity:   r.Choices.Identity,
		Reach:      cmp.Or(r.Choices.Reach, app.ReachAuto),
		NoClaim:    r.Choices.NoClaim,
		Credentials: rotation.Credentials{
			SiteAdmin: r.Logins.SiteAdmin, SiteAdminPassword: r.Logins.SiteAdminPassword,
			ServiceAccount: r.Logins.ServiceAccount, ServiceAccountPassword: r.Logins.ServiceAccountPassword,
		},
	}
	if r.Logins.WithoutPortal {
		asked.Credentials.SiteAdmin, asked.Credentials.SiteAdminPassword = "", secret.Secret{}
	}
	switch c.Source {
	case wizard.FromFile:
		asked.Bundle, asked.File = c.Bundle, c.File.Name
	case wizard.FromVault:
		asked.Vault, asked.Certificate = c.Vault, c.Name
	case wizard.Create:
		asked.Bundle, asked.File, asked.Vault, asked.Certificate = c.Bundle, c.File.Name, c.Vault, c.Name
	case wizard.Follow:
		asked.Form = rotation.FormReference
	}
	return asked
}

func criteriaOf(c wizard.Choices) app.Judging {
	return app.Judging{Roots: c.Roots, AssumeTrusted: c.AssumeTrusted, AllowOlder: c.AllowOlder, AllowWeaker: c.AllowWeaker}
}
