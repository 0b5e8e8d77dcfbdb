package deployment

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// maxNames bounds the names that are taken from a gateway: a certificate may
// have hundreds, and each is looked at.
const maxNames = 20

// Named gives a deployment more names that its certificate must cover. To a
// deployment whose record names none they are the names.
func (d Deployment) Named(names []string) (Deployment, error) {
	given, err := hostNames(names)
	if err != nil || len(given) == 0 {
		return d, err
	}
	d.GivenNames = given
	d.Problems = slices.DeleteFunc(slices.Clone(d.Problems), func(p Problem) bool { return p.Code == ProblemNoDomain })
	if d.CannotUpdate == noDomain {
		d.CannotUpdate = ""
	}
	d.addNames(given)
	d.judgeServed(given)
	return d, nil
}

// addNames adds names that the deployment does not have yet.
func (d *Deployment) addNames(names []string) {
	for _, name := range names {
		switch {
		case contains(d.Names(), name):
		case d.Domain == "":
			d.Domain = name
		default:
			d.OtherNames = append(slices.Clip(d.OtherNames), name)
		}
	}
}

// hostNames spells names as the rest of the program does.
func hostNames(names []string) ([]string, error) {
	var list []string
	for _, name := range names {
		spelled := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(name), "."))
		if !isHostName(spelled) {
			return nil, fmt.Errorf("%q is not a DNS name such as gis.example.com (no scheme, no port, no wildcard)", clean(name, maxTag))
		}
		if !contains(list, spelled) {
			list = append(list, spelled)
		}
	}
	return list, nil
}

// namesOfGateway are the names that clients use for the HTTPS listeners of a
// gateway without a record, as far as the gateway itself tells: a listener's
// host names; where it has none, or wildcards, what known, the hosts of its
// probes and its certificate name; at last Azure's own name of its address.
// unknown are listeners of which no name is known.
func (a *assembly) namesOfGateway(gateway *cloud.Gateway, known []string) (names, unknown []string) {
	add := func(found []string) {
		for _, name := range found {
			if isHostName(name) && !contains(names, name) && len(names) < maxNames {
				names = append(names, name)
			}
		}
	}
	routes := gateway.Routes()
	for _, l := range gateway.HTTPSListeners() {
		exact, patterns := exactNames(l.HostNames)
		add(exact)
		if len(l.HostNames) > 0 && len(patterns) == 0 {
			continue
		}
		var found []string
		for _, name := range a.guesses(gateway, l, routes, known) {
			if len(l.HostNames) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return covers(p, name) }) {
				found = append(found, name)
			}
		}
		add(found)
		if len(found) == 0 && len(exact) == 0 {
			unknown = append(unknown, clean(l.Name, maxTag))
		}
	}
	return names, unknown
}

// guesses are names of a listener that has no host names of its own. The first
// kind that there is goes, since each is worse than the one before.
func (a *assembly) guesses(gateway *cloud.Gateway, l cloud.Listener, routes []cloud.Route, known []string) []string {
	if len(known) > 0 {
		return known
	}
	var leafNames []string
	if entry, ok := gateway.Certificate(l.CertificateName); ok && len(entry.Chain) > 0 {
		leafNames = lower(entry.Chain[0].DNSNames)
	}
	covered := func(name string) bool {
		return slices.ContainsFunc(leafNames, func(pattern string) bool { return certificateCovers(pattern, name) })
	}
	var hosts []string
	for _, r := range routes {
		if covered(r.ProbeHost) && !contains(hosts, r.ProbeHost) {
			hosts = append(hosts, r.ProbeHost)
		}
	}
	if len(hosts) > 0 {
		return hosts
	}
	if exact, _ := exactNames(leafNames); len(exact) > 0 {
		return exact
	}
	if name := a.azureName(l); name != "" && (len(leafNames) == 0 || covered(name)) {
		return []string{name}
	}
	return nil
}

// azureName is the name that Azure gives to the address of a listener.
func (a *assembly) azureName(l cloud.Listener) string {
	return strings.ToLower(a.addresses[strings.ToLower(l.PublicIPID)].text("dnsSettings", "fqdn"))
}

// certificateCovers tells whether a DNS name of a certificate, whose wildcard
// is one whole label, is for a name (RFC 6125).
func certificateCovers(pattern, name string) bool {
	rest, wildcard := strings.CutPrefix(pattern, "*.")
	if !wildcard {
		return pattern == name
	}
	first, parent, ok := strings.Cut(name, ".")
	return ok && first != "" && parent == rest
}

// exactNames parts names from patterns with wildcards.
func exactNames(names []string) (exact, patterns []string) {
	for _, name := range lower(names) {
		if strings.ContainsAny(name, "*?") {
			patterns = append(patterns, name)
		} else {
			exact = append(exact, name)
		}
	}
	return exact, patterns
}

func lower(names []string) []string {
	list := make([]string, 0, len(names))
	for _, name := range names {
		list = append(list, strings.ToLower(clean(name, maxTag)))
	}
	return list
}
