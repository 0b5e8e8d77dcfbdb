package rotation

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

// port is a component as it was seen, with what it served.
type port struct {
	at   Machine
	seen machine.Seen
	// chain is what it sent, leaf first; none where it did not answer.
	chain []*x509.Certificate
}

// ports are all components that were looked at.
func (s State) ports() []port {
	var all []port
	for _, m := range s.Machines {
		if m.Report == nil {
			continue
		}
		for _, seen := range m.Report.Components {
			p := port{at: m, seen: seen}
			for _, der := range seen.Chain {
				if certificate, err := x509.ParseCertificate(der); err == nil {
					p.chain = append(p.chain, certificate)
				}
			}
			all = append(all, p)
		}
	}
	return all
}

func (p port) String() string {
	return fmt.Sprintf("%s on %s (port %d)", p.seen.Product.Name(), p.at.Name, p.seen.Port)
}

// active is the entry that the component is configured to serve.
func (p port) active() (machine.Entry, bool) {
	for _, entry := range p.seen.Entries {
		if p.seen.Alias != "" && strings.EqualFold(entry.Alias, p.seen.Alias) {
			return entry, true
		}
	}
	return machine.Entry{}, false
}

// MachineFindings judge the machines of a state as they were seen, as of a day:
// what they serve, what they would serve after a restart, what they trust, and
// whether the gateway trusts them. roots are the authorities that ArcGIS knows.
// It is pure, and empty for a state whose machines were not looked at.
func MachineFindings(state State, roots *pki.Roots, now time.Time) pki.Findings {
	var found pki.Findings
	for _, m := range state.Machines {
		found = append(found, machineUnseen(state, m)...)
	}
	all := state.ports()
	for _, p := range all {
		found = append(found, portUnread(p)...)
		found = append(found, internalDates(p, now)...)
		found = append(found, servedAgainstConfigured(p, now)...)
		found = append(found, stalePin(state, p)...)
		found = append(found, staleEntries(p, now)...)
		found = append(found, externalTrust(state, p, roots)...)
	}
	found = append(found, laggingServices(all)...)
	found = append(found, backendTrust(state, all, now)...)
	found = append(found, differentAliases(all)...)
	found = append(found, iis(all, now)...)
	found = append(found, openDoors(all)...)
	return dedupe(found).WorstFirst()
}

// machineUnseen says of which machines nothing is known.
func machineUnseen(state State, m Machine) pki.Findings {
	switch {
	case len(m.Components) == 0 || state.Way == reach.DSC:
		return nil
	case m.Off != "":
		return pki.Findings{{
			Code: "machine-off", Severity: pki.Warning,
			Sentence: fmt.Sprintf("%s was not looked at: %s", m.Name, m.Off),
			Mend:     "start it: az vm start --ids " + cloud.ShellWord(m.ID),
		}}
	case m.Report == nil:
		return pki.Findings{{
			Code: "machine-not-seen", Severity: pki.Warning,
			Sentence: fmt.Sprintf("%s was not looked at: %s", m.Name, cmp.Or(m.Trouble, "nobody tried")),
			Mend:     m.Mend,
		}}
	}
	return nil
}

// portUnread says which component tells nothing, or not all.
func portUnread(p port) pki.Findings {
	switch {
	case len(p.chain) == 0:
		return pki.Findings{{
			Code: "port-silent", Severity: pki.Warning,
			Sentence: fmt.Sprintf("%s serves nothing: %s", p, cmp.Or(p.seen.WireTrouble, "it sent no certificate")),
			Mend:     "see whether its service runs",
		}}
	case p.seen.Trouble != "" && p.seen.TroubleCode != machine.CodeNoCredentials:
		return pki.Findings{{
			Code: "keystore-not-read", Severity: pki.Warning,
			Sentence: fmt.Sprintf("what %s is configured to serve and what it trusts is not known: %s", p, p.seen.Trouble),
		}}
	}
	return nil
}
