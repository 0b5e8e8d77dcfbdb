package shape

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Of is the shape of what was observed. roots are the authorities that clients
// and ArcGIS know by themselves. Nothing is read for it.
func Of(state rotation.State, roots *pki.Roots) (Shape, error) {
	if state.Gateway == nil {
		return Shape{}, errors.New("a deployment without an Application Gateway has no shape to rehearse with")
	}
	c := &collection{roots: roots}
	s := Shape{
		Format: Format, At: state.At.UTC(), Cloud: state.Cloud, Subscription: state.Gateway.SubscriptionID(),
		Deployment: record(state.Deployment, state.Gateway), Way: string(state.Way), Health: slices.Clone(state.Backends),
		Entries: []Entry{}, Roots: []Entry{}, Addresses: []Address{}, Listeners: []Listener{}, Served: []Served{}, Machines: []Machine{},
	}
	for _, entry := range state.Gateway.Certificates() {
		s.Entries = append(s.Entries, Entry{Name: entry.Name, Chain: c.chain(entry.Chain), Vault: entry.KeyVaultSecretID})
		if len(entry.Chain) == 0 {
			s.Unread = append(s.Unread, "certificate entry "+entry.Name+" of the gateway: Azure does not tell which certificate it is")
		}
	}
	for _, root := range state.Gateway.TrustedRoots() {
		s.Roots = append(s.Roots, Entry{Name: root.Name, Chain: c.chain(root.Chain), Vault: root.KeyVaultSecretID})
	}
	s.takeListeners(state)
	for _, seen := range state.Wire {
		s.Served = append(s.Served, Served{Target: seen.Target, Address: seen.Address, ServerName: seen.ServerName, Protocol: seen.Protocol, Chain: c.chain(seen.Chain), Failure: seen.FailureCode})
	}
	for _, vaulted := range state.Vaulted {
		s.Vaults = append(s.Vaults, vaultOf(vaulted, c))
		if vaulted.Trouble != "" {
			s.Unread = append(s.Unread, vaulted.String())
		}
	}
	for _, f := range state.Sites.Federation {
		s.Federated = append(s.Federated, federated(f.Server))
	}
	s.takeMachines(state, c)
	c.link()
	s.Certificates = c.list
	s.Gateway, s.LeftOut = withoutSecrets(state.Gateway.Document())
	for i := range s.Health {
		s.Health[i].Log = "" // free text
	}
	return s, nil
}

func federated(f arcgis.FederatedServer) Federated {
	return Federated{ID: f.ID, URL: f.URL, AdminURL: f.AdminURL, Role: f.Role, Function: f.Function, Type: f.Type, Hosting: f.Hosting}
}

func record(d deployment.Deployment, gateway *cloud.Gateway) Deployment {
	out := Deployment{
		ID: d.ID, Name: d.Name, Generation: d.Generation, GatewayID: cmp.Or(d.GatewayID, gateway.ID()), Domain: d.Domain, Secondary: d.SecondaryDomain,
		OtherNames: d.OtherNames, Given: d.GivenNames, Alone: d.Alone, Shared: d.SharedWith, Version: d.Version, Prefix: d.Prefix,
		ResourceGroup: gateway.ResourceGroup(), Location: cmp.Or(d.Location, gateway.Location()),
		ServerContext: d.ServerContext, PortalContext: d.PortalContext, SecondContext: d.SecondContext, ServerRole: d.ServerRole,
		Stores: d.DataStoreTypes, Sites: d.Sites, Enterprise: d.Record["enterprise"], Ingress: d.Record["ingress"], Storage: d.Storage,
	}
	for _, problem := range d.Problems {
		out.Problems = append(out.Problems, problem.Code)
	}
	return out
}

// takeListeners takes the deployment's listeners, and the public addresses of
// all frontends of the gateway as far as somebody told them.
func (s *Shape) takeListeners(state rotation.State) {
	byFrontend := map[string]string{} // id of the public address to the address
	for _, own := range state.Listeners {
		listener, _ := state.Gateway.Listener(own.Name)
		s.Listeners = append(s.Listeners, Listener{Name: own.Name, Entry: own.Entry, Names: own.Names, Port: own.Port, Addresses: own.Addresses, Private: listener.Private})
		if listener.PublicIPID != "" && len(own.Addresses) > 0 {
			byFrontend[listener.PublicIPID] = own.Addresses[0]
		}
	}
	// Discovery saw the frontends of all HTTPS listeners, in this order.
	seen := map[string]bool{}
	i := 0
	for _, listener := range state.Gateway.HTTPSListeners() {
		if key := strings.ToLower(listener.FrontendName); key != "" && !seen[key] {
			seen[key] = true
			if i < len(state.Deployment.Addresses) {
				address := state.Deployment.Addresses[i]
				if ip := cmp.Or(byFrontend[listener.PublicIPID], address.IP); listener.PublicIPID != "" && ip != "" {
					s.Addresses = append(s.Addresses, Address{ID: listener.PublicIPID, IP: ip, Name: address.Name})
				}
			}
			i++
		}
	}
}

func vaultOf(v rotation.Vaulted, c *collection) Vault {
	out := Vault{Vault: v.Vault, ID: v.VaultID, Name: v.Name, Version: v.Version, Roles: v.Roles, Closed: v.Closed, Missing: len(v.Versions) == 0 && v.Trouble == "", Readers: []Reader{}}
	if leaf := v.Leaf(); leaf != nil {
		out.Newest = c.add(leaf)
	}
	out.Secret = v.PlainSecret()
	for _, reader := range v.Readers {
		out.Readers = append(out.Readers, Reader{Identity: reader.Identity, May: string(reader.May)})
	}
	return out
}

// takeMachines takes what the record says of machines and what was seen there.
func (s *Shape) takeMachines(state rotation.State, c *collection) {
	looked := map[string]rotation.Machine{}
	for _, m := range state.Machines {
		looked[strings.ToLower(m.ID+" "+m.Host)] = m
	}
	for _, place := range state.Places() {
		m := Machine{ID: place.ID, Name: place.Name, Host: place.Host, OS: place.OS, Site: place.Site, Roles: append([]string{}, place.Roles...), Off: place.Off != "", Components: []Component{}}
		for _, vm := range state.Deployment.Machines {
			if cloud.SameID(vm.ID, place.ID) {
				m.DeploymentID, m.Interfaces = vm.DeploymentID, vm.Interfaces
			}
		}
		for _, component := range place.Components {
			m.Components = append(m.Components, Component{Product: component.Product, Port: component.Port, Context: component.Context})
		}
		if seen, ok := looked[strings.ToLower(place.ID+" "+place.Host)]; ok {
			m.look(seen, c)
			if seen.Trouble != "" {
				s.Unread = append(s.Unread, fmt.Sprintf("machine %s: it could not be looked at", m.Name))
			}
		}
		s.Machines = append(s.Machines, m)
	}
}

// look takes what was seen at a machine.
func (m *Machine) look(seen rotation.Machine, c *collection) {
	m.Off = m.Off || seen.Off != ""
	if seen.Report == nil {
		return
	}
	m.Looked = true
	for _, part := range seen.Report.Components {
		i := slices.IndexFunc(m.Components, func(known Component) bool { return known.Port == part.Port })
		if i < 0 {
			continue
		}
		own := &m.Components[i]
		own.Chain, own.Version, own.Role, own.Healthy, own.Alias = c.parsed(part.Chain), part.Version, part.Role, part.Healthy, part.Alias
		own.Settings, own.Stores = publicSettings(part.Settings), part.Stores
		for _, entry := range part.Entries {
			own.Keystore = append(own.Keystore, Held{Alias: entry.Alias, Trusted: entry.Trusted, Certificate: c.held(entry)})
		}
		for _, f := range part.Federated {
			own.Federated = append(own.Federated, federated(f))
		}
	}
}
