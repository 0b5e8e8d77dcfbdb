package cli

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// siteFlags are the two logins that Cloud Builder's certificate page asks for.
type siteFlags struct {
	siteAdmin, siteAdminPasswordFile           string
	serviceAccount, serviceAccountPasswordFile string
	withoutPortal                              bool
}

// addSiteAdmin adds the login of Portal, for commands that look.
func (f *siteFlags) addSiteAdmin(flags *pflag.FlagSet) {
	flags.StringVar(&f.siteAdmin, "site-admin", "", "site administrator, who signs in to Portal (CARTOUCHE_SITE_ADMIN) `NAME`")
	flags.StringVar(&f.siteAdminPasswordFile, "site-admin-password-file", "", "file with the password, - for standard input (CARTOUCHE_SITE_ADMIN_PASSWORD) `FILE`")
	groupFlags(flags, "Logins", "site-admin", "site-admin-password-file")
}

// addWithoutPortal adds the way to change something without the login of Portal.
func (f *siteFlags) addWithoutPortal(flags *pflag.FlagSet) {
	flags.BoolVar(&f.withoutPortal, "without-portal", false, "go on without the site administrator: federation is then not validated")
	groupFlags(flags, "Logins", "without-portal")
}

// add adds both logins, for commands that change.
func (f *siteFlags) add(flags *pflag.FlagSet) {
	f.addSiteAdmin(flags)
	f.addWithoutPortal(flags)
	f.addServiceAccount(flags)
}

// addServiceAccount adds the login under which what runs on machines runs.
func (f *siteFlags) addServiceAccount(flags *pflag.FlagSet) {
	flags.StringVar(&f.serviceAccount, "service-account", "", "login under which ArcGIS Server runs, and what Cartouche runs on machines (CARTOUCHE_SERVICE_ACCOUNT) `NAME`")
	flags.StringVar(&f.serviceAccountPasswordFile, "service-account-password-file", "", "file with the password, - for standard input (CARTOUCHE_SERVICE_ACCOUNT_PASSWORD) `FILE`")
	groupFlags(flags, "Logins", "service-account", "service-account-password-file")
}

func (f siteFlags) siteAdminPassword(name string) secretSource {
	return secretSource{
		what: "password of the site administrator " + name, flag: "--site-admin-password-file",
		file: f.siteAdminPasswordFile, variable: "CARTOUCHE_SITE_ADMIN_PASSWORD",
	}
}

// givenLogins are the logins as far as they are given; nobody is asked.
func (a *program) givenLogins(f siteFlags) (rotation.Credentials, error) {
	credentials := rotation.Credentials{
		SiteAdmin:      a.either(f.siteAdmin, "CARTOUCHE_SITE_ADMIN"),
		ServiceAccount: a.either(f.serviceAccount, "CARTOUCHE_SERVICE_ACCOUNT"),
	}
	if f.withoutPortal {
		credentials.SiteAdmin = ""
	}
	var err error
	if credentials.SiteAdmin != "" {
		credentials.SiteAdminPassword, err = a.given(f.siteAdminPassword(credentials.SiteAdmin))
		if errors.Is(err, errNotGiven) {
			return credentials, nil
		}
		if err != nil {
			return credentials, err
		}
	}
	if credentials.ServiceAccount != "" {
		credentials.ServiceAccountPassword, err = a.given(secretSource{
			flag: "--service-account-password-file", file: f.serviceAccountPasswordFile, variable: "CARTOUCHE_SERVICE_ACCOUNT_PASSWORD",
		})
		if err != nil && !errors.Is(err, errNotGiven) {
			return credentials, err
		}
	}
	return credentials, nil
}

// lookingLogins are for commands that look: without a password the site
// administrator is not used.
func (a *program) lookingLogins(f siteFlags) (rotation.Credentials, error) {
	credentials, err := a.givenLogins(f)
	if credentials.SiteAdminPassword.Empty() {
		credentials.SiteAdmin = ""
	}
	return credentials, err
}

// changingLogins are for commands that change: a deployment with a Portal needs
// the site administrator, because only Portal itself can say whether its
// federation still works.
func (a *program) changingLogins(ctx context.Context, f siteFlags, d deployment.Deployment) (rotation.Credentials, error) {
	credentials, err := a.givenLogins(f)
	if err != nil || d.PortalContext == "" || f.withoutPortal {
		return credentials, err
	}
	if credentials.SiteAdmin == "" {
		if !a.env.StdinIsTerminal || a.env.ReadPassword == nil {
			return credentials, app.NoSiteAdmin(d.Name)
		}
		credentials.SiteAdmin, err = a.askLine(ctx, "site administrator of "+d.Domain+": ")
		if err != nil {
			return credentials, err
		}
		if credentials.SiteAdmin == "" {
			return credentials, app.Usage("or go on without it: --without-portal", "no site administrator was named")
		}
	}
	if credentials.SiteAdminPassword.Empty() {
		credentials.SiteAdminPassword, err = a.ask(ctx, f.siteAdminPassword(credentials.SiteAdmin))
	}
	return credentials, app.WhileServing(err, app.NothingChanged, "")
}

// either is a flag's value, else that of a variable.
func (a *program) either(flag, variable string) string {
	if flag != "" {
		return flag
	}
	return a.env.Lookup(variable)
}
