package sim

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed worlds/*.yaml
var worldFiles embed.FS

// layout is a world as its YAML file describes it.
type layout struct {
	Cloud  string // one of clouds; "" is public
	Tenant directory
	// Subscription is the name of the only one of the tenant; a file with
	// several has Subscriptions instead.
	Subscription  string
	Subscriptions []string
	// OtherTenants are those that the people of Tenant are guests in.
	OtherTenants []directory `yaml:"other-tenants"`
	// People who sign in; a file without any has defaultPeople.
	People      []personFile
	Location    string
	Deployments []deployment
	Neighbours  []neighbour
	Vaults      []vaultFile
	Identities  []identityFile
	// SubscriptionIDs are ids by name, where they must be these; Certificates
	// are those that copies refer to.
	SubscriptionIDs map[string]string `yaml:"subscription-ids"`
	Certificates    []likeness
	// Issuer names the CA below the public root that issues the deployments'
	// certificates; "" is the authority's usual one.
	Issuer string
}

// directory is a tenant. The subscriptions of the first stand outside of it.
type directory struct {
	Name, Domain  string
	Subscriptions []string
}

// deployment is a base deployment of Cloud Builder, V2, or a server site that
// stands alone behind a gateway of its own.
type deployment struct {
	Kind                   string // "" is Cloud Builder's V2, or v1, gitops or copy
	Prefix, Group, Version string
	Subscription           string // name; "" is the first
	Domain, Secondary      string
	Gateway                string
	// The gateway's addresses. With a public one, that is the entry; with a
	// private one alone, the entry is inside the virtual network only.
	Public, Private string
	UnusedPublic    string     `yaml:"unused-public"` // public address that no listener uses
	Identity        string     // of the gateway: one of the world's identities
	Certificate     *reference // in a vault; nil: it is in the gateway itself
	CA              string     // who issued the certificate: "" is a public authority, private the company's own
	DataStores      []string   `yaml:"data-stores"`
	Internal        internal   // of the machines' own certificates
	Storage         string     // storage account, or ""
	Machines        []machine
	Sites           []serverSite
	Listeners       []listener
	// Ingress and Base are ids of Esri's Terraform modules.
	Ingress, Base string
	// Role and Context of a server site that stands alone; "" for a base deployment.
	Role, Context string
	Copy          *copied
	// Tags are on the gateway beside the record, or instead of a part of it:
	// whoever may write tags may write anything.
	Tags map[string]string
}

type machine struct {
	Name    string
	Roles   []string // as the tag arcgis-vm-roles has them
	Address string   // inside the virtual network
	// Of a copy: its full name, its resource id, "linux" or "windows", and that
	// it does not run.
	FQDN, ID, OS string
	Off          bool
}

// serverSite is a server site behind a gateway: federated with the portal of
// the deployment, or standing alone.
type serverSite struct {
	Role, Prefix, Group, Context string
	GeoEvent                     string // second context of a GeoEvent Server
	WebAdaptor                   bool   `yaml:"web-adaptor"` // of a Notebook Server, in IIS
	StandAlone                   bool   `yaml:"stand-alone"`
	Functions                    []string
	Machines                     []machine
}

// internal is how the machines of a deployment stand among themselves.
type internal struct {
	// Days are left of the certificates that were made with the deployment, and
	// StoreDays of those of the Data Store; 0 is five years, less than 0 expired.
	Days      int
	StoreDays int `yaml:"store-days"`
	// Aliases of the portal's machines, where somebody gave each another one.
	Aliases []string
	// Direct federation has an administration URL that names a machine and its
	// port; the portal then trusts that machine's certificate.
	Direct bool
	// Leftover is an alias that a run which died left in every keystore.
	Leftover string
	// NextCA issued the renewed certificate, when it is not the one before:
	// private is the company's own authority, which no machine has seen.
	NextCA string `yaml:"next-ca"`
	// Protocol and HSTS of the Servers: Cloud Builder leaves HTTP_AND_HTTPS.
	Protocol string
	HSTS     bool
}

// section is how names of a site's parts of the gateway go on.
// Source: Esri/arcgis-azure-templates, Releases/11.4/Templates/gisserver.json, securityTagOption.
func (s serverSite) section() string {
	if s.StandAlone {
		return "StandAlone"
	}
	return "Federated"
}

// neighbour is something else that discovery meets: kind v1, half-tagged, or
// bare, which is a gateway without any tags in front of a plain web site.
type neighbour struct {
	Kind, Prefix, Group, Version, Domain, Gateway, Public string
	Web                                                   string // address of the web server
}

// Worlds lists the names that Options.World may have.
func Worlds() []string {
	entries, _ := worldFiles.ReadDir("worlds")
	var names []string
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), ".yaml"))
	}
	slices.Sort(names)
	return names
}

func readLayout(name string) (*layout, error) {
	if !slices.Contains(Worlds(), name) {
		return nil, fmt.Errorf("there is no world %q: there are %s", name, strings.Join(Worlds(), ", "))
	}
	text, err := worldFiles.ReadFile("worlds/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("world %s: %w", name, err)
	}
	return parseLayout(text)
}

// with are the machines that have a role.
func with(machines []machine, role string) []machine {
	return slices.DeleteFunc(slices.Clone(machines), func(m machine) bool { return !slices.Contains(m.Roles, role) })
}
