package app

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// CheckHostValue is the JSON of `check HOST`.
type CheckHostValue struct {
	Kind         string                  `json:"kind"` // "host"
	Target       string                  `json:"target"`
	OK           bool                    `json:"ok"`
	Certificate  *pki.Description        `json:"certificate"` // null when nothing was served
	Observations []handshake.Observation `json:"observations"`
	Findings     pki.Findings            `json:"findings"`
}

// CheckHost makes handshakes with a host and judges what it serves, for its own
// name and those of the criteria. first is the first that served anything.
func (a *App) CheckHost(ctx context.Context, network *egress.Network, target handshake.Target, criteria pki.Criteria) (value CheckHostValue, first *handshake.Observation, f *Failure) {
	a.teller().Doing(rotation.PhaseObserve, "handshakes with "+target.String())
	defer a.teller().Done()
	looker := &handshake.Looker{Network: network}
	seen := looker.Look(ctx, target)
	value = CheckHostValue{Kind: "host", Target: target.String(), Observations: seen, Findings: pki.Findings{}}
	for _, name := range append([]string{target.Host}, criteria.Names...) {
		value.Findings = append(value.Findings, handshake.Judge(seen, handshake.Expectation{
			Name: name, Roots: criteria.Roots, Now: criteria.Now, AssumeTrusted: criteria.AssumeTrusted,
		})...)
	}
	value.Findings = distinct(value.Findings)
	value.OK = len(Troubling(value.Findings)) == 0
	first = firstServed(seen)
	if first != nil {
		described := pki.Describe(first.Leaf())
		value.Certificate = &described
	}
	return value, first, findingsFailure(target.String(), value.Findings)
}
