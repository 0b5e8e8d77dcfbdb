package sim

import (
	"crypto/x509"
	"encoding/base64"
)

type tree = map[string]any

// gatewayDocument is the gateway as Cloud Builder's template makes it, with
// what was added later; certificates are entries of sslCertificates with data
// and password in them, as in a PUT.
// Source: Esri/arcgis-azure-templates, Releases/11.4/AGBaseproperties.json and
// AGGISproperties.json.
func (p place) gatewayDocument(certificates []any, anchors map[string][]*x509.Certificate) tree {
	x, id := p.section(), p.gatewayID()
	ref := func(collection, name string) tree { return tree{"id": id + "/" + collection + "/" + name} }
	child := func(name string, properties tree) tree { return tree{"name": name, "properties": properties} }
	listening := func(protocol, port string) tree {
		return tree{"frontendIPConfiguration": ref("frontendIPConfigurations", p.mainFrontend()), "frontendPort": ref("frontendPorts", x+port),
			"protocol": protocol, "hostNames": p.names(), "requireServerNameIndication": false}
	}
	httpName, httpsName := p.Prefix+"Http"+p.kind()+"DeploymentListner", p.Prefix+"Https"+p.kind()+"DeploymentListner"
	https := listening("Https", "Port443")
	https["sslCertificate"] = ref("sslCertificates", ownEntry)
	// Something that no client of today knows: a rotation must carry it along.
	https["futureListenerProperty"] = tree{"kept": true, "ratio": 0.30}
	backends := p.backends(anchors)
	properties := tree{
		"sku":                      tree{"name": "Standard_v2", "tier": "Standard_v2", "capacity": 2},
		"gatewayIPConfigurations":  []any{child("appGatewayIpConfig", tree{"subnet": tree{"id": p.networkID() + "/subnets/appgateway"}})},
		"frontendIPConfigurations": p.frontendDocuments(),
		"frontendPorts":            []any{child(x+"Port443", tree{"port": 443}), child(x+"Port80", tree{"port": 80})},
		"sslCertificates":          certificates,
		"httpListeners":            []any{child(httpName, listening("Http", "Port80")), child(httpsName, https)},
		"urlPathMaps":              []any{child(x+"PathMap", p.pathMap(backends, func(context string) bool { return !p.hasListener(context) }))},
		"redirectConfigurations": []any{child(x+"HttpToHttps", tree{"redirectType": "Permanent", "targetListener": ref("httpListeners", httpsName),
			"includePath": true, "includeQueryString": true})},
		"requestRoutingRules": []any{
			child(x+"RequestRoutingRule", tree{"ruleType": "PathBasedRouting", "priority": 10, "httpListener": ref("httpListeners", httpsName), "urlPathMap": ref("urlPathMaps", x+"PathMap")}),
			child(p.Prefix+"HttpToHttps"+p.kind()+"RequestRoutingRule", tree{"ruleType": "Basic", "priority": 20, "httpListener": ref("httpListeners", httpName),
				"redirectConfiguration": ref("redirectConfigurations", x+"HttpToHttps")}),
		},
		"enableHttp2": false, "sslProfiles": []any{}, "privateLinkConfigurations": []any{},
	}
	p.addBackends(properties, backends)
	p.addListeners(properties, backends)
	return tree{"id": id, "name": p.Gateway, "type": "Microsoft.Network/applicationGateways", "location": p.location, "tags": p.tags(), "properties": properties}
}

// addBackends puts pools, settings, probes, trusted roots and rewrites into a
// gateway's properties.
func (p place) addBackends(properties tree, backends []backend) {
	id := p.gatewayID()
	var pools, settings, probes, roots, rewrites []any
	for _, b := range backends {
		var addresses []any
		for _, fqdn := range b.machines {
			addresses = append(addresses, tree{"fqdn": fqdn})
		}
		pools = append(pools, tree{"name": b.pool, "properties": tree{"backendAddresses": addresses}})
		var trusted []any
		for i, anchor := range b.anchors {
			name := b.root
			if i > 0 {
				name += "_" + string(rune('1'+i))
			}
			trusted = append(trusted, tree{"id": id + "/trustedRootCertificates/" + name})
			roots = append(roots, tree{"name": name, "properties": tree{"data": base64.StdEncoding.EncodeToString(anchor.Raw)}})
		}
		for _, w := range b.ways {
			settings = append(settings, tree{"name": w.setting, "properties": tree{"port": w.port, "protocol": "Https", "cookieBasedAffinity": "Disabled",
				"connectionDraining": tree{"enabled": true, "drainTimeoutInSec": 60}, "pickHostNameFromBackendAddress": true, "path": w.path,
				"requestTimeout": w.timeout, "probe": tree{"id": id + "/probes/" + w.probe}, "trustedRootCertificates": trusted}})
			rewrites = append(rewrites, tree{"name": w.rewrites, "properties": tree{"rewriteRules": w.rules()}})
		}
		for _, asked := range b.probes {
			inner := tree{"protocol": "Https", "path": asked.path, "interval": 30, "timeout": 30, "unhealthyThreshold": 3,
				"pickHostNameFromBackendHttpSettings": true, "minServers": 0, "match": tree{"statusCodes": []string{asked.status}}}
			if asked.port != 0 {
				inner["port"] = asked.port
			}
			probes = append(probes, tree{"name": asked.name, "properties": inner})
		}
	}
	properties["backendAddressPools"], properties["backendHttpSettingsCollection"], properties["probes"] = pools, settings, probes
	properties["trustedRootCertificates"], properties["rewriteRuleSets"] = roots, rewrites
}

// pathMap leads to the sites that are wanted; the first of them is the default.
func (p place) pathMap(backends []backend, wanted func(context string) bool) tree {
	id := p.gatewayID()
	ref := func(collection, name string) tree { return tree{"id": id + "/" + collection + "/" + name} }
	out := tree{}
	var rules []any
	for _, b := range backends {
		if !wanted(b.context) {
			continue
		}
		if len(rules) == 0 {
			out["defaultBackendAddressPool"], out["defaultBackendHttpSettings"] = ref("backendAddressPools", b.pool), ref("backendHttpSettingsCollection", b.ways[0].setting)
		}
		for _, w := range b.ways {
			rules = append(rules, tree{"name": w.rule, "properties": tree{"paths": w.paths, "backendAddressPool": ref("backendAddressPools", b.pool),
				"backendHttpSettings": ref("backendHttpSettingsCollection", w.setting), "rewriteRuleSet": ref("rewriteRuleSets", w.rewrites)}})
		}
	}
	out["pathRules"] = rules
	return out
}
