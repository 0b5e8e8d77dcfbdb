package cli

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

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
	value, first, f := a.CheckHost(ctx, network, target, pki.Criteria{Now: a.env.Now(), Names: options.names, Roots: roots, AssumeTrusted: options.assumeTrusted})
	if err := ctx.Err(); err != nil {
		return err
	}
	if a.ui.json {
		return answer(a.ui, value, f)
	}
	a.ui.say(title(target.String()))
	if first != nil {
		a.ui.certificateCard(*value.Certificate, first.Chain, a.env.Now())
	}
	a.ui.heading("Handshakes")
	a.ui.handshakes(value.Observations, a.env.Now())
	a.ui.sayFindings(value.Findings)
	return told(f)
}
