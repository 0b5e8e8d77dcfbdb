package rotation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// Verify judges a state: what is served against what is configured, dates,
// chains, and health. It is pure. No finding worse than a Note means that all
// is well.
func Verify(state State, roots *pki.Roots, now time.Time) pki.Findings {
	findings := withoutAccess(state.Obstacles) // looking needs no right to write
	for _, listener := range state.Listeners {
		for _, name := range listener.Names {
			findings = append(findings, handshake.Judge(reachedBySNI(state.Wire, name), handshake.Expectation{
				Name: name, Roots: roots, Now: now,
			})...)
		}
		findings = append(findings, wireAgainstConfiguration(listener, state)...)
	}
	for _, sentence := range siteTroubles(state.Sites) {
		findings = append(findings, pki.Finding{Code: "site-unhealthy", Severity: pki.Refusal, Sentence: sentence})
	}
	for _, backend := range state.Backends {
		if !backend.Up() {
			findings = append(findings, pki.Finding{
				Code: "backend-unhealthy", Severity: pki.Warning,
				Sentence: strings.TrimSpace(fmt.Sprintf("backend %s of %s is %s. %s", backend.Address, backend.Pool, backend.Health, backend.Log)),
			})
		}
	}
	if state.Gateway != nil {
		findings = append(findings, state.OutOfPools()...)
	}
	findings = append(findings, MachineFindings(state, roots, now)...)
	return dedupe(findings)
}

// reachedBySNI are the observations of a name; failures of one of several ways
// to it are left out when another way worked.
func reachedBySNI(wire []handshake.Observation, name string) []handshake.Observation {
	var all, reached []handshake.Observation
	for _, observation := range wire {
		if observation.ServerName != name {
			continue
		}
		all = append(all, observation)
		if served(observation) != nil {
			reached = append(reached, observation)
		}
	}
	if len(reached) > 0 {
		return reached
	}
	return all
}

// wireAgainstConfiguration holds what an endpoint serves against what its
// listener is configured with. Where several listeners may have answered, one
// that explains it is enough.
func wireAgainstConfiguration(listener Listener, state State) pki.Findings {
	if listener.Leaf == nil {
		return nil
	}
	for _, observation := range state.Wire {
		leaf, own := served(observation), state.ListenersAt(observation)
		if leaf == nil || !spotOf(observation).speaksForName() {
			continue
		}
		named := func(l Listener) bool { return l.Name == listener.Name }
		explains := func(l Listener) bool { return l.fingerprint() == pki.Fingerprint(leaf) }
		if slices.ContainsFunc(own, named) && !slices.ContainsFunc(own, explains) {
			return pki.Findings{{
				Code: "wire-differs", Severity: pki.Refusal,
				Sentence: fmt.Sprintf("%s serves %s (until %s), but listener %s is configured with %s (until %s)",
					place(observation), pki.Describe(leaf).Subject, leaf.NotAfter.Format(time.DateOnly),
					listener.Name, listener.Leaf.Subject, listener.Leaf.NotAfter.Format(time.DateOnly)),
			}}
		}
	}
	return nil
}

func siteTroubles(sites Sites) []string {
	var troubles []string
	if sites.PortalTrouble != "" {
		troubles = append(troubles, "Portal: "+sites.PortalTrouble)
	}
	if sites.ServerTrouble != "" {
		troubles = append(troubles, "ArcGIS Server: "+sites.ServerTrouble)
	}
	for _, result := range sites.Federation {
		if result.Trouble != "" {
			troubles = append(troubles, fmt.Sprintf("federated server %s: %s", result.Server.Name, result.Trouble))
		} else if result.Validation.Status == arcgis.Failure {
			troubles = append(troubles, fmt.Sprintf("federated server %s is not validated: %s", result.Server.Name, strings.Join(result.Validation.Messages, " ")))
		}
	}
	return troubles
}

func dedupe(findings pki.Findings) pki.Findings {
	var unique pki.Findings
	for _, finding := range findings {
		if !slices.Contains(unique, finding) {
			unique = append(unique, finding)
		}
	}
	return unique
}
