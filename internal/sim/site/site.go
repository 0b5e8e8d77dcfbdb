// Package site simulates the machines of one ArcGIS site - Portal, Server,
// Notebook, Mission or Video - on real TLS ports, as far as certificates go.
//
// It is an independent reading of Esri's public documentation and public
// client code. The rules S1 to S31 that comments name are those of the
// simulator's specification; what nobody documents is marked "guess:" and can
// be switched in Options.
package site

import (
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// Site is a running site. Its methods are safe for concurrent use.
type Site struct {
	ground   *ground.Ground
	spec     Spec
	product  product
	version  version
	machines []*machine
	tokens   *tokens
	mozilla  func() *x509.CertPool

	ctx        context.Context
	cancel     context.CancelFunc
	background sync.WaitGroup

	mu       sync.Mutex
	security map[string]string // what the portal's update stores besides the alias
	first    *entry            // Cloud Builder's certificate for all machines, nil without
}

// Start starts all machines of a site; they are healthy when it returns.
func Start(g *ground.Ground, spec Spec) (*Site, error) {
	kind, ok := products[spec.Product]
	if !ok {
		return nil, fmt.Errorf("start site: %q is no product", spec.Product)
	}
	parsed, err := parseVersion(spec.Version)
	if err != nil {
		return nil, fmt.Errorf("start %s site: %w", spec.Product, err)
	}
	if len(spec.Machines) == 0 {
		return nil, fmt.Errorf("start %s site: it has no machine", spec.Product)
	}
	spec.Context = cmp.Or(strings.Trim(spec.Context, "/"), "arcgis")
	spec.Options.AnswerFor = cmp.Or(spec.Options.AnswerFor, 5*time.Second)
	spec.Options.DownFor = cmp.Or(spec.Options.DownFor, 30*time.Second)
	spec.Options.WarmFor = cmp.Or(spec.Options.WarmFor, 30*time.Second)
	spec.Options.StoreDownFor = cmp.Or(spec.Options.StoreDownFor, 20*time.Second)

	ctx, cancel := context.WithCancel(context.Background())
	site := &Site{
		ground: g, spec: spec, product: kind, version: parsed,
		tokens: newTokens(), mozilla: sync.OnceValue(mozillaRoots), ctx: ctx, cancel: cancel,
		security: map[string]string{"sslProtocols": "TLSv1.2,TLSv1.3", "cipherSuites": defaultSuites, "HSTSEnabled": "false"},
	}
	if !parsed.atLeast(10, 9) {
		site.security["sslProtocols"] = "TLSv1.2" // TLSv1.3 can be chosen from 10.9 on
	}
	maps.Copy(site.security, spec.Security)
	if err := site.startMachines(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s site: %w", spec.Product, err), site.Close())
	}
	return site, nil
}

// startMachines gives every machine its own fallback certificate and the one
// that it was given, or all of them Cloud Builder's: one self-signed PFX for the site, which names every
// machine. Source: Configurations-Azure of Esri/arcgis-powershell-dsc. A Data
// Store keeps the self-signed certificate that it made itself.
func (s *Site) startMachines() error {
	var names []string
	for _, machine := range s.spec.Machines {
		names = append(names, machine.Name)
	}
	var shared *entry
	for number, spec := range s.spec.Machines {
		own, err := spec.entry()
		if own == nil && err == nil {
			if shared == nil {
				shared, err = s.selfSigned(names)
			}
			own = shared
		}
		if err != nil {
			return err
		}
		m := newMachine(s, spec)
		m.keepName(number)
		fallback, err := own.sameKeyFor(spec.Name, s.spec.NotAfter)
		if err != nil {
			return err
		}
		m.keystore[s.product.defaultAlias] = fallback
		m.active = s.product.defaultAlias
		if s.spec.Product != DataStore {
			s.fill(m, own)
		} else if spec.Pair != nil {
			m.keystore[s.product.defaultAlias] = own
		}
		for alias, held := range spec.Keystore {
			further := trustedEntry(held.Leaf)
			further.key, _ = held.PrivateKey.(crypto.Signer)
			m.keystore[strings.ToLower(alias)] = further
		}
		s.machines = append(s.machines, m)
		if err := m.up(); err != nil {
			return err
		}
		for _, e := range m.extensions {
			if err := e.start(); err != nil {
				return err
			}
		}
		m.ready.Store(true)
	}
	s.first = shared
	return nil
}

// fill puts into a keystore what whoever made the deployment put there.
func (s *Site) fill(m *machine, own *entry) {
	m.active = cmp.Or(m.spec.Alias, s.spec.Alias, "ApplicationGateway")
	m.keystore[strings.ToLower(m.active)] = own
	if s.spec.Leftover != "" {
		m.keystore[strings.ToLower(s.spec.Leftover)] = m.keystore[s.product.defaultAlias]
	}
	if s.spec.ExternalLeaf != nil {
		m.keystore["appgw-externaldnscercert"] = trustedEntry(s.spec.ExternalLeaf)
	}
	for alias, authority := range s.spec.Trusted {
		m.keystore[strings.ToLower(alias)] = trustedEntry(authority)
	}
}

// Trust puts an authority into the keystores of all machines, as if somebody
// had imported it and restarted them since.
func (s *Site) Trust(alias string, authority *x509.Certificate) {
	for _, m := range s.machines {
		m.mu.Lock()
		m.keystore[strings.ToLower(alias)] = trustedEntry(authority)
		m.trusted = m.trustedEntries()
		m.mu.Unlock()
	}
}

// TrustAnchors are the certificates that a gateway must trust to reach the
// machines as they serve now: the root that a machine sends, or its
// self-signed leaf.
func (s *Site) TrustAnchors() []*x509.Certificate {
	var anchors []*x509.Certificate
	for _, m := range s.machines {
		entry := m.served.Load()
		anchor := entry.leaf
		if len(entry.chain) > 0 {
			anchor = entry.chain[len(entry.chain)-1]
		}
		if !slices.ContainsFunc(anchors, anchor.Equal) {
			anchors = append(anchors, anchor)
		}
	}
	return anchors
}

// Restart restarts a machine's service, as somebody logged in there would. It
// returns at once.
func (s *Site) Restart(machine string) error {
	m := s.machine(machine)
	if m == nil {
		return fmt.Errorf("restart: there is no machine %q", machine)
	}
	m.restart("service restart")
	return nil
}

// Close stops all machines.
func (s *Site) Close() error {
	s.cancel()
	for _, m := range s.machines {
		m.close()
	}
	s.background.Wait()
	return nil
}

// machine finds a machine by FQDN or short name, in any spelling (S1).
func (s *Site) machine(name string) *machine {
	for _, m := range s.machines {
		if strings.EqualFold(m.host, name) || strings.EqualFold(shortName(m.host), name) {
			return m
		}
	}
	return nil
}

func shortName(host string) string {
	short, _, _ := strings.Cut(host, ".")
	return short
}
