package rotation

import (
	"crypto/x509"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// coveredNames are the names that the new certificate must cover: those of the
// deployment and those that its listeners answer to.
func coveredNames(state State) []string {
	names := slices.Clone(state.Deployment.Names())
	for _, listener := range state.Listeners {
		names = append(names, listener.Names...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// servingNow is the leaf that clients get today, as seen on the wire; when no
// endpoint answered, as Resource Manager tells it; nil when neither knows.
func servingNow(state State) *x509.Certificate {
	if leaf := firstServed(state.Wire); leaf != nil {
		return leaf
	}
	for _, listener := range state.Listeners {
		if entry, ok := state.Gateway.Certificate(listener.Entry); ok && len(entry.Chain) > 0 {
			return entry.Chain[0]
		}
	}
	return nil
}

func describeLeaf(leaf *x509.Certificate) *pki.Description {
	if leaf == nil {
		return nil
	}
	return describeFirst([]*x509.Certificate{leaf})
}

// carryOutOnceMore is the command that has a gateway carry out what it is set to.
func carryOutOnceMore(gatewayID string) string {
	return "az network application-gateway update --ids " + cloud.ShellWord(gatewayID)
}

// gatewayObstacles are what the gateway's own state says against a write.
// Source: Azure documentation, Application Gateway provisioning states.
func gatewayObstacles(state State) pki.Findings {
	switch provisioning := state.Gateway.ProvisioningState(); provisioning {
	case "Succeeded":
		return nil
	case "Failed", "Canceled":
		return pki.Findings{{
			Code: "gateway-failed", Severity: pki.Refusal,
			Sentence: fmt.Sprintf("the gateway's last change failed (provisioning state %s); it must be healthy before its certificate is changed", provisioning),
			Mend:     "after a run that was cut off: cartouche undo; else have Azure carry it out once more: " + carryOutOnceMore(state.Gateway.ID()),
		}}
	default:
		return pki.Findings{{
			Code: "gateway-busy", Severity: pki.Refusal,
			Sentence: fmt.Sprintf("another change of the gateway is under way (provisioning state %s)", provisioning),
			Mend:     "wait until it has ended and run the same command again",
		}}
	}
}

// wireObstacles are what the handshakes say against a change: without any
// endpoint that answers, nothing could be proved.
func wireObstacles(state State) pki.Findings {
	if len(state.Wire) == 0 {
		return nil
	}
	failure := ""
	for _, observation := range state.Wire {
		if served(observation) == nil {
			failure = observation.Failure
		} else if spotOf(observation).speaksForName() {
			return divergence(state.Wire)
		}
	}
	return pki.Findings{unreachable(state, failure)}
}

// divergence warns of endpoints that serve different leaves before anything is changed.
func divergence(wire []handshake.Observation) pki.Findings {
	places := map[string]string{}
	for _, observation := range wire {
		if leaf := served(observation); leaf != nil {
			places[pki.Fingerprint(leaf)] = place(observation)
		}
	}
	if len(places) < 2 {
		return nil
	}
	return pki.Findings{{
		Code: "endpoints-differ", Severity: pki.Warning,
		Sentence: fmt.Sprintf("the endpoints serve %d different certificates today (%v)", len(places), slices.Sorted(maps.Values(places))),
	}}
}

// served is the leaf of a handshake that was completed, else nil: a chain that
// was sent before a failure serves nobody.
func served(observation handshake.Observation) *x509.Certificate {
	if observation.Failure != "" {
		return nil
	}
	return observation.Leaf()
}

// firstServed is the leaf of the first endpoint that answered by name.
func firstServed(wire []handshake.Observation) *x509.Certificate {
	for _, observation := range wire {
		if leaf := served(observation); leaf != nil && spotOf(observation).speaksForName() {
			return leaf
		}
	}
	return nil
}

// place says where an observation was made, for people.
func place(observation handshake.Observation) string {
	text := observation.Target
	if observation.Address != "" {
		text += " at " + observation.Address
	}
	if observation.ServerName == "" {
		text += " without SNI"
	}
	return text
}

func unread(code, what string, err error) pki.Finding {
	return pki.Finding{
		Code: code, Severity: pki.Refusal,
		Sentence: fmt.Sprintf("%s could not be read: %v", what, err),
	}
}

// warn turns a refusal into a warning: worth knowing, not in the way.
func warn(finding pki.Finding) pki.Finding {
	finding.Severity = pki.Warning
	return finding
}

// pastTheGateway refuses when a name leads past the gateway, to a CDN or an older
// proxy: at its own address the gateway serves what it is configured with, and
// by its name clients get something else. A change of the gateway would not
// reach them, and its proof would fail after the change instead of before.
func pastTheGateway(state State, renewed string) pki.Findings {
	for _, listener := range state.Listeners {
		asConfigured := false
		var past *handshake.Observation
		for i, observation := range state.Wire {
			leaf := served(observation)
			if leaf == nil || !slices.Contains(listener.Names, observation.ServerName) {
				continue
			}
			seen := pki.Fingerprint(leaf)
			host, _, err := net.SplitHostPort(observation.Address)
			switch {
			case err == nil && slices.Contains(listener.Addresses, host):
				asConfigured = asConfigured || seen == listener.fingerprint()
			case seen != listener.fingerprint() && seen != renewed:
				past = &state.Wire[i]
			}
		}
		if asConfigured && past != nil {
			return pki.Findings{{
				Code: "name-leads-elsewhere", Severity: pki.Refusal,
				Sentence: fmt.Sprintf("%s serves %s (until %s), while the gateway at %s serves what listener %s is configured with: clients come by something else",
					place(*past), pki.Describe(past.Leaf()).Subject, past.Leaf().NotAfter.Format(time.DateOnly), strings.Join(listener.Addresses, ", "), listener.Name),
				Mend: "renew the certificate where " + past.Target + " leads to",
			}}
		}
	}
	return nil
}
