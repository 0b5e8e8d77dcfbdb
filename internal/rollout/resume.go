package rollout

import (
	"crypto/x509"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// ourAlias is an entry that a rollout made, ourRoot an authority's.
var (
	ourAlias = regexp.MustCompile(`^tls-\d{8}-[0-9a-f]{8}$`)
	ours     = regexp.MustCompile(`^(tls-\d{8}-[0-9a-f]{8})(-root\d*|-ca\d+|_root|_intermediate\d*)?$`)
)

// worthTaking is how long entries must still live to be taken up.
const worthTaking = 30 * 24 * time.Hour

// left is what a run that was cut off has left behind.
type left struct {
	alias       string
	authorities []trusted
}

// leftBehind finds the newest alias of ours that has an entry with a private key
// in every keystore, under one authority that the gateway trusts, and that is
// not active everywhere. Keys never leave a machine again, so these entries are
// the only way to go on; where one is missing, everything is issued anew.
func leftBehind(state rotation.State, plan Plan, goal Goal) (left, bool) {
	if goal.Anew || goal.KeepAuthority != nil { // whose key is to be kept is made, and not one that is gone
		return left{}, false
	}
	var stores []observed
	for _, port := range plan.Ports {
		if o, _ := find(state, port.Machine, port.Port); o.HasKeystore() {
			stores = append(stores, o)
		}
	}
	if len(stores) == 0 {
		return left{}, false
	}
	var names []string
	for _, entry := range stores[0].Entries {
		if ourAlias.MatchString(strings.ToLower(entry.Alias)) {
			names = append(names, strings.ToLower(entry.Alias))
		}
	}
	slices.Sort(names)
	for _, name := range slices.Backward(names) {
		root, known := rootBehind(state, name, goal)
		if !known {
			continue
		}
		active := 0
		usable := !slices.ContainsFunc(stores, func(o observed) bool {
			if strings.EqualFold(o.Alias, name) {
				active++
			}
			entry, there := o.entry(name)
			return !there || !isUsable(entry, root, goal.Now) || superseded(o, entry)
		})
		if usable && active < len(stores) {
			return left{alias: name, authorities: authoritiesBehind(name, root, goal)}, true
		}
	}
	return left{}, false
}

// rootBehind is the certificate that issued the entries of an alias.
func rootBehind(state rotation.State, name string, goal Goal) (*x509.Certificate, bool) {
	if goal.Source == FromAuthority {
		return goal.Authority.Certificate, true
	}
	entry, known := state.Gateway.TrustedRoot(rootName(name))
	if !known || len(entry.Chain) != 1 {
		return nil, false
	}
	return entry.Chain[0], true
}

func authoritiesBehind(name string, root *x509.Certificate, goal Goal) []trusted {
	if goal.Source == FromAuthority {
		return authoritiesToIssueUnder(name, goal)
	}
	return []trusted{{name: rootName(name), certificate: root, root: true}}
}

// isUsable tells whether an entry has a key and a certificate of an authority.
// The administrator API tells an issuer by its name only; ours have the alias in
// theirs, and the first switch proves the rest.
func isUsable(entry machine.Entry, issuer *x509.Certificate, now time.Time) bool {
	return !entry.Trusted && entry.SHA256 != "" && entry.NotAfter.After(now.Add(worthTaking)) &&
		issuer.Subject.CommonName != "" && strings.Contains(entry.Issuer, issuer.Subject.CommonName)
}

// superseded tells that a port serves what a later rollout gave it: then the
// entry is not the last one's, and to take it up would be a step back.
func superseded(o observed, entry machine.Entry) bool {
	active, known := o.entry(o.Alias)
	return known && ourAlias.MatchString(strings.ToLower(o.Alias)) && !strings.EqualFold(o.Alias, entry.Alias) &&
		!active.NotBefore.Before(entry.NotBefore)
}

// takeUp takes the certificates of a resumed plan from the keystores. What has
// none gets one issued, if the authority can still sign; the root of a run that
// was cut off cannot.
func (p *Plan) takeUp(state rotation.State, goal Goal) {
	var kept []Port
	for _, port := range p.Ports {
		o, _ := find(state, port.Machine, port.Port)
		entry, there := o.entry(p.Alias)
		switch {
		case there:
			port.SHA256, port.NotAfter, port.Names = strings.ToLower(entry.SHA256), pki.UTC(entry.NotAfter), entry.Names
			if port.Names == nil {
				port.Names = []string{}
			}
			port.How, port.Restarts = ByAlias, true
		case port.How == Follows, goal.Source == FromAuthority:
		default:
			p.Obstacles = append(p.Obstacles, pki.Finding{
				Code: "key-is-gone", Severity: pki.Warning,
				Sentence: port.called() + " keeps its certificate: the root of the run that was cut off can sign no more, since its key went with it",
				Mend:     "issue everything anew: --anew",
			})
			continue
		}
		kept = append(kept, port)
	}
	p.Ports = kept
	p.follow()
}

// follow gives services the certificate of their server.
func (p *Plan) follow() {
	for i, port := range p.Ports {
		if port.How != Follows {
			continue
		}
		for _, server := range p.Ports {
			if server.Machine == port.Machine && server.Product == machine.Server {
				p.Ports[i].SHA256, p.Ports[i].Names, p.Ports[i].NotAfter = server.SHA256, server.Names, server.NotAfter
			}
		}
	}
}
