package rehearsal

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/shape"
)

type tree = map[string]any

// Copy is the file of a world that is made of a shape, for sim.Options.File.
type Copy struct {
	File []byte
	// Missing says what of the deployment the world cannot stand in for.
	Missing []string
}

// CopyOf makes a world's file of a shape. real are certificates that are to be
// themselves in keystores, gateway and vaults that have them, in place of others
// that look like them: those of the file that is to be rolled out, its leaf
// first. The world needs the leaf's key: sim.Options.Keys.
func CopyOf(s shape.Shape, real ...*x509.Certificate) (Copy, error) {
	gateway, err := cloud.ParseGateway(cloud.Document(s.Gateway))
	if err != nil {
		return Copy{}, err
	}
	in, err := cloud.ByName(s.Cloud)
	if err != nil {
		return Copy{}, err
	}
	c := &copier{shape: s, gateway: gateway, certificates: map[string]shape.Certificate{}, real: real, addresses: map[string]string{}, subscriptions: map[string]string{}, have: map[string]bool{}}
	for _, certificate := range s.Certificates {
		c.certificates[certificate.ID] = certificate
		c.likenesses = append(c.likenesses, c.likenessOf(certificate))
	}
	c.missing(s.Unread...)
	file, err := c.world(in)
	if err != nil {
		return Copy{}, err
	}
	text, err := json.Marshal(file) // which is YAML, too
	slices.Sort(c.gaps)
	return Copy{File: text, Missing: slices.Compact(c.gaps)}, err
}

// copier makes one world.
type copier struct {
	shape         shape.Shape
	gateway       *cloud.Gateway
	certificates  map[string]shape.Certificate
	real          []*x509.Certificate
	likenesses    []any
	gaps          []string
	addresses     map[string]string // of machines, by lower-case host
	subscriptions map[string]string // names by id
	have          map[string]bool   // ids of documents, lower-case
	resources     []any
	groups        []string
	made          int
	authority     string // the id of a root for what public authorities issued
}

func (c *copier) missing(sentences ...string) { c.gaps = append(c.gaps, sentences...) }

func (c *copier) world(in cloud.Cloud) (tree, error) {
	s, d := c.shape, c.shape.Deployment
	c.subscription(s.Subscription)
	c.addGroup(d.GatewayID)
	c.addPublicAddresses()
	copied := tree{"gateway": c.document()}
	machines := c.machines()
	copied["sites"] = c.sites()
	copied["webs"] = c.webs()
	vaults, identities := c.vaults()
	entries, err := c.entries()
	if err != nil {
		return nil, err
	}
	copied["entries"], copied["roots"], copied["names"] = entries, c.roots(), c.names()
	var own []string
	for _, id := range c.gateway.IdentityIDs() {
		own = append(own, c.identityName(id))
	}
	copied["identities"], copied["serving"] = own, c.externalLeaf()
	c.addZones()
	c.addStorage(in)
	c.addLinked()
	copied["resources"], copied["groups"] = c.resources, c.groups
	one := tree{"kind": "copy", "prefix": cmp.Or(d.Prefix, d.Name, "copy"), "group": c.gateway.ResourceGroup(), "gateway": c.gateway.Name(), "version": versionOf(d.Version),
		"domain": d.Domain, "secondary": d.Secondary, "machines": machines, "copy": copied}
	for _, listener := range s.Listeners {
		for _, address := range listener.Addresses {
			if key := map[bool]string{true: "private", false: "public"}[listener.Private]; one[key] == nil {
				one[key] = address
			}
		}
	}
	names, ids := []string{}, tree{}
	for id, name := range c.subscriptions {
		names, ids[name] = append(names, name), id
	}
	slices.Sort(names)
	return tree{"cloud": in.Name, "tenant": tree{"name": "Rehearsal", "domain": "rehearsal.onmicrosoft.com"}, "subscriptions": names, "subscription-ids": ids,
		"location": cmp.Or(d.Location, "westeurope"), "certificates": c.likenesses, "vaults": vaults, "identities": identities, "deployments": []any{one}}, nil
}

// subscription gives the name by which the world's file calls one.
func (c *copier) subscription(id string) string {
	key := strings.ToLower(id)
	if c.subscriptions[key] == "" {
		// The first is the gateway's: the world takes the first by name.
		c.subscriptions[key] = fmt.Sprintf("Subscription %d", len(c.subscriptions)+1)
	}
	return c.subscriptions[key]
}

// names are those that resolve, inside the virtual network only where nobody
// reached them from where the shape was taken.
func (c *copier) names() []any {
	list := []any{}
	for _, listener := range c.shape.Listeners {
		for _, name := range listener.Names {
			if strings.ContainsAny(name, "*?") {
				continue
			}
			unresolved := slices.ContainsFunc(c.shape.Served, func(served shape.Served) bool {
				return strings.EqualFold(served.Target, net.JoinHostPort(name, fmt.Sprint(listener.Port))) && served.Address == "" && len(served.Chain) == 0
			})
			for _, address := range listener.Addresses {
				list = append(list, tree{"name": name, "address": address, "inside": listener.Private || unresolved})
			}
		}
	}
	return list
}

func compactFold(list []string) []string {
	var out []string
	for _, one := range list {
		if !slices.ContainsFunc(out, func(known string) bool { return strings.EqualFold(known, one) }) {
			out = append(out, one)
		}
	}
	return out
}

// products are those that have sites of their own, and what else runs at their
// machines.
var products = map[machine.Product]string{machine.Portal: "portal", machine.Server: "server", machine.Notebook: "notebook", machine.Mission: "mission", machine.Video: "video", machine.DataStore: "datastore"}
