package sim

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
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
	Location     string
	Deployments  []deployment
	Neighbours   []neighbour
}

// directory is a tenant. The subscriptions of the first stand outside of it.
type directory struct {
	Name, Domain  string
	Subscriptions []string
}

// deployment is a base deployment of Cloud Builder, V2.
type deployment struct {
	Prefix, Group, Version string
	Subscription           string // name; "" is the first
	Domain, Secondary      string
	Gateway                string
	// The gateway's addresses. With a public one, that is the entry; with a
	// private one alone, the entry is inside the virtual network only.
	Public, Private string
	UnusedPublic    string   `yaml:"unused-public"` // public address that no listener uses
	CA              string   // who issued the certificate: "" is a public authority, private the company's own
	DataStores      []string `yaml:"data-stores"`
	Storage         string   // storage account, or ""
	Machines        []machine
	Sites           []federated
}

type machine struct {
	Name    string
	Roles   []string // as the tag arcgis-vm-roles has them
	Address string   // inside the virtual network
}

// federated is a server site that shares the base deployment's gateway.
type federated struct {
	Role, Prefix, Group, Context string
	Functions                    []string
	Machines                     []machine
}

// neighbour is something that discovery meets and nobody updates: kind v1 or
// half-tagged.
type neighbour struct {
	Kind, Prefix, Group, Version, Domain, Gateway, Public string
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
	var l layout
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&l); err != nil {
		return nil, fmt.Errorf("world %s: %w", name, err)
	}
	if l.Subscription != "" {
		l.Subscriptions = append([]string{l.Subscription}, l.Subscriptions...)
	}
	if len(l.Subscriptions) == 0 {
		return nil, fmt.Errorf("world %s has no subscription", name)
	}
	return &l, nil
}

// with are the machines that have a role.
func with(machines []machine, role string) []machine {
	return slices.DeleteFunc(slices.Clone(machines), func(m machine) bool { return !slices.Contains(m.Roles, role) })
}
