package deployment

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// Served are the gateway's certificates that its HTTPS listeners serve under
// the deployment's names, each once, in the order of the listeners. When no
// listener answers to those names, it is what all of them serve. As all that
// comes from Gateway it is good for a list, not for a decision.
func (d Deployment) Served() []cloud.GatewayCertificate {
	if d.Gateway == nil {
		return nil
	}
	var listeners []cloud.Listener
	for _, name := range d.Names() {
		listeners = append(listeners, d.listenersFor(name)...)
	}
	if len(listeners) == 0 {
		listeners = d.Gateway.HTTPSListeners()
	}
	certificates := d.Gateway.Certificates()
	var served []cloud.GatewayCertificate
	for _, l := range listeners {
		for _, c := range certificates {
			isNew := !slices.ContainsFunc(served, func(s cloud.GatewayCertificate) bool { return cloud.SameID(s.ID, c.ID) })
			if l.CertificateID != "" && cloud.SameID(l.CertificateID, c.ID) && isNew {
				served = append(served, c)
			}
		}
	}
	return served
}

// NotAfter is when the first of the served certificates ends, the zero time
// when that is not known (no gateway, or Azure does not tell).
func (d Deployment) NotAfter() time.Time {
	var first time.Time
	for _, c := range d.Served() {
		if len(c.Chain) == 0 {
			continue
		}
		end := pki.UTC(c.Chain[0].NotAfter)
		if first.IsZero() || end.Before(first) {
			first = end
		}
	}
	return first
}

// listenersFor are the HTTPS listeners that answer to a name. A listener
// without host names takes what no other one at its frontend and port names.
func (d Deployment) listenersFor(name string) []cloud.Listener {
	if d.Gateway == nil {
		return nil
	}
	type door struct {
		frontend string
		port     int
	}
	doorOf := func(l cloud.Listener) door { return door{strings.ToLower(l.FrontendName), l.Port} }
	named := map[door]bool{}
	var answering, open []cloud.Listener
	for _, l := range d.Gateway.HTTPSListeners() {
		switch {
		case len(l.HostNames) == 0:
			open = append(open, l)
		case slices.ContainsFunc(l.HostNames, func(host string) bool { return covers(host, name) }):
			answering = append(answering, l)
			named[doorOf(l)] = true
		}
	}
	for _, l := range open {
		if !named[doorOf(l)] {
			answering = append(answering, l)
		}
	}
	return answering
}

// listenerNames are the host names of the HTTPS listeners, in lower case, each once.
func (d Deployment) listenerNames() []string {
	if d.Gateway == nil {
		return nil
	}
	var names []string
	for _, l := range d.Gateway.HTTPSListeners() {
		for _, host := range l.HostNames {
			if !contains(names, host) {
				names = append(names, strings.ToLower(clean(host, maxTag)))
			}
		}
	}
	return names
}

// Sort puts deployments into the order in which people should look at them:
// the certificate that ends first, unknown ends last, then by name and id.
func Sort(list []Deployment) {
	type entry struct {
		deployment Deployment
		end        time.Time
	}
	// The ends are found once: a certificate is parsed each time it is asked for.
	entries := make([]entry, len(list))
	for i, d := range list {
		entries[i] = entry{d, d.NotAfter()}
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		if a.end.IsZero() != b.end.IsZero() {
			if a.end.IsZero() {
				return 1
			}
			return -1
		}
		return cmp.Or(
			a.end.Compare(b.end),
			strings.Compare(strings.ToLower(a.deployment.Name), strings.ToLower(b.deployment.Name)),
			strings.Compare(a.deployment.ID, b.deployment.ID),
			strings.Compare(a.deployment.GatewayID, b.deployment.GatewayID),
		)
	})
	for i, e := range entries {
		list[i] = e.deployment
	}
}
