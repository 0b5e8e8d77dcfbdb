package web

import (
	"context"

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
	c, l, asked := r.Choices, r.Logins, renewalOf(r)
	if r.Chosen.Source == wizard.FromFile || r.Chosen.Source == wizard.Create {
		flag("pfx", r.Chosen.File.Name)
		said = append(said, "The password of the file is asked for, or comes from --password-file FILE or CARTOUCHE_PFX_PASSWORD. Name the file with its path.")
	}
	if r.Chosen.Source == wizard.FromVault || r.Chosen.Source == wizard.Create {
		flag("vault", r.Chosen.Vault)
		flag("certificate", r.Chosen.Name)
		flag("version", r.Chosen.Version)
	}
	set("reference", asked.Vault.Reference)
	set("inline", asked.Vault.Inline)
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
	if c.Reach == app.ReachDSC {
		said = append(said, "The passwords of the .pfx files that Cloud Builder was given come from --server-pfx-password-file FILE and --portal-pfx-password-file FILE.")
	}
	return command, said
}

// renewalOf is what is asked of the application for a renewal.
func renewalOf(r *wizard.Renewal) app.Renewal {
	c, choices, logins := r.Chosen, r.Choices, r.Logins
	asked := app.Renewal{
		Roots: choices.Roots, AssumeTrusted: choices.AssumeTrusted, AllowOlder: choices.AllowOlder, AllowWeaker: choices.AllowWeaker,
		Reach: app.Reach{Way: choices.Reach, PFXPassword: func(_ context.Context, portal bool) (secret.Secret, error) {
			if portal {
				return logins.PortalPFXPassword, nil
			}
			return logins.ServerPFXPassword, nil
		}}, NoLease: choices.NoClaim,
		Vault: app.InVault{
			Identity:  choices.Identity,
			Reference: choices.Form == rotation.FormReference || c.Source == wizard.Follow,
			Inline:    choices.Form == rotation.FormInline && c.Source != wizard.Follow && c.Source != wizard.Again,
		},
	}
	if c.Source == wizard.FromFile || c.Source == wizard.Create {
		asked.Bundle, asked.File = c.Bundle, c.File.Name
	}
	if c.Source == wizard.FromVault || c.Source == wizard.Create {
		asked.Vault.Vault, asked.Vault.Certificate, asked.Vault.Version = c.Vault, c.Name, c.Version
	}
	return asked
}

// credentialsOf are the logins as the application takes them.
func credentialsOf(l wizard.Logins) rotation.Credentials {
	credentials := rotation.Credentials{ServiceAccount: l.ServiceAccount, ServiceAccountPassword: l.ServiceAccountPassword}
	if !l.WithoutPortal {
		credentials.SiteAdmin, credentials.SiteAdminPassword = l.SiteAdmin, l.SiteAdminPassword
	}
	return credentials
}
