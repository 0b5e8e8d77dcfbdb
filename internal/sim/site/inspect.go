package site

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// What tests ask a site for, past its APIs.

// Aliases are the configured aliases of the machines, in their order, as they
// were last posted.
func (s *Site) Aliases() []string {
	var list []string
	for _, m := range s.machines {
		m.mu.Lock()
		list = append(list, m.active)
		m.mu.Unlock()
	}
	return list
}

// Entries are the aliases in the keystore of a machine, sorted.
func (s *Site) Entries(machine string) []string {
	m := s.machine(machine)
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.keystore))
}

// Setting is one of the security settings: Protocol, HSTSEnabled, sslProtocols,
// cipherSuites.
func (s *Site) Setting(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.security[name]
}

// Switch makes a machine serve another alias, as somebody does behind a
// client's back: the machine restarts.
func (s *Site) Switch(machine, alias string) error {
	m := s.machine(machine)
	if m == nil {
		return fmt.Errorf("switch: there is no machine %q", machine)
	}
	m.mu.Lock()
	m.active = alias
	m.mu.Unlock()
	m.restart("switched to " + alias)
	return nil
}

// Validate validates every federated server from every machine of a portal that
// runs and answers the worst status of each, by its id.
func (s *Site) Validate(ctx context.Context) map[string]string {
	out := map[string]string{}
	for _, server := range s.spec.Federated {
		for _, m := range s.machines {
			if !m.ready.Load() {
				continue
			}
			status, _ := s.validate(ctx, m, server)["status"].(string)
			if slices.Index(statuses, status) >= slices.Index(statuses, out[server.ID]) {
				out[server.ID] = status
			}
		}
	}
	return out
}
