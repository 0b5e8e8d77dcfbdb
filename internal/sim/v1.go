package sim

import (
	"crypto/tls"
	"net/http"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

// kindV1 is a deployment of the first generation, whose certificate is in IIS.
const kindV1 = "v1"

// startV1 brings up what is seen of a V1 deployment from outside: the web
// proxies behind the load balancer. Its machines exist on paper.
func (w *World) startV1(p place, certificate *authority.Issued) error {
	// IIS gives the site to whoever connects, with SNI or without: one binding
	// of port 443. Source: Esri/arcgis-powershell-dsc, WebProxyConfiguration.
	proxy := w.server(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		answer.Header().Set("Server", "Microsoft-IIS/10.0")
		answer.Header().Set("Content-Type", "text/html")
		_, _ = answer.Write([]byte("<title>IIS</title>\n<p>The machines behind this web proxy are not simulated.</p>\n"))
	}))
	proxy.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate.TLS()}}
	listening, err := w.ground.Outside.Listen(p.Public, 443)
	if err != nil {
		return err
	}
	w.webs = append(w.webs, proxy)
	go func() { _ = proxy.ServeTLS(listening, "", "") }()
	w.addNames(p)
	return nil
}

// v1Resources are the public address, which has the record, and the balancers.
// Source: Esri/arcgis-azure-templates, Releases/10.7/Templates/basedeployment-multi-tier.json.
func (p place) v1Resources() []tree {
	list := []tree{p.v1Address()}
	for _, balancer := range []struct {
		suffix, shown string
		http, https   int
	}{{"LoadBalancer", "Load Balancer", 80, 443}, {"InternalLoadBalancerServer", "Internal Load Balancer - Server", 6080, 6443}, {"InternalLoadBalancerPortal", "Internal Load Balancer - Portal", 7080, 7443}} {
		id := p.v1Balancer(balancer.suffix)
		frontend := tree{"privateIPAllocationMethod": "Dynamic", "subnet": tree{"id": p.networkID() + "/subnets/default"}}
		if balancer.suffix == "LoadBalancer" {
			frontend = tree{"privateIPAllocationMethod": "Dynamic", "publicIPAddress": tree{"id": p.publicID()}}
		}
		rule := func(name string, port int) tree {
			return tree{"name": name, "properties": tree{"frontendIPConfiguration": tree{"id": id + "/frontendIPConfigurations/LBFE"}, "backendAddressPool": tree{"id": id + "/backendAddressPools/BackendPool"},
				"probe": tree{"id": id + "/probes/lbprobe"}, "frontendPort": port, "backendPort": port, "protocol": "Tcp", "enableFloatingIP": false, "idleTimeoutInMinutes": 4, "loadDistribution": "Default"}}
		}
		list = append(list, tree{"id": id, "location": p.location, "sku": tree{"name": "Basic"}, "tags": tree{"displayName": balancer.shown, "arcgis-deployment-id": p.deploymentID()},
			"properties": tree{"provisioningState": "Succeeded",
				"frontendIPConfigurations": []any{tree{"name": "LBFE", "properties": frontend}}, "backendAddressPools": []any{tree{"name": "BackendPool"}},
				"loadBalancingRules": []any{rule("HTTP", balancer.http), rule("HTTPS", balancer.https)},
				"probes":             []any{tree{"name": "lbprobe", "properties": tree{"protocol": "Tcp", "port": balancer.http, "intervalInSeconds": 30, "numberOfProbes": 3}}}}})
	}
	return list
}

func (p place) v1Balancer(suffix string) string {
	return p.id("Microsoft.Network/loadBalancers", p.Prefix+suffix)
}

// v1Address is the public address behind the deployment's name.
func (p place) v1Address() tree {
	address := p.publicAddress()
	address["tags"] = p.v1Tags()
	address["sku"] = tree{"name": "Basic"}
	address["properties"].(tree)["ipConfiguration"] = tree{"id": p.v1Balancer("LoadBalancer") + "/frontendIPConfigurations/LBFE"}
	return address
}
