package web

import (
	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

func (c *call) version() (any, error) { return c.options.App.VersionValue(), nil }

func (c *call) account() (any, error) {
	login, err := c.login(c.r.Context())
	if err != nil {
		return nil, err
	}
	session, err := c.signedIn()
	if err != nil {
		return nil, err
	}
	return session.AccountOf(c.r.Context(), login.Choice)
}

func (c *call) tenants() (any, error) {
	session, err := c.signedIn()
	if err != nil {
		return nil, err
	}
	return session.TenantValues(c.r.Context())
}

func (c *call) subscriptions() (any, error) {
	session, err := c.signedIn()
	if err != nil {
		return nil, err
	}
	return session.SubscriptionValues(c.r.Context())
}

func (c *call) deployments() (any, error) {
	session, err := c.signedIn()
	if err != nil {
		return nil, err
	}
	return session.DeploymentValues(c.r.Context())
}

// chosen is the deployment of the address, by what commands call it or by its id
// in the addresses of the pages.
func (c *call) chosen(session *app.Session) (deployment.Deployment, error) {
	named := c.r.PathValue("deployment")
	if pathID.MatchString(named) {
		if d, err := c.Server.chosen(c.r.Context(), session, named); err == nil {
			return d, nil
		}
	}
	return session.Choose(c.r.Context(), app.Target{Deployment: named})
}

// ofAddress is the sign-in, and the deployment of the address.
func (c *call) ofAddress() (*app.Session, deployment.Deployment, error) {
	session, err := c.signedIn()
	if err != nil {
		return nil, deployment.Deployment{}, err
	}
	d, err := c.chosen(session)
	return session, d, err
}

// look looks at the deployment of the address as `show` and `verify` do.
func (c *call) look() (*app.Prepared, error) {
	session, d, err := c.ofAddress()
	if err != nil {
		return nil, err
	}
	logins, err := c.logins()
	if err != nil {
		return nil, err
	}
	seen, _, err := trying(c.Server, d, logins.SiteAdmin, func() (*app.Prepared, error) {
		return session.Look(c.r.Context(), d, logins, app.Looking{When: app.Nearby})
	})
	return seen, notTried(err, logins.SiteAdmin)
}

func (c *call) show() (any, error) {
	day, err := c.options.App.DayAsked(c.r.URL.Query().Get("at"))
	if err != nil {
		return nil, err
	}
	seen, err := c.look()
	if f := app.NoGateway(err); f != nil {
		return with(seen.State, f)
	}
	if err != nil {
		return nil, err
	}
	value, _, unread := c.options.App.With(c).Show(c.r.Context(), seen, day)
	if unread != nil && !cloud.IsForbidden(unread) {
		c.Note(app.NoteWarning, unread.Error())
	}
	return value, nil
}

func (c *call) verify() (any, error) {
	seen, err := c.look()
	if err != nil {
		return nil, err
	}
	return with(seen.Verify(seen.Session.Roots))
}

func (c *call) vaults() (any, error) {
	session, err := c.signedIn()
	if err != nil {
		return nil, err
	}
	return session.VaultValues(c.r.Context())
}

// vault is the vault of the address, and what certificates in it are judged by.
func (c *call) vault() (*app.Session, *cloud.VaultClient, pki.Criteria, error) {
	session, err := c.signedIn()
	if err != nil {
		return nil, nil, pki.Criteria{}, err
	}
	client, err := session.Vault(c.r.PathValue("vault"))
	if err != nil {
		return nil, nil, pki.Criteria{}, err
	}
	criteria, err := session.Criteria(c.r.Context(), c.r.URL.Query().Get("for"), session.Roots)
	return session, client, criteria, err
}

func (c *call) certificates() (any, error) {
	session, client, criteria, err := c.vault()
	if err != nil {
		return nil, err
	}
	return session.VaultCertificates(c.r.Context(), client, criteria)
}

func (c *call) certificate() (any, error) {
	name, err := c.namedInVault()
	if err != nil {
		return nil, err
	}
	session, client, criteria, err := c.vault()
	if err != nil {
		return nil, err
	}
	value, _, err := session.VaultVersions(c.r.Context(), client, name, criteria)
	return value, err
}

// check judges a file, or what a host serves. Nothing is signed in to.
func (c *call) check() (any, error) {
	a := c.options.App.With(c)
	bundle, name, err := c.form.pfx()
	if err != nil {
		return nil, err
	}
	host := c.form.value("host")
	if (bundle == nil) == (host == "") {
		return nil, app.Usage("curl --form pfx=@FILE, or --form host=HOST:PORT", "say what to check: a file or a host")
	}
	network, err := a.Network()
	if err != nil {
		return nil, err
	}
	more, err := c.form.authorities("roots")
	if err != nil {
		return nil, err
	}
	trusted, err := c.form.yes("assume-trusted")
	if err != nil {
		return nil, err
	}
	criteria := pki.Criteria{Now: a.Now(), Names: namesTyped(c.form.value("for")), Roots: app.KnownRoots(network).With(more...), AssumeTrusted: trusted}
	if bundle != nil {
		return with(app.CheckFile(c.r.Context(), network, name, bundle, criteria))
	}
	target, err := handshake.ParseTarget(host)
	if err != nil {
		return nil, app.Usage("host=HOST, or host=HOST:PORT", "%s: %s", host, err)
	}
	value, _, f := a.CheckHost(c.r.Context(), network, target, criteria)
	if err := c.r.Context().Err(); err != nil {
		return nil, err
	}
	return with(value, f)
}

func (c *call) history() (any, error) {
	runs, err := c.options.App.Runs(c.r.Context())
	return app.NotNull(runs), err
}

// run is what was written down of a run, or what this program knows of its end when
// the journal could not take it.
func (c *call) run() (any, error) {
	run, err := c.options.App.WholeRun(c.r.Context(), c.r.PathValue("run"))
	if err != nil {
		return nil, err
	}
	run, unwritten := endOf(run, liveRun{work: c.workOfRun(run.ID)})
	if unwritten {
		c.Note(app.NoteWarning, "the end of run "+run.ID+" could not be written down; it is known only as long as this program runs")
	}
	return run, nil
}

func (c *call) evidenceList() (any, error) { return c.options.App.EvidenceRows(c.r.Context()) }

// evidenceFile is the file byte by byte as it was written: its signature is of that.
func (c *call) evidenceFile() (any, error) {
	held, _, err := c.evidenceOfRun(c.r)
	if err != nil {
		return nil, err
	}
	c.w.Header().Set("Content-Type", "application/json")
	_, _ = c.w.Write(held.Data) // nobody is left to be told
	return nil, nil
}
