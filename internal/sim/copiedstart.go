package sim

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"html"
	"net"
	"net/http"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

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
