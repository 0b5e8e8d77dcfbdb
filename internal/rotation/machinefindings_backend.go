package rotation

import (
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

// backendTrust holds what machines serve against what the gateway trusts, by the
// settings with which it reaches them.
func backendTrust(state State, all []port, now time.Time) pki.Findings {
	if state.Gateway == nil || len(all) == 0 {
		return nil
	}
	var found pki.Findings
	settings, routes := state.Gateway.Settings(), state.ownRoutes()
	presented := map[string]bool{}
	complete := !slices.ContainsFunc(state.Machines, func(m Machine) bool { return len(m.Components) > 0 && m.Report == nil })
	var ours []string
	for _, setting := range settings {
		used := slices.ContainsFunc(routes, func(r cloud.Route) bool { return strings.EqualFold(r.Setting, setting.Name) })
		if !used || !strings.EqualFold(setting.Protocol, "Https") || len(setting.Roots) == 0 {
			continue
		}
		ours = append(ours, setting.Roots...)
		for _, p := range all {
			if !state.behind(routes, setting, p) {
				continue
			}
			if len(p.chain) == 0 {
				complete = false
				continue
			}
			accepted := false
			for _, name := range setting.Roots {
				root, _ := state.Gateway.TrustedRoot(name)
				if slices.ContainsFunc(root.Chain, func(c *x509.Certificate) bool { return vouches(c, p.chain) }) {
					presented[strings.ToLower(name)], accepted = true, true
				}
			}
			if !accepted {
				found = append(found, pki.Finding{
					Code: "backend-not-trusted", Severity: pki.Refusal,
					Sentence: fmt.Sprintf("%s serves %s (issued by %s), which no trusted root of the gateway's backend setting %s accepts", p,
						pki.Describe(p.chain[0]).Subject, pki.Describe(p.chain[0]).Issuer, setting.Name),
					Mend: mendInternal,
				})
			}
		}
	}
	for _, root := range state.Gateway.TrustedRoots() {
		used := slices.ContainsFunc(ours, func(name string) bool { return strings.EqualFold(name, root.Name) })
		if !used || len(root.Chain) == 0 {
			continue
		}
		until := root.Chain[0].NotAfter
		switch {
		case presented[strings.ToLower(root.Name)] && until.Before(now.Add(internalSoon)):
			found = append(found, pki.Finding{
				Code: "trusted-root-expires", Severity: pki.Warning,
				Sentence: fmt.Sprintf("the gateway's trusted root %s, which machines present, is good until %s", root.Name, until.Format(time.DateOnly)),
				Mend:     mendInternal,
			})
		case !presented[strings.ToLower(root.Name)] && complete:
			found = append(found, pki.Finding{
				Code: "trusted-root-stale", Severity: pki.Note,
				Sentence: fmt.Sprintf("the gateway's trusted root %s (until %s) is presented by no machine", root.Name, until.Format(time.DateOnly)),
				Mend:     "cartouche clean DEPLOYMENT --internal removes it where a run of Cartouche replaced it",
			})
		}
	}
	return found
}

// ownRoutes are the ways from the deployment's listeners.
func (s State) ownRoutes() []cloud.Route {
	return slices.DeleteFunc(s.Gateway.Routes(), func(r cloud.Route) bool {
		return !slices.ContainsFunc(s.Listeners, func(l Listener) bool { return strings.EqualFold(l.Name, r.Listener) })
	})
}

// behind tells whether the gateway reaches a port by a backend setting.
func (s State) behind(routes []cloud.Route, setting cloud.BackendSetting, p port) bool {
	if setting.Port != p.seen.Port {
		return false
	}
	for _, pool := range s.Pools() {
		routed := slices.ContainsFunc(routes, func(r cloud.Route) bool {
			return strings.EqualFold(r.Pool, pool.Name) && strings.EqualFold(r.Setting, setting.Name)
		})
		if routed && slices.ContainsFunc(pool.Addresses, func(a string) bool { return hostIs(a, p.at.Machine) }) {
			return true
		}
	}
	return false
}

// vouches tells whether a trusted root accepts a chain as it was sent: it is the
// leaf itself, or it has signed it or one of those above it.
func vouches(root *x509.Certificate, chain []*x509.Certificate) bool {
	if root.Equal(chain[0]) {
		return true
	}
	pool, others := x509.NewCertPool(), x509.NewCertPool()
	pool.AddCert(root)
	for _, certificate := range chain[1:] {
		others.AddCert(certificate)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: pool, Intermediates: others, CurrentTime: chain[0].NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return err == nil
}

// hostIs tells whether an address in a pool is a machine: its name in the
// network, or a full name that begins with the machine's.
func hostIs(address string, m reach.Machine) bool {
	first, _, _ := strings.Cut(address, ".")
	return strings.EqualFold(address, m.Host) || net.ParseIP(address) == nil && strings.EqualFold(first, m.Name)
}
