package web

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// The sign-in has pages of its own, and the same ones as the first three steps of
// the wizard, under its path.

func (s *Server) signInRoutes() {
	for _, base := range []string{"", "/renew/{wizard}"} {
		s.handle("GET "+base+"/sign-in", s.showSignIn)
		s.handle("POST "+base+"/sign-in", s.signIn)
		s.handle("GET "+base+"/sign-in/{work}", s.showSigningIn)
		s.handle("GET "+base+"/sign-in/{work}/events", s.signInEvents)
		s.handle("POST "+base+"/sign-in/{work}/cancel", s.cancelSignIn)
		s.handle("GET "+base+"/tenant", s.showTenants)
		s.handle("POST "+base+"/tenant", s.chooseTenant)
		s.handle("GET "+base+"/subscription", s.showSubscriptions)
		s.handle("POST "+base+"/subscription", s.chooseSubscriptions)
	}
	s.handle("POST /sign-out", s.signOut)
}

// place is where a page of the sign-in is: in a renewal, or by itself.
type place struct {
	base    string
	renewal *wizard.Renewal
	// then is the page that follows when one has signed in.
	then string
}

func (s *Server) placeOf(r *http.Request) place {
	id := r.PathValue("wizard")
	if id == "" {
		return place{then: ownPath(r.FormValue("then"))}
	}
	p := place{base: "/renew/" + id}
	p.renewal, _ = s.renewals.Find(id)
	p.then = p.base
	return p
}

// ownPath is a path of these pages, "/" for anything else: nobody is led away.
func ownPath(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}

// leadToSignIn leads to the page of signing in, which leads back.
func leadToSignIn(w http.ResponseWriter, r *http.Request, then string) error {
	return leadTo(w, r, place{then: then}.to("/sign-in"))
}

// to is another page of the sign-in, from here.
func (p place) to(page string) string {
	if p.renewal == nil && p.then != "/" {
		page += "?" + url.Values{"then": {p.then}}.Encode()
	}
	return p.base + page
}

func (s *Server) stepAt(p place, at wizard.Step) step {
	if p.renewal == nil {
		return step{}
	}
	p.renewal.Lock()
	defer p.renewal.Unlock()
	s.answerSignIn(p.renewal)
	return s.stepOf(p.renewal, at)
}

// showSignIn says who is signed in, and asks how to sign in.
func (s *Server) showSignIn(w http.ResponseWriter, r *http.Request) error {
	return s.writeSignIn(w, r, http.StatusOK, nil, app.SignInAsked{})
}

// writeSignIn writes the form as it was filled in before, if it was.
func (s *Server) writeSignIn(w http.ResponseWriter, r *http.Request, status int, notice *pages.Notice, typed app.SignInAsked) error {
	p := s.placeOf(r)
	page := signInPage{step: s.stepAt(p, wizard.SignIn), Onward: p.then, OnwardText: "To the deployments", TenantTyped: typed.Tenant, IdentityTyped: typed.ManagedIdentity}
	if p.renewal != nil {
		page.OnwardText = "Go on with the renewal"
	} else if p.then != "/" {
		page.Then, page.OnwardText = p.then, "Go on"
	}
	if s.options.World != "" {
		page.Notice = &pages.Notice{Kind: "info", Title: "The sign-in is simulated, too", Text: "Cartouche is signed in to this world already. Its people sign in on a simulated page of Microsoft’s, which your browser does not find: it would ask the real Microsoft, who does not know them."}
	}
	if notice != nil {
		page.Notice = notice
	}
	chosenCloud := typed.Cloud
	login, err := s.login(r.Context())
	switch {
	case err == nil:
		page.Person, page.Cloud, page.Tenant, page.Subscriptions = who(login), cloudTitle(login.In), app.TenantTitle(login.Tenant), subscriptionsTitle(login)
		page.How, page.MaySignOut = wayTitle(login.Choice.Options.Kind), login.Choice.Options.Kind.OfPerson()
		chosenCloud = cmp.Or(chosenCloud, login.In.Name)
	case notice == nil && !isNotSignedIn(err):
		f := app.Explain(err)
		page.Notice = &pages.Notice{Kind: "warning", Title: "The kept sign-in cannot be used", Text: pages.Sentences(f.Message)}
	}
	if chosenCloud == "" {
		if in, err := s.options.App.CloudNamed("", ""); err == nil {
			chosenCloud = in.Name
		}
	}
	page.Clouds = chosenAmong(clouds, among(clouds, chosenCloud))
	page.Ways = chosenAmong(s.ways(), among(ways, typed.How))
	return s.write(w, status, "sign-in", pages.Page{Title: "Sign in", Data: page})
}

// ways are those that make sense for somebody at a browser.
var ways = []option{
	{Value: string(cloud.Browser), Text: "In the browser of this computer", Hint: "Microsoft’s page opens in a new tab."},
	{Value: string(cloud.DeviceCode), Text: "With a code", Hint: "You type it in a browser, on any computer or phone."},
	{Value: string(cloud.AzureCLI), Text: "As Azure CLI is signed in", Hint: "You have used az login on this computer."},
	{Value: string(cloud.ServicePrincipal), Text: "As a service principal", Hint: "Its id and secret are in environment variables."},
	{Value: string(cloud.ManagedIdentity), Text: "As the managed identity of this machine", Hint: "On a machine in Azure."},
}

func (s *Server) ways() []option {
	list := make([]option, len(ways))
	copy(list, ways)
	if kind, _, err := s.options.App.ChooseKind(app.SignInAsked{}); err != nil || kind != cloud.ServicePrincipal {
		for i := range list {
			if list[i].Value == string(cloud.ServicePrincipal) {
				list[i].Refused = "Set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH) first, and start again."
			}
		}
	}
	return list
}

func wayTitle(kind cloud.SignInKind) string {
	for _, w := range ways {
		if w.Value == string(kind) {
			return w.Text
		}
	}
	return string(kind)
}

// signOut forgets the sign-in, here and in the keychain.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := s.mayChange(); err != nil {
		return err
	}
	if _, _, err := s.options.App.SignOut(r.Context()); err != nil {
		return err
	}
	s.enter(nil)
	return leadTo(w, r, "/sign-in")
}
