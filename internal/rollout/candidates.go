package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// defaultAliases are the entries that ArcGIS makes itself. Esri's way out of a
// broken certificate goes back to them (support.esri.com 000021911 and
// 000013721), so they are never overwritten and never removed.
var defaultAliases = []string{"selfsignedcertificate", "portal", "samlcert"}

func isDefault(alias string) bool { return slices.Contains(defaultAliases, strings.ToLower(alias)) }

// inPlaceSince is the version whose admin API has the operation "update".
// Source: developers.arcgis.com, enterprise-administration, update-ssl.
const inPlaceSince = "12.1"

// candidates are the ports that get a certificate, with how each does, in no
// order yet.
func candidates(state rotation.State, goal Goal) (list []Port, found pki.Findings) {
	for _, o := range ports(state) {
		port := Port{
			Machine: o.at.Name, Host: o.at.Host, Site: o.at.Site, Product: o.Product, Port: o.Component.Port, Role: o.Role,
			Names: []string{}, Before: o.leaf(), BeforeAlias: o.Alias, BeforeChain: o.Chain, Alone: state.Alone(o.at.Machine, o.Product),
		}
		if leaf := o.certificate(); leaf != nil {
			port.BeforeUntil = pki.UTC(leaf.NotAfter)
		}
		switch {
		case o.HasKeystore():
			port.How, port.Restarts = ByAlias, true
			if replaceable(state, o, goal) {
				port.How, port.Restarts = InPlace, false
			}
		case o.Product == machine.DataStore:
			port.How, port.Option = ByTool, "webserver"
		case o.Product == machine.WebAdaptor && o.at.OS != "linux":
			port.How = InIIS
		case o.Product == machine.GeoEvent, o.Product == machine.WorkflowManager:
			port.How, port.Restarts = Follows, true
		default:
			continue // 20301 of Mission Server is a port of the same web server
		}
		if port.How != ByAlias && port.How != InPlace && state.Way != reach.Agent {
			found = append(found, leftOut(state, port))
			continue
		}
		// What is to be replaced in place restarts where the product cannot do it after all.
		if (port.Restarts || port.How == InPlace) && !goal.Undrained {
			port.Away = state.AwayFrom(port.component())
		}
		list = append(list, port)
	}
	return list, found
}

// leftOut says what only a program on the machine can change.
func leftOut(state rotation.State, port Port) pki.Finding {
	sentence := map[How]string{
		ByTool:  "%s keeps its certificate: ArcGIS Data Store is changed by its own tool, on the machine",
		InIIS:   "%s keeps its certificate: a binding of IIS is changed on the machine",
		Follows: "%s keeps serving the certificate of before until its service is restarted, on the machine; the gateway accepts both",
	}[port.How]
	return pki.Finding{
		Code: "needs-agent", Severity: pki.Warning, Sentence: fmt.Sprintf(sentence, port.called()),
		Mend: "use the way agent, which runs a program there: --reach agent",
	}
}

// replaceable tells whether the active entry can be replaced without a restart.
// A portal that verifies servers under their own names has to read its trust
// anew first, which only a restart makes it do.
func replaceable(state rotation.State, o observed, goal Goal) bool {
	active, known := o.entry(o.Alias)
	switch {
	case goal.KeepOld, !atLeast(o.Version, inPlaceSince), !known, active.Trusted, isDefault(o.Alias):
		return false
	case o.Product == machine.Portal && portalsFirst(state):
		return false
	}
	return o.Product == machine.Portal || o.Product == machine.Server
}

// atLeast compares versions by their numbers; one that cannot be read is older.
func atLeast(version, wanted string) bool {
	have, want := strings.Split(version, "."), strings.Split(wanted, ".")
	for i := range want {
		if i >= len(have) {
			return false
		}
		h, err := strconv.Atoi(have[i])
		w, _ := strconv.Atoi(want[i])
		if err != nil || h != w {
			return err == nil && h > w
		}
	}
	return true
}

// portalsFirst tells whether a portal verifies a server under the machine's own
// name, which the federation records as its administration URL. Trust that was
// imported works from the next restart on (reference: "Import root or
// intermediate certificate"), so the portals must have restarted before such a
// server serves a certificate of a new authority.
func portalsFirst(state rotation.State) bool {
	for _, o := range ports(state) {
		for _, server := range o.Federated {
			host := hostOf(server.AdminURL)
			if slices.ContainsFunc(state.Machines, func(m rotation.Machine) bool { return host != "" && isMachine(host, m.Host, m.Name) }) {
				return true
			}
		}
	}
	return false
}

// settle says what alias a port gets and what of it is there already. thumbprint
// is that of a certificate which is known already.
func (p *Port) settle(state rotation.State, alias, thumbprint string) pki.Findings {
	o, _ := find(state, p.Machine, p.Port)
	if p.SHA256 != "" && p.SHA256 == p.Before {
		active, known := o.entry(o.Alias)
		p.Served = !o.HasKeystore() || known && holds(active, p.SHA256, thumbprint)
	}
	switch p.How {
	case InPlace:
		p.Alias = o.Alias
	case ByAlias:
		p.Alias = alias
		if p.Served {
			p.Alias = strings.ToLower(o.Alias)
		}
	}
	entry, exists := o.entry(p.Alias)
	switch {
	case p.How != ByAlias || !exists:
	case p.SHA256 != "" && !entry.Trusted && holds(entry, p.SHA256, thumbprint):
		p.Installed = true
	default:
		return pki.Findings{{
			Code: "alias-taken", Severity: pki.Refusal,
			Sentence: fmt.Sprintf("%s has an entry %s that holds another certificate (%s)", p.called(), entry.Alias, entry.Subject),
			Mend:     "remove that entry in the administrator directory, and run the same command again",
		}}
	}
	return nil
}

// called is how sentences name a port.
func (p Port) called() string { return fmt.Sprintf("%s (%s, port %d)", p.Machine, p.Product, p.Port) }

// unready are the machines on which nothing can be changed now.
func unready(state rotation.State) pki.Findings {
	var found pki.Findings
	refuse := func(code, mend, format string, args ...any) {
		found = append(found, pki.Finding{Code: code, Severity: pki.Refusal, Sentence: fmt.Sprintf(format, args...), Mend: mend})
	}
	for _, at := range state.Machines {
		switch {
		case len(at.Components) == 0:
		case at.Off != "":
			refuse("machine-off", "start the machine, and run the same command again", "machine %s is off: %s", at.Name, at.Off)
		case state.Way == reach.DSC:
			refuse("way-cannot-look", "choose another way: --reach direct or --reach agent", "the way dsc cannot look at machines, so nothing could be proved at %s", at.Name)
		case at.Report == nil || at.Trouble != "":
			refuse("machine-not-seen", cmp.Or(at.Mend, "see what is in the way there, and run the same command again"), "machine %s could not be looked at: %s", at.Name, at.Trouble)
		default:
			for _, seen := range at.Report.Components {
				o := observed{at, seen}
				port := Port{Machine: at.Name, Product: o.Product, Port: o.Component.Port}
				switch {
				case !o.HasKeystore():
				case o.TroubleCode == machine.CodeNoCredentials:
					refuse("no-site-admin", "give --site-admin and its password", "the certificates of %s cannot be changed without the site administrator's login", port.called())
				case o.Trouble != "":
					refuse(mendable(o.TroubleCode), mends[o.TroubleCode], "%s could not be looked at: %s", port.called(), o.Trouble)
				case !o.Healthy:
					refuse("machine-unhealthy", "make it healthy first: a change could not be told from what is wrong already", "%s is not healthy", port.called())
				}
			}
		}
	}
	return found
}

// mends say what to do about the codes of a component's trouble.
var mends = map[string]string{
	machine.CodeWrongCredentials: "check the site administrator's name and password: each site has its own primary administrator",
	machine.CodeUnverified:       "see whose certificate it is, and name the authority that issued it: --machine-ca FILE",
	machine.CodeUnreachable:      "see whether the service runs and the port is open",
}

// mendable is a trouble's own code where a finding has one.
func mendable(code string) string {
	if code == machine.CodeWrongCredentials {
		return "site-admin-refused"
	}
	return "machine-not-seen"
}
