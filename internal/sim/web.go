package sim

import (
	"context"
	"fmt"
	"html"
	"net/http"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/edge"
)

// startWeb listens at an address of the virtual network as a plain web server
// of somebody who has nothing to do with ArcGIS.
func (w *World) startWeb(address, name string) error {
	listening, err := w.ground.Inside.Listen(address, 80)
	if err != nil {
		return err
	}
	server := w.server(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		answer.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(answer, "<title>%[1]s</title>\n<p>This is %[1]s.</p>\n", html.EscapeString(name))
	}))
	w.webs = append(w.webs, server)
	go func() { _ = server.Serve(listening) }()
	return nil
}

// BareGateway is a gateway without any tags in front of a plain web site.
type BareGateway struct {
	GatewayID string `json:"gatewayId"`
	Domain    string `json:"domain"`
	PublicIP  string `json:"publicIp"`
}

// BareGateways are those of the world.
func (w *World) BareGateways() []BareGateway {
	var out []BareGateway
	for _, n := range w.layout.Neighbours {
		if n.Kind == "bare" {
			out = append(out, BareGateway{n.place(w.places[0]).gatewayID(), n.Domain, n.Public})
		}
	}
	return out
}

// addBare starts a bare gateway: what somebody made in Azure's portal by hand.
func (w *World) addBare(ctx context.Context, n neighbour, p place) error {
	if err := w.startWeb(n.Web, n.Domain); err != nil {
		return err
	}
	certificate, err := w.authority.Issue(authority.Spec{Names: []string{n.Domain}, Key: "p256"})
	if err != nil {
		return err
	}
	entry, err := certificateEntry("site-certificate", certificate)
	if err != nil {
		return err
	}
	for _, document := range []tree{p.network(), p.publicAddress()} {
		if err := w.manager.Add(document); err != nil {
			return err
		}
	}
	id := p.gatewayID()
	ref := func(collection, name string) tree { return tree{"id": id + "/" + collection + "/" + name} }
	child := func(name string, properties tree) tree { return tree{"name": name, "properties": properties} }
	plane := w.newPlane(p.Gateway)
	w.ground.Outside.Name(n.Domain, n.Public)
	return w.manager.AddGateway(ctx, tree{
		"id": id, "name": p.Gateway, "type": "Microsoft.Network/applicationGateways", "location": p.location,
		"properties": tree{
			"sku":                      tree{"name": "Standard_v2", "tier": "Standard_v2"},
			"autoscaleConfiguration":   tree{"minCapacity": 0, "maxCapacity": 10},
			"gatewayIPConfigurations":  []any{child("appGatewayIpConfig", tree{"subnet": tree{"id": p.networkID() + "/subnets/appgateway"}})},
			"frontendIPConfigurations": []any{child(p.mainFrontend(), tree{"privateIPAllocationMethod": "Dynamic", "publicIPAddress": tree{"id": p.publicID()}})},
			"frontendPorts":            []any{child("port_443", tree{"port": 443})},
			"sslCertificates":          []any{entry},
			// A basic listener: no host name at all.
			"httpListeners": []any{child("https", tree{"frontendIPConfiguration": ref("frontendIPConfigurations", p.mainFrontend()), "frontendPort": ref("frontendPorts", "port_443"),
				"protocol": "Https", "hostNames": []any{}, "requireServerNameIndication": false, "sslCertificate": ref("sslCertificates", "site-certificate")})},
			"backendAddressPools":           []any{child("web", tree{"backendAddresses": []any{tree{"ipAddress": n.Web}}})},
			"backendHttpSettingsCollection": []any{child("web-http", webSetting())},
			"requestRoutingRules": []any{child("web-rule", tree{"ruleType": "Basic", "priority": 100, "httpListener": ref("httpListeners", "https"),
				"backendAddressPool": ref("backendAddressPools", "web"), "backendHttpSettings": ref("backendHttpSettingsCollection", "web-http")})},
			"enableHttp2": true,
		},
	}, plane)
}

// newPlane is the data plane of a gateway of the world.
func (w *World) newPlane(name string) *edge.Gateway {
	gateway := edge.New(w.ground, name)
	gateway.Options = w.options.Guesses.Gateway
	gateway.Options.WellKnown = append(gateway.Options.WellKnown, w.authority.PublicRoot())
	w.gateways = append(w.gateways, gateway)
	return gateway
}
