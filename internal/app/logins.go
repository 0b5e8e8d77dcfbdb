package app

import (
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// GivenLogins are the logins that the environment gives beforehand.
func (a *App) GivenLogins() rotation.Credentials {
	given := rotation.Credentials{SiteAdmin: a.Lookup("CARTOUCHE_SITE_ADMIN"), ServiceAccount: a.Lookup("CARTOUCHE_SERVICE_ACCOUNT")}
	if given.SiteAdmin != "" {
		given.SiteAdminPassword = secret.New(a.Lookup("CARTOUCHE_SITE_ADMIN_PASSWORD"))
	}
	if given.ServiceAccount != "" {
		given.ServiceAccountPassword = secret.New(a.Lookup("CARTOUCHE_SERVICE_ACCOUNT_PASSWORD"))
	}
	return given
}

// NoSiteAdmin says that the certificate of a deployment with a Portal is not
// changed without the site administrator's login, unless somebody says so: only
// Portal itself can tell whether its federation still works.
func NoSiteAdmin(name string) error {
	return WhileServing(Usage(
		"give --site-admin NAME and its password (CARTOUCHE_SITE_ADMIN, CARTOUCHE_SITE_ADMIN_PASSWORD), or go on without it: --without-portal",
		"%s has a Portal, and its site administrator is not given", name), NothingChanged, "")
}
