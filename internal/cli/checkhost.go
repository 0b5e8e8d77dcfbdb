package cli

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// checkHostValue is the JSON of `check HOST`.
type checkHostValue struct {
	Kind         string                  `json:"kind"` // "host"
	Target       string                  `json:"target"`
	OK           bool                    `json:"ok"`
	Certificate  *pki.Description        `json:"certificate"` // null when nothing was served
	Observations []handshake.Observation `json:"observations"`
	Findings     pki.Findings            `json:"findings"`
}

func (a *program) checkHost(ctx context.Context, argument string, options checkOptions) error {
	target, err := handshake.ParseTarget(argument)
	if err != nil {
		return app.Usage("cartouche check HOST, or HOST:PORT; a file must exist or end with .pfx", "%s: %s", argument, err)
	}
	network, err := a.Network()
	if err != nil {
		return err
	}
	roots, err := a.rootsWith(network, options.rootFiles)
	if err != nil {
		return err
	}
	a.ui.progress.Doing(rotation.PhaseObserve, "handshakes with "+target.String())
	looker := &handshake.Looker{Network: network}
	seen := looker.Look(ctx, target)
	a.ui.progress.Done()
	if err := ctx.Err(); err != nil {
		return err
	}
	value := checkHostValue{Kind: "host", Target: target.String(), Observations: seen, Findings: pki.Findings{}}
	for _, name := range append([]string{target.Host}, options.names...) {
		value.Findings = append(value.Findings, handshake.Judge(seen, handshake.Expectation{
			Name: name, Roots: roots, Now: a.env.Now(), AssumeTrusted: options.assumeTrusted,
		})...)
	}
	value.Findings = app.Distinct(value.Findings)
	value.OK = len(app.Troubling(value.Findings)) == 0
	first := app.FirstServed(seen)
	if first != nil {
		described := pki.Describe(first.Leaf())
		value.Certificate = &described
	}
	f := app.FindingsFailure(target.String(), value.Findings)
	if a.ui.json {
		return answer(a.ui, value, f)
	}
	a.ui.say(title(target.String()))
	if first != nil {
		a.ui.certificateCard(*value.Certificate, first.Chain, a.env.Now())
	}
	a.ui.heading("Handshakes")
	a.ui.handshakes(seen, a.env.Now())
	a.ui.sayFindings(value.Findings)
	return told(f)
}
