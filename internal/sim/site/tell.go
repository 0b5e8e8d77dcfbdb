package site

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// Tell tells the world's watchers what the machines serve and hold now.
func (s *Site) Tell() {
	s.mu.Lock()
	s.tellSettings()
	s.mu.Unlock()
	for _, m := range s.machines {
		m.mu.Lock()
		m.tellServed()
		m.tellHeld()
		m.mu.Unlock()
		for _, e := range m.extensions {
			e.tellServed()
		}
	}
}

// Tell tells the world's watchers what is bound to port 443 of every address.
func (i *IIS) Tell() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.machine.site.tellServes(i.machine, "iis", 443, i.store[strings.ToUpper(i.bindings[everyAddress].hash)])
}

// tellServed tells what the machine's own ports serve now.
func (m *machine) tellServed() {
	for _, port := range m.ports() {
		m.site.tellServes(m, m.site.spec.Product, port, m.served.Load())
	}
}

func (e *extension) tellServed() {
	e.machine.site.tellServes(e.machine, e.product, e.port, e.served.Load())
}

func (s *Site) tellServes(m *machine, product string, port int, serves *entry) {
	if serves == nil || !s.ground.Watchers.Watched() {
		return
	}
	now := ground.MachineServes{Machine: m.name, Names: m.dialledAs(), Product: product, Port: port}
	if pair, err := s.pair(serves); err == nil {
		now.Chain = pair.Certificate
	}
	s.ground.Watchers.Tell(now)
}

func (s *Site) tellStops(m *machine, product string, restart bool) {
	s.ground.Watchers.Tell(ground.MachineStops{Machine: m.name, Product: product, Role: product + " of " + s.machines[0].host, Restart: restart})
}

// tellHeld tells what the keystore holds and how the machine is set. The caller
// holds mu.
func (m *machine) tellHeld() {
	if !m.site.ground.Watchers.Watched() {
		return
	}
	values := map[string]string{
		"alias": m.active, "adminURL": m.adminURL,
		"heap": fmt.Sprintf("web %d, app %d, soc %d", m.heap.web, m.heap.app, m.heap.soc),
	}
	for alias, entry := range m.keystore {
		sum := sha256.Sum256(entry.leaf.Raw)
		values["keystore/"+alias] = hex.EncodeToString(sum[:])
	}
	m.site.ground.Watchers.Tell(ground.Holds{Object: fmt.Sprintf("machine %s (%s)", m.name, m.site.spec.Product), Values: values})
}

// tellSettings tells the site's security settings. The caller holds mu.
func (s *Site) tellSettings() {
	s.ground.Watchers.Tell(ground.Holds{Object: fmt.Sprintf("site %s of %s", s.spec.Product, s.machines[0].host), Values: maps.Clone(s.security)})
}
