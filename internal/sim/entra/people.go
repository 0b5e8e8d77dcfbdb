package entra

import "strings"

// Person is somebody who signs in with a name and a password.
type Person struct {
	Name     string // "Ada Example"
	User     string // the sign-in name: ada@contoso.onmicrosoft.com
	Password string
	ObjectID string // in the home tenant
	Home     string // id of the home tenant
	// Guest are the tenants that invited the person: its object id there, by
	// tenant id.
	Guest map[string]string
}

// objectIn is the person's object id in a tenant; a guest has another one in
// each.
func (p *Person) objectIn(tenant string) (id string, member bool) {
	if strings.EqualFold(tenant, p.Home) {
		return p.ObjectID, true
	}
	id, member = p.Guest[tenant]
	return id, member
}

// Application is a client that may sign in: a service principal with a secret
// of its own, or, when Public, a program that people sign in through.
type Application struct {
	ClientID, ObjectID string // GUIDs
	Name               string
	Secret             string
	Certificates       []Certificate
	Federated          []Federated
	// Public clients have no secret. Redirects are where their codes may be
	// sent; on a loopback address any port will do.
	Public    bool
	Redirects []string
	family    bool // refresh tokens are good for the whole family
}

// firstParty are public clients of Microsoft's own that every tenant knows.
// Source: Microsoft, "Application IDs of commonly used Microsoft applications";
// the redirect addresses as Azure CLI, Azure PowerShell and MSAL use them.
var firstParty = []Application{
	{ClientID: "04b07795-8ddb-461a-bbee-02f9e1bf7b46", Name: "Microsoft Azure CLI", Public: true, family: true,
		Redirects: []string{"http://localhost", "https://{login}/common/oauth2/nativeclient"}},
	{ClientID: "1950a258-227b-4e31-a9cf-717495945fc2", Name: "Microsoft Azure PowerShell", Public: true, family: true,
		Redirects: []string{"http://localhost", "https://{login}/common/oauth2/nativeclient"}},
}

// everyTenant are the names in a path that leave the tenant to the person.
var everyTenant = map[string]bool{"common": true, "organizations": true}

// person finds a person by sign-in name.
func (s *Server) person(user string) *Person {
	for _, p := range s.options.People {
		if strings.EqualFold(p.User, strings.TrimSpace(user)) {
			return &p
		}
	}
	return nil
}

// TenantsOf are the ids of all tenants that a caller is in: of a person the
// home and those it is a guest in, of a program one.
func (s *Server) TenantsOf(caller Caller) []string {
	for _, p := range s.options.People {
		if id, member := p.objectIn(caller.Tenant); !member || id != caller.ObjectID {
			continue
		}
		ids := []string{p.Home}
		for tenant := range p.Guest {
			ids = append(ids, tenant)
		}
		return ids
	}
	return []string{caller.Tenant}
}

// application finds a client by its id in the tenant that a path names.
func (s *Server) application(tenantName, id string) (Application, *failure) {
	var in Tenant
	for _, tenant := range s.options.Tenants {
		if !everyTenant[tenantName] && !tenant.is(tenantName) {
			continue
		}
		in = tenant
		for _, application := range tenant.Applications {
			if strings.EqualFold(application.ClientID, id) {
				return s.withCertificates(application), nil
			}
		}
	}
	if in.ID == "" {
		return Application{}, unknownTenant(tenantName)
	}
	for _, application := range firstParty {
		if strings.EqualFold(application.ClientID, id) {
			return application, nil
		}
	}
	return Application{}, unknownApplication(id, in)
}

// tenantFor is the tenant that a person signs in to: the one of the path, or
// its own.
func (s *Server) tenantFor(p *Person, name string, application Application) (Tenant, *failure) {
	if everyTenant[name] {
		name = p.Home
	}
	tenant, ok := s.tenant(name)
	if !ok {
		return Tenant{}, unknownTenant(name)
	}
	if _, member := p.objectIn(tenant.ID); !member {
		return Tenant{}, problem("invalid_grant", 50020, "User account '%s' from identity provider '%s%s/' does not exist in tenant '%s' and cannot access the application '%s'(%s) in that tenant. "+
			"The account needs to be added as an external user in the tenant first. Sign out and sign in again with a different Azure Active Directory user account.",
			p.User, s.options.Issuer, p.Home, tenant.Name, application.ClientID, application.Name)
	}
	return tenant, nil
}
