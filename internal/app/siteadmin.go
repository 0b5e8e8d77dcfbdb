package app

// NoSiteAdmin says that the certificate of a deployment with a Portal is not
// changed without the site administrator's login, unless somebody says so: only
// Portal itself can tell whether its federation still works.
func NoSiteAdmin(name string) error {
	return WhileServing(Usage(
		"give --site-admin NAME and its password (CARTOUCHE_SITE_ADMIN, CARTOUCHE_SITE_ADMIN_PASSWORD), or go on without it: --without-portal",
		"%s has a Portal, and its site administrator is not given", name), NothingChanged, "")
}
