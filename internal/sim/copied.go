package sim

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"html"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

// kindCopy is a deployment that stands in for one that exists: its documents
// are given as Resource Manager showed them, its certificates as they looked.
const kindCopy = "copy"

// likeness is a certificate as a world's file describes it: another like it is
// made, or, where its public part is given and nobody needs its key, itself.
type likeness struct {
	ID           string
	CommonName   string `yaml:"common-name"`
	Organization string
	Subject      string // DER in base64, instead of these
	Names        []string
	Key          string
	From, Until  time.Time
	CA           bool
	Issuer       string // id; its own when self-signed
	Known        bool   // clients and ArcGIS know this root
	Fetchable    bool
	DER          string // base64
}

// copied is what a copy has instead of what Cloud Builder's rules would make.
type copied struct {
	// Gateway is the document, without certificates. Entries and Roots are
	// those of its sslCertificates and trustedRootCertificates.
	Gateway        tree
	Entries, Roots []copiedEntry
	// Resources are further documents, Groups the resource groups.
	Resources []tree
	Groups    []string
	Names     []copiedName
	Sites     []copiedSite
	Webs      []copiedWeb
	// Serving is what the first listener serves: a renewal is like it.
	Serving string
	// Identities are those of the gateway, by name of this file.
	Identities []string
}

// copiedEntry is a certificate of the gateway: one that it has itself, or one
// in a vault of the world.
type copiedEntry struct {
	Name      string
	Chain     []string // ids, the leaf first
	Vault     string
	Secret    string // name in the vault
	Versioned bool
}

// copiedName is a DNS name.
type copiedName struct {
	Name, Address string
	Inside        bool
}

// copiedSite is one site of ArcGIS software.
type copiedSite struct {
	Product, Version, Host, Context string
	Also                            []int
	StoreTypes                      []string `yaml:"store-types"`
	Security                        map[string]string
	Federated                       []copiedFederated
	// WithPortal tells that the copy's portal knows the site.
	WithPortal bool   `yaml:"with-portal"`
	Pinned     string // the external leaf in the keystores, as Cloud Builder puts it
	Adaptor    string
	Machines   []copiedMachine
}

type copiedFederated struct {
	ID, URL        string
	AdminURL       string `yaml:"admin-url"`
	Role, Function string
	Type           string
	Hosting        bool
}

// copiedMachine is a machine in a site, by its name inside the network.
type copiedMachine struct {
	Host, Role, Alias string
	Names             []string
	Chain             []string
	Keystore          []copiedHeld
}

type copiedHeld struct {
	Alias       string
	Trusted     bool
	Certificate string
}

// copiedWeb is a server behind the gateway that is none of ArcGIS': with TLS
// where it has a chain.
type copiedWeb struct {
	Host  string
	Port  int
	Chain []string
}

// makeLikenesses makes the certificates that the file describes, issuers first.
func (w *World) makeLikenesses() error {
	w.likenesses = map[string]*authority.Issuer{}
	w.given = map[string]*x509.Certificate{}
	byID := map[string]*likeness{}
	for i := range w.layout.Certificates {
		l := &w.layout.Certificates[i]
		if l.ID == "" || byID[l.ID] != nil {
			return fmt.Errorf("two certificates have the id %q", l.ID)
		}
		byID[l.ID] = l
	}
	left := len(byID)
	for left > 0 {
		var work errgroup.Group
		made := make([]*authority.Issuer, len(w.layout.Certificates))
		for i := range w.layout.Certificates {
			l := &w.layout.Certificates[i]
			if w.likenesses[l.ID] != nil || w.given[l.ID] != nil {
				continue
			}
			if l.DER != "" {
				der, err := base64.StdEncoding.DecodeString(l.DER)
				if err != nil {
					return fmt.Errorf("certificate %s: %w", l.ID, err)
				}
				if w.given[l.ID], err = x509.ParseCertificate(der); err != nil {
					return fmt.Errorf("certificate %s: %w", l.ID, err)
				}
				continue
			}
			var issuer *authority.Issuer
			if l.Issuer != l.ID && l.Issuer != "" {
				if issuer = w.likenesses[l.Issuer]; issuer == nil {
					continue // in a later round
				}
			}
			subject, err := base64.StdEncoding.DecodeString(l.Subject)
			if err != nil {
				return fmt.Errorf("certificate %s: %w", l.ID, err)
			}
			work.Go(func() (err error) {
				made[i], err = w.authority.Like(authority.Likeness{CommonName: l.CommonName, Organization: l.Organization, Subject: subject, Names: l.Names, Key: l.Key,
					NotBefore: l.From, NotAfter: l.Until, CA: l.CA, Fetchable: l.Fetchable}, issuer)
				return err
			})
		}
		if err := work.Wait(); err != nil {
			return err
		}
		for i, one := range made {
			if one != nil {
				w.likenesses[w.layout.Certificates[i].ID] = one
			}
		}
		remaining := len(byID) - len(w.likenesses) - len(w.given)
		if remaining == left {
			return fmt.Errorf("the issuers of %d certificates lead nowhere", left)
		}
		left = remaining
	}
	for _, l := range w.layout.Certificates {
		if l.Known {
			w.options.ExtraRoots = append(w.options.ExtraRoots, w.public(l.ID).Raw)
		}
	}
	return nil
}

// public is a certificate of the file, nil when there is none.
func (w *World) public(id string) *x509.Certificate {
	if made := w.likenesses[id]; made != nil {
		return made.Certificate
	}
	return w.given[id]
}

// renewedAs are the names and the issuer of a copy's renewed certificate: those
// of the one that it serves.
func (w *World) renewedAs(c *copied) (names []string, via *authority.Issuer) {
	serving := w.likenesses[c.Serving]
	if serving == nil {
		return nil, nil
	}
	return serving.Certificate.DNSNames, serving.Parent
}

// pair is a certificate of the file with its key and what is sent with it.
func (w *World) pair(chain []string) (*authority.Issued, error) {
	if len(chain) == 0 {
		return nil, fmt.Errorf("there is no certificate with a key for %q", chain)
	}
	leaf, key := w.given[chain[0]], w.keyOf(w.given[chain[0]])
	if made := w.likenesses[chain[0]]; made != nil {
		leaf, key = made.Certificate, made.Issued().Key
	}
	if key == nil {
		return nil, fmt.Errorf("there is no certificate with a key for %q", chain)
	}
	var rest []*x509.Certificate
	for _, id := range chain[1:] {
		one := w.public(id)
		if one == nil {
			return nil, fmt.Errorf("there is no certificate %q", id)
		}
		rest = append(rest, one)
	}
	return &authority.Issued{Leaf: leaf, Chain: rest, Key: key}, nil
}

// keyOf is the key of a certificate that the file gives, where whoever started
// the world has it, else nil.
func (w *World) keyOf(given *x509.Certificate) crypto.Signer {
	if given == nil {
		return nil
	}
	for _, key := range w.options.Keys {
		if public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); ok && public.Equal(given.PublicKey) {
			return key
		}
	}
	return nil
}

// startCopy brings a copy up.
func (w *World) startCopy(ctx context.Context, p place) error {
	for _, group := range p.Copy.Groups {
		w.addGroup(p.subscription, group)
	}
	if err := p.add(w.manager, p.Copy.Resources); err != nil {
		return err
	}
	for _, m := range p.Machines {
		w.manager.SetInstanceView(p.machineID("", m), instanceView())
		if m.Off {
			w.manager.SetPower(p.machineID("", m), "deallocated")
		}
	}
	for _, name := range p.Copy.Names {
		if name.Inside {
			w.ground.Inside.Name(name.Name, name.Address)
		} else {
			w.ground.Outside.Name(name.Name, name.Address)
		}
	}
	for _, m := range p.Machines {
		if net.ParseIP(m.FQDN) == nil {
			w.ground.Inside.Name(m.FQDN, m.Address)
		}
		if len(w.ground.Inside.Lookup(m.Name)) == 0 { // two may have one name
			w.ground.Inside.Name(m.Name, m.Address)
		}
	}
	if err := w.startCopiedSites(p); err != nil {
		return err
	}
	for _, web := range p.Copy.Webs {
		if err := w.startCopiedWeb(web); err != nil {
			return fmt.Errorf("server %s:%d: %w", web.Host, web.Port, err)
		}
	}
	document, err := w.copiedGateway(p)
	if err != nil {
		return err
	}
	plane := w.newPlane(p.Gateway)
	for _, der := range w.options.ExtraRoots {
		if root, err := x509.ParseCertificate(der); err == nil {
			plane.Options.WellKnown = append(plane.Options.WellKnown, root)
		}
	}
	return w.manager.AddGateway(ctx, document, plane)
}

// startCopiedSites starts the portal first, which the others know, and the Data
// Store before the Server that knows it.
func (w *World) startCopiedSites(p place) error {
	var portal, stores *site.Site
	var types []string
	start := func(c copiedSite) (*site.Site, error) {
		spec, err := w.copiedSpec(p, c)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", c.Product, c.Context, err)
		}
		if c.WithPortal {
			spec.Portal = portal
		}
		if c.Product == site.Server && c.StoreTypes != nil {
			spec.Stores, spec.StoreTypes = stores, types
		}
		started, err := site.Start(w.ground, spec)
		if err == nil {
			w.sites = append(w.sites, started)
		}
		return started, err
	}
	for _, first := range []string{site.Portal, site.DataStore} {
		for _, c := range p.Copy.Sites {
			if c.Product != first {
				continue
			}
			started, err := start(c)
			if err != nil {
				return err
			}
			if first == site.Portal {
				portal = started
			} else {
				stores, types = started, c.StoreTypes
			}
		}
	}
	for _, c := range p.Copy.Sites {
		if c.Product == site.Portal || c.Product == site.DataStore {
			continue
		}
		if _, err := start(c); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) copiedSpec(p place, c copiedSite) (site.Spec, error) {
	spec := site.Spec{
		Product: c.Product, Version: c.Version, Admin: w.identity.admin, Password: w.identity.adminPassword, PublicURL: "https://" + c.Host + "/" + c.Context,
		PublicRoots: w.publicRoots(), Options: w.options.Guesses.Sites, Also: c.Also, Security: c.Security, StoreTypes: c.StoreTypes, Adaptor: c.Adaptor, Key: w.options.Machines.Key,
	}
	if c.Pinned != "" {
		spec.ExternalLeaf = w.public(c.Pinned)
	}
	for _, f := range c.Federated {
		spec.Federated = append(spec.Federated, site.FederatedSpec{ID: f.ID, URL: f.URL, AdminURL: f.AdminURL, Role: f.Role, Function: f.Function, Hosting: f.Hosting, Type: f.Type})
	}
	for _, m := range c.Machines {
		one := site.MachineSpec{Name: m.Host, Role: m.Role, Names: m.Names, Alias: m.Alias, Keystore: map[string]tls.Certificate{}}
		if len(m.Chain) > 0 {
			issued, err := w.pair(m.Chain)
			if err != nil {
				return spec, err
			}
			pair := issued.TLS()
			one.Pair = &pair
		}
		for _, held := range m.Keystore {
			if held.Trusted {
				if trusted := w.public(held.Certificate); trusted != nil {
					one.Keystore[held.Alias] = tls.Certificate{Leaf: trusted}
				}
			} else if issued, err := w.pair([]string{held.Certificate}); err == nil {
				one.Keystore[held.Alias] = issued.TLS()
			}
		}
		for _, own := range p.Machines {
			if strings.EqualFold(own.FQDN, m.Host) && own.OS == "linux" {
				spec.Linux = true
			}
		}
		if c.Adaptor != "" {
			w.adaptors[strings.ToLower(m.Host)] = c.Adaptor
		}
		spec.Machines = append(spec.Machines, one)
	}
	return spec, nil
}

// startCopiedWeb stands in for a server of somebody else's.
func (w *World) startCopiedWeb(web copiedWeb) error {
	listening, err := w.ground.Inside.Listen(web.Host, web.Port)
	if err != nil {
		return err
	}
	server := w.server(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		answer.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(answer, "<title>%[1]s</title>\n<p>This stands in for %[1]s.</p>\n", html.EscapeString(web.Host))
	}))
	w.webs = append(w.webs, server)
	if len(web.Chain) == 0 {
		go func() { _ = server.Serve(listening) }()
		return nil
	}
	issued, err := w.pair(web.Chain)
	if err != nil {
		return err
	}
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{issued.TLS()}}
	go func() { _ = server.ServeTLS(listening, "", "") }()
	return nil
}

// copiedGateway is the gateway's document with the certificates that stand in.
func (w *World) copiedGateway(p place) (tree, error) {
	document := p.Copy.Gateway
	properties, _ := document["properties"].(tree)
	if properties == nil {
		return nil, fmt.Errorf("gateway %s has no properties", p.Gateway)
	}
	inside := func(collection, name string) tree {
		list, _ := properties[collection].([]any)
		for _, item := range list {
			child, _ := item.(tree)
			if text, _ := child["name"].(string); strings.EqualFold(text, name) {
				inner, ok := child["properties"].(tree)
				if !ok {
					inner = tree{}
					child["properties"] = inner
				}
				return inner
			}
		}
		return nil
	}
	for _, entry := range p.Copy.Entries {
		inner := inside("sslCertificates", entry.Name)
		if inner == nil {
			return nil, fmt.Errorf("gateway %s has no certificate entry %q", p.Gateway, entry.Name)
		}
		if entry.Vault != "" {
			id := "https://" + w.vault.Host(entry.Vault) + "/secrets/" + entry.Secret
			if versions := w.vault.Versions(entry.Vault, entry.Secret); entry.Versioned && len(versions) > 0 {
				id += "/" + versions[0]
			}
			inner["keyVaultSecretId"] = id
			continue
		}
		issued, err := w.pair(entry.Chain)
		if err != nil {
			return nil, fmt.Errorf("certificate entry %s: %w", entry.Name, err)
		}
		made, err := certificateEntry(entry.Name, issued)
		if err != nil {
			return nil, err
		}
		delete(inner, "keyVaultSecretId")
		for name, value := range made["properties"].(tree) {
			inner[name] = value
		}
	}
	for _, root := range p.Copy.Roots {
		inner := inside("trustedRootCertificates", root.Name)
		if inner == nil || len(root.Chain) == 0 || w.public(root.Chain[0]) == nil {
			return nil, fmt.Errorf("gateway %s has no trusted root %q", p.Gateway, root.Name)
		}
		delete(inner, "keyVaultSecretId")
		inner["data"] = base64.StdEncoding.EncodeToString(w.public(root.Chain[0]).Raw)
	}
	if len(p.Copy.Identities) > 0 {
		assigned := tree{}
		for _, name := range p.Copy.Identities {
			identity, ok := w.identityNamed(name)
			if !ok {
				return nil, fmt.Errorf("there is no identity %q", name)
			}
			id, _ := identity["id"].(string)
			ids := identity["properties"].(map[string]any)
			assigned[id] = tree{"principalId": ids["principalId"], "clientId": ids["clientId"]}
		}
		document["identity"] = tree{"type": "UserAssigned", "userAssignedIdentities": assigned}
	}
	return document, nil
}
