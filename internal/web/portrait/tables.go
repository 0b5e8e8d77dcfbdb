package portrait

import (
	"crypto/x509"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/topology"
)

// Shown is a certificate in a cell: its name, where it is told about, its end.
type Shown struct {
	Name, Page string
	Due        Due
}

func (v view) shown(c *x509.Certificate) *Shown {
	return &Shown{topology.NameOf(c), v.page(pki.Fingerprint(c)), due(c.NotAfter, v.at)}
}

// Listener is a listener with what it is configured with.
type Listener struct {
	ID, Name, Names, At string
	Entry, Vault        string
	Configured          *Shown
	Served              []*Shown
	// Agrees tells that what was served is what is configured; Differs that
	// something else was. Neither is so when nothing is known.
	Agrees, Differs bool
}

func (v view) listeners() []Listener {
	var list []Listener
	for i, l := range v.State.Listeners {
		row := Listener{
			ID: topology.ListenerID(i), Name: l.Name, Names: strings.Join(l.Names, ", "), Entry: l.Entry, Vault: l.KeyVaultSecretID,
			At: strings.TrimSpace("port " + strconv.Itoa(l.Port) + " " + strings.Join(l.Addresses, ", ")),
		}
		entry, _ := v.State.Gateway.Certificate(l.Entry)
		if len(entry.Chain) > 0 {
			row.Configured = v.shown(entry.Chain[0])
		}
		for _, leaf := range topology.ServedBy(v.State, l) {
			row.Served = append(row.Served, v.shown(leaf))
			if row.Configured != nil && !leaf.Equal(entry.Chain[0]) {
				row.Differs = true
			}
		}
		row.Agrees = row.Configured != nil && len(row.Served) > 0 && !row.Differs
		list = append(list, row)
	}
	return list
}

// Handshake is what an endpoint served, wherever it was asked alike.
type Handshake struct {
	Target, Protocol string
	// Ways are the addresses at which it was asked, and how.
	Ways    []string
	Served  *Shown
	Failure string
	// Word says how it stands against the configuration, Kind is its badge's.
	Word, Kind string
}

func (v view) wire() []Handshake {
	var list []Handshake
	alike := map[string]int{}
	for _, o := range v.State.Wire {
		row := Handshake{Target: o.Target, Protocol: o.Protocol, Failure: o.Failure}
		if leaf := o.Leaf(); leaf != nil && o.Failure == "" {
			row.Served = v.shown(leaf)
			row.Word, row.Kind = v.against(o, leaf)
		}
		key := strings.Join([]string{o.Target, o.Protocol, o.Failure, row.Word, servedKey(row)}, "\x00")
		i, known := alike[key]
		if !known {
			i = len(list)
			alike[key], list = i, append(list, row)
		}
		add(&list[i].Ways, wayOf(o))
	}
	return list
}

func servedKey(h Handshake) string {
	if h.Served == nil {
		return ""
	}
	return h.Served.Page
}

// wayOf says how an endpoint was asked.
func wayOf(o observation) string {
	way := "by its name"
	if o.Address != "" {
		way = "at " + strings.TrimSuffix(o.Address, ":443")
	}
	if o.ServerName == "" {
		way += " without naming it (no SNI)"
	}
	if o.Proxy != "" {
		way += ", through the proxy " + o.Proxy
	}
	return way
}

// against compares what was served with what its listeners are configured with.
func (v view) against(o handshake.Observation, leaf *x509.Certificate) (word, kind string) {
	for _, l := range v.State.ListenersAt(o) {
		switch {
		case l.Leaf == nil:
		case strings.EqualFold(l.Leaf.SHA256, pki.Fingerprint(leaf)):
			return "as configured", "ok"
		case o.ServerName == "":
			return "another one, for clients that name no host", "unknown"
		default:
			return "not what is configured", "gone"
		}
	}
	return "", ""
}

// Backend is a machine as the gateway sees it.
type Backend struct {
	Name, Pool, Setting, Health, Log string
	Up                               bool
}

func (v view) backends() []Backend {
	var list []Backend
	for _, b := range v.State.Backends {
		name, _, _ := strings.Cut(b.Address, ".")
		if net.ParseIP(b.Address) != nil {
			name = b.Address
		}
		list = append(list, Backend{name, b.Pool, b.Setting, b.Health, b.Log, b.Up()})
	}
	return list
}

// Vault is a certificate in Key Vault.
type Vault struct {
	Name, Vault, Network, Trouble string
	Versions                      []VaultVersion
	Readers                       []string
}

// VaultVersion is one version of it.
type VaultVersion struct {
	Version, Thumbprint string
	Enabled, Served     bool
	Due                 Due
}

func (v view) vaults() []Vault {
	const most = 6
	var list []Vault
	for _, vaulted := range v.State.Vaulted {
		row := Vault{Name: vaulted.Name, Vault: vaulted.Vault, Network: vaulted.Network, Trouble: vaulted.Trouble}
		for _, version := range vaulted.Versions[:min(most, len(vaulted.Versions))] {
			row.Versions = append(row.Versions, VaultVersion{
				version.Version, version.Thumbprint, version.Enabled, v.servesThumbprint(version.Thumbprint), due(version.NotAfter, v.at),
			})
		}
		for _, r := range vaulted.Readers {
			name := r.Identity[strings.LastIndexByte(r.Identity, '/')+1:]
			switch r.May {
			case rotation.Yes:
				row.Readers = append(row.Readers, name+" may read it")
			case rotation.No:
				row.Readers = append(row.Readers, name+" may not read it: the gateway cannot follow")
			default:
				row.Readers = append(row.Readers, name+": not known whether it may read it. "+r.Why)
			}
		}
		list = append(list, row)
	}
	return list
}

func (v view) servesThumbprint(thumbprint string) bool {
	return thumbprint != "" && slices.ContainsFunc(v.State.Wire, func(o handshake.Observation) bool {
		return o.Failure == "" && o.Leaf() != nil && strings.EqualFold(pki.Thumbprint(o.Leaf()), thumbprint)
	})
}

// Site is a site of ArcGIS, asked through the gateway.
type Site struct{ Name, URL, Trouble string }

func (v view) sites() []Site {
	var list []Site
	if s := v.State.Sites; s.ServerURL != "" {
		list = append(list, Site{"ArcGIS Server", s.ServerURL, s.ServerTrouble})
	}
	if s := v.State.Sites; s.PortalURL != "" {
		list = append(list, Site{strings.TrimSpace("Portal " + s.PortalVersion), s.PortalURL, s.PortalTrouble})
	}
	for _, f := range v.State.Sites.Federation {
		trouble := f.Trouble
		if trouble == "" && !f.Validation.OK() {
			trouble = f.Validation.Status + ". " + strings.Join(f.Validation.Messages, " ")
		}
		list = append(list, Site{"Federated server", f.Server.URL, trouble})
	}
	return list
}

// gatewayRoots are the entries by which the gateway trusts machines.
func gatewayRoots(state rotation.State) []cloud.GatewayCertificate {
	if state.Gateway == nil {
		return nil
	}
	return state.Gateway.TrustedRoots()
}
