package deployment

import (
	"context"
	"fmt"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// IsGatewayID tells whether text is the resource id of an Application Gateway.
func IsGatewayID(text string) bool {
	id, err := cloud.ParseResourceID(text)
	return err == nil && strings.EqualFold(id.Type, kindGateway)
}

// OfGateway makes a deployment of one gateway, whatever its tags, and of nothing
// else: it works for somebody who may read that gateway only. What its own
// tags record is used; a gateway without a record is known by its listeners.
// With names, a gateway without a record is looked at under these only.
func OfGateway(ctx context.Context, source Source, gatewayID string, names []string) (Deployment, error) {
	if !IsGatewayID(gatewayID) {
		return Deployment{}, fmt.Errorf("%q is not the resource id of an Application Gateway", clean(gatewayID, maxTag))
	}
	given, err := hostNames(names)
	if err != nil {
		return Deployment{}, err
	}
	document, err := source.Get(ctx, gatewayID, cloud.GatewayAPI)
	if err != nil {
		return Deployment{}, err
	}
	gateway, err := cloud.ParseGateway(document)
	if err != nil {
		return Deployment{}, err
	}
	rows := []cloud.Document{document}
	for _, l := range gateway.HTTPSListeners() {
		if l.PublicIPID == "" {
			continue
		}
		// It may be that only the gateway may be read; the address is a convenience.
		if address, err := source.Get(ctx, l.PublicIPID, cloud.GatewayAPI); err == nil {
			rows = append(rows, address)
		} else if ctx.Err() != nil {
			return Deployment{}, ctx.Err()
		}
	}
	a := sortOut(readResources(rows))
	if len(a.gateways) == 0 {
		return Deployment{}, fmt.Errorf("gateway %s: Azure's answer names another resource", gateway.Name())
	}
	return a.alone(a.gateways[0], given), nil
}

func (a *assembly) alone(r resource, given []string) Deployment {
	d, ok := a.fromGateway(r)
	if !ok || (d.Generation == V2 && !r.tags.recorded()) {
		// Pointed at, a gateway needs no tags, and that it has none is no problem.
		d = a.plainGateway(r)
		if len(given) == 0 {
			d.nameByGateway(a, nil)
		}
	}
	d.Alone, d.GivenNames = true, given
	d.addNames(given)
	d.judge()
	return d
}

// nameByGateway takes the names from the gateway itself.
func (d *Deployment) nameByGateway(a *assembly, known []string) {
	if d.Gateway == nil {
		return
	}
	names, unknown := a.namesOfGateway(d.Gateway, known)
	d.addNames(names)
	if len(unknown) > 0 && len(names) > 0 {
		d.problem(ProblemNamelessListener, "Nothing says which names clients use for %s, so it is left alone. Give them with --name.", strings.Join(unknown, ", "))
	}
}
