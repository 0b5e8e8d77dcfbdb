package sim

import (
	"crypto/x509"
	"encoding/base64"
	"slices"
)

// backend is one site behind the gateway.
type backend struct {
	pool, setting, probe, root, rewrite string
	path                                string // of the probe
	context                             string
	port, timeout                       int
	machines                            []string
	anchors                             []*x509.Certificate
}

// backends of a deployment in the order of its path rules: server, portal,
// then the federated sites.
// Source: Esri/arcgis-azure-templates, Releases/11.4/AGBaseproperties.json and
// AGGISproperties.json.
func (p place) backends(anchors map[string][]*x509.Certificate) []backend {
	x := p.Prefix
	list := []backend{
		{x + "ServerBackendPool", x + "ServerHttpsSetting", x + "ServerProbeName", "serverBackendSSLCert", x + "ServerRewriteRuleSet", "/arcgis/rest/info/healthcheck",
			"server", 6443, 180, p.fqdns(with(p.Machines, "Server")), anchors["server"]},
		{x + "PortalBackendPool", x + "PortalHttpsSetting", x + "PortalProbeName", "portalBackendSSLCert", x + "PortalRewriteRuleSet", "/arcgis/portaladmin/healthCheck",
			"portal", 7443, 180, p.fqdns(with(p.Machines, "Portal")), anchors["portal"]},
	}
	for _, site := range p.Sites {
		start := site.Context + "-Federated"
		b := backend{start + "ServerBackendPool", start + "ServerHttpsSetting", start + "ServerProbeName", start + "ServerBackendSSLCert", start + "ServerRewriteRuleSet", "/arcgis/rest/info/healthcheck",
			site.Context, 6443, 180, p.fqdns(site.Machines), anchors[site.Context]}
		if site.Role == "NotebookServer" {
			b.port, b.timeout = 11443, 900
		}
		list = append(list, b)
	}
	return list
}

type tree = map[string]any

// gatewayDocument is the gateway as Cloud Builder's template makes it; data
// and password of the certificate are in it, as in a PUT.
func (p place) gatewayDocument(pfx []byte, password string, anchors map[string][]*x509.Certificate) tree {
	x, id := p.Prefix, p.gatewayID()
	ref := func(collection, name string) tree { return tree{"id": id + "/" + collection + "/" + name} }
	child := func(name string, properties tree) tree { return tree{"name": name, "properties": properties} }
	listener := func(name, protocol, port string) tree {
		return child(name, tree{"frontendIPConfiguration": ref("frontendIPConfigurations", x+"EnterpriseAppGatewayFrontendIP"), "frontendPort": ref("frontendPorts", port),
			"protocol": protocol, "hostNames": p.names(), "requireServerNameIndication": false})
	}
	https := listener(x+"HttpsEnterpriseDeploymentListner", "Https", x+"EnterprisePort443")
	https["properties"].(tree)["sslCertificate"] = ref("sslCertificates", "frontendCert")
	// Something that no client of today knows: a rotation must carry it along.
	https["properties"].(tree)["futureListenerProperty"] = tree{"kept": true, "ratio": 0.30}

	var pools, settings, probes, roots, rewrites, rules []any
	for _, b := range p.backends(anchors) {
		var addresses []any
		for _, fqdn := range b.machines {
			addresses = append(addresses, tree{"fqdn": fqdn})
		}
		pools = append(pools, child(b.pool, tree{"backendAddresses": addresses}))
		var trusted []any
		for i, anchor := range b.anchors {
			name := b.root
			if i > 0 {
				name += "_" + string(rune('1'+i))
			}
			trusted = append(trusted, ref("trustedRootCertificates", name))
			roots = append(roots, child(name, tree{"data": base64.StdEncoding.EncodeToString(anchor.Raw)}))
		}
		settings = append(settings, child(b.setting, tree{"port": b.port, "protocol": "Https", "cookieBasedAffinity": "Disabled", "connectionDraining": tree{"enabled": true, "drainTimeoutInSec": 60},
			"pickHostNameFromBackendAddress": true, "path": "/arcgis/", "requestTimeout": b.timeout, "probe": ref("probes", b.probe), "trustedRootCertificates": trusted}))
		probes = append(probes, child(b.probe, tree{"protocol": "Https", "path": b.path, "interval": 30, "timeout": 30, "unhealthyThreshold": 3,
			"pickHostNameFromBackendHttpSettings": true, "minServers": 0, "match": tree{"statusCodes": []string{"200"}}}))
		rewrites = append(rewrites, child(b.rewrite, tree{"rewriteRules": rewriteRules(b)}))
		rules = append(rules, child(b.context+"PathRule", tree{"paths": []string{"/" + b.context + "/*", "/" + b.context}, "backendAddressPool": ref("backendAddressPools", b.pool),
			"backendHttpSettings": ref("backendHttpSettingsCollection", b.setting), "rewriteRuleSet": ref("rewriteRuleSets", b.rewrite)}))
	}
	return tree{
		"id": id, "name": p.Gateway, "type": "Microsoft.Network/applicationGateways", "location": p.location, "tags": p.tags(),
		"properties": tree{
			"sku":                      tree{"name": "Standard_v2", "tier": "Standard_v2", "capacity": 2},
			"gatewayIPConfigurations":  []any{child("appGatewayIpConfig", tree{"subnet": tree{"id": p.networkID() + "/subnets/appgateway"}})},
			"frontendIPConfigurations": p.frontendDocuments(),
			"frontendPorts":            []any{child(x+"EnterprisePort443", tree{"port": 443}), child(x+"EnterprisePort80", tree{"port": 80})},
			"sslCertificates":          []any{child("frontendCert", tree{"data": base64.StdEncoding.EncodeToString(pfx), "password": password})},
			"httpListeners":            []any{listener(x+"HttpEnterpriseDeploymentListner", "Http", x+"EnterprisePort80"), https},
			"urlPathMaps": []any{child(x+"EnterprisePathMap", tree{"defaultBackendAddressPool": ref("backendAddressPools", x+"ServerBackendPool"),
				"defaultBackendHttpSettings": ref("backendHttpSettingsCollection", x+"ServerHttpsSetting"), "pathRules": rules})},
			"redirectConfigurations": []any{child(x+"EnterpriseHttpToHttps", tree{"redirectType": "Permanent", "targetListener": ref("httpListeners", x+"HttpsEnterpriseDeploymentListner"),
				"includePath": true, "includeQueryString": true})},
			"requestRoutingRules": []any{
				child(x+"EnterpriseRequestRoutingRule", tree{"ruleType": "PathBasedRouting", "priority": 10, "httpListener": ref("httpListeners", x+"HttpsEnterpriseDeploymentListner"), "urlPathMap": ref("urlPathMaps", x+"EnterprisePathMap")}),
				child(x+"EnterpriseHttpToHttpsRoutingRule", tree{"ruleType": "Basic", "priority": 20, "httpListener": ref("httpListeners", x+"HttpEnterpriseDeploymentListner"), "redirectConfiguration": ref("redirectConfigurations", x+"EnterpriseHttpToHttps")}),
			},
			"backendAddressPools": pools, "backendHttpSettingsCollection": settings, "probes": probes, "trustedRootCertificates": roots, "rewriteRuleSets": rewrites,
			"enableHttp2": false, "sslProfiles": []any{}, "privateLinkConfigurations": []any{},
		},
	}
}

// rewriteRules send the host on and bend redirects of the machine back.
func rewriteRules(b backend) []any {
	port := map[int]string{6443: "6443", 7443: "7443", 11443: "11443", 20443: "20443"}[b.port]
	location := "{http_resp_Location_1}://{http_req_host}/" + b.context + "{http_resp_Location_2}"
	header := func(name, value string) []any { return []any{tree{"headerName": name, "headerValue": value}} }
	return []any{
		tree{"ruleSequence": 50, "conditions": []any{}, "name": "XForwardedHostRewrite", "actionSet": tree{
			"requestHeaderConfigurations": header("X-Forwarded-Host", "{http_req_host}"), "responseHeaderConfigurations": []any{}}},
		tree{"ruleSequence": 100, "name": "LocationRewrite", "conditions": []any{tree{"variable": "http_resp_Location", "ignoreCase": true, "negate": false,
			"pattern": `(https?):\/\/[^\/]+:` + port + `\/(?:arcgis|` + b.context + `)(.*)$`}}, "actionSet": tree{
			"requestHeaderConfigurations": []any{}, "responseHeaderConfigurations": slices.Concat(header("RewriteLocationValue", location), header("Location", location))}},
	}
}
