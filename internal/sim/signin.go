package sim

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/google/uuid"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/entra"
)

// personFile is somebody in a world file. Rights are operator ("" is that),
// reader or none.
type personFile struct{ User, Name, Rights string }

var defaultPeople = []personFile{
	{User: "gis.operator", Name: "Grace Operator", Rights: operator},
	{User: "gis.reader", Name: "Rita Reader", Rights: "reader"},
}

// settlePeople makes people, guests of all other tenants, and the machine on
// which clients run.
func (w *World) settlePeople() {
	files := w.layout.People
	if len(files) == 0 {
		files = defaultPeople
	}
	w.rights = map[string]string{}
	for _, file := range files {
		p := entra.Person{Name: file.Name, User: file.User + "@" + w.tenant.Domain, Password: rand.Text()[:16], ObjectID: uuid.NewString(), Home: w.tenant.ID, Guest: map[string]string{}}
		for _, other := range w.others {
			p.Guest[other.ID] = uuid.NewString()
		}
		w.people = append(w.people, p)
		w.rights[p.User] = cmp.Or(file.Rights, operator)
	}
	w.runners = []entra.Identity{{ClientID: uuid.NewString(), ObjectID: uuid.NewString(), Name: "jumpbox", Tenant: w.tenant}}
	w.appService = rand.Text()
	w.workload = &entra.Issuer{URL: "https://" + w.layout.Location + "." + workloadHost + "/" + w.tenant.ID + "/" + uuid.NewString() + "/", Now: w.ground.Clock.Now, Key: programKey}
	application := &w.tenant.Applications[0]
	application.Federated = []entra.Federated{{Issuer: w.workload.URL, Subject: workloadSubject, Audience: workloadAudience}}
	w.certificate = sync.OnceValues(func() (*authority.Issued, error) {
		issued, err := selfSigned(application.Name, w.ground.Clock.Now())
		if err == nil {
			w.entra.AddCertificate(application.ClientID, issued.Leaf)
		}
		return issued, err
	})
}

// The world's workload runs in a cluster of Azure Kubernetes Service.
// Source: Azure documentation, "Workload identity overview".
const (
	workloadHost     = "oic.prod-aks.azure.com"
	workloadSubject  = "system:serviceaccount:gis:cartouche"
	workloadAudience = "api://AzureADTokenExchange"
)

func (w *World) newEntra() (*entra.Server, error) {
	s, err := entra.New(entra.Options{Ground: w.ground, Host: w.cloud.Login, Aliases: w.cloud.LoginAliases, Device: w.cloud.Device,
		Tenants: append([]entra.Tenant{w.tenant}, w.others...), People: w.people, Issuers: []*entra.Issuer{w.workload},
		Resources: w.cloud.audiences(), Directory: w.cloud.MicrosoftGraph, Lifetime: w.options.TokenLifetime,
		Issuer: w.cloud.Issuer, Instance: w.cloud.Instance, Region: w.cloud.Region, Guesses: w.options.Guesses.SignIn})
	if err == nil {
		s.SetIdentities(w.runners...)
	}
	return s, err
}

// signInHosts are the names of the login endpoint, of the page for device
// codes, which leads there, and of the workload's issuer.
func (w *World) signInHosts() map[string]http.Handler {
	byHost := map[string]http.Handler{w.layout.Location + "." + workloadHost: w.workload}
	for _, host := range w.entra.Hosts() {
		byHost[host] = w.entra
	}
	if device, err := url.Parse(w.cloud.Device); err == nil {
		byHost[device.Host] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path != device.Path {
				http.NotFound(rw, r)
				return
			}
			http.Redirect(rw, r, "https://"+w.cloud.Login+devicePath, http.StatusFound)
		})
	}
	return byHost
}

// appServiceHost is where the token endpoint of App Service listens.
// guess: the address; there it is a variable, too.
const appServiceHost = "169.254.129.2"

// startMetadata brings up the token endpoints of managed identities, which are
// on plain HTTP. The metadata service knows its clients by the machine that they
// are on, and everybody on this computer is on ours: in a world that runs
// scripts there is none, or every user could have one run as us.
func (w *World) startMetadata() error {
	server := w.server(hosts{entra.MetadataHost: w.entra.Metadata(), appServiceHost: w.entra.AppService(w.appService)})
	w.webs = append(w.webs, server)
	ports := map[string]int{entra.MetadataHost: 80, appServiceHost: 8081}
	if w.options.Scripts {
		delete(ports, entra.MetadataHost)
	}
	for host, port := range ports {
		listener, err := w.ground.Outside.Listen(host, port)
		if err != nil {
			return err
		}
		go func() { _ = server.Serve(listener) }()
	}
	return nil
}

// peopleGrants are the rights of people; a guest reads the subscriptions of
// its hosts.
func (w *World) peopleGrants() []arm.Grant {
	var grants []arm.Grant
	for _, p := range w.people {
		switch w.rights[p.User] {
		case operator:
			grants = append(grants, w.operatorGrants(p.ObjectID)...)
		case "reader":
			for _, one := range w.subscriptions {
				if one.Tenant == w.tenant.ID {
					grants = append(grants, arm.RoleGrant(p.ObjectID, "/subscriptions/"+one.ID, "Reader"))
				}
			}
		}
		for _, one := range w.subscriptions {
			if guest := p.Guest[one.Tenant]; guest != "" {
				grants = append(grants, arm.RoleGrant(guest, "/subscriptions/"+one.ID, "Reader"))
			}
		}
	}
	for i := range grants {
		grants[i].PrincipalType = "User"
	}
	return grants
}

// People are those who can sign in: the first runs rotations, unless the world
// file says otherwise.
func (w *World) People() []entra.Person { return w.people }

// named are the people with these sign-in names; without names, all.
func (w *World) named(users []string) (people []entra.Person, objectIDs []string) {
	for _, p := range w.people {
		wanted := len(users) == 0
		for _, user := range users {
			wanted = wanted || user == p.User
		}
		if !wanted {
			continue
		}
		people, objectIDs = append(people, p), append(objectIDs, p.ObjectID)
		for _, guest := range p.Guest {
			objectIDs = append(objectIDs, guest)
		}
	}
	return people, objectIDs
}

// ExpireTokens ends all access tokens that people with these sign-in names
// have, without names those of everyone and everything.
func (w *World) ExpireTokens(users ...string) {
	_, objectIDs := w.named(users)
	if len(users) == 0 {
		objectIDs = nil
	}
	w.entra.ExpireTokens(objectIDs...)
}

// RevokeRefresh makes the refresh tokens of people worthless (AADSTS50173);
// without names, everyone's.
func (w *World) RevokeRefresh(users ...string) {
	people, _ := w.named(users)
	w.entra.RevokeRefresh(people...)
}

// LapseRefresh lets the refresh tokens of people expire (AADSTS700082).
func (w *World) LapseRefresh(users ...string) {
	people, _ := w.named(users)
	w.entra.LapseRefresh(people...)
}

// SetIdentities says which managed identities the machine has that clients run
// on; at first it has one, which is the machine's own.
func (w *World) SetIdentities(identities ...entra.Identity) { w.entra.SetIdentities(identities...) }

// Runners are the managed identities of the machine that clients run on: the
// machine's own, then those of the world file.
func (w *World) Runners() []entra.Identity { return w.runners }

// ClientCertificate is a certificate that the world's service principal may
// sign in with.
func (w *World) ClientCertificate() (*authority.Issued, error) { return w.certificate() }

// federatedToken is a token of the world's workload, as it would be in
// AZURE_FEDERATED_TOKEN_FILE.
func (w *World) federatedToken() (string, error) {
	token, err := w.workload.Mint(workloadSubject, workloadAudience, workloadLife)
	if err != nil {
		return "", fmt.Errorf("token of the workload: %w", err)
	}
	return token, nil
}
