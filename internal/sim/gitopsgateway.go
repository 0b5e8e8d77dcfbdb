package sim

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strconv"
)

// gitopsRule is one of the ingress module's default rules. With a backend path
// the machine's own name is sent on, and redirects are bent back.
type gitopsRule struct {
	name, pool  string
	port        int
	backendPath string
	probe       string
	timeout     int
}

// Source: Esri/arcgis-gitops, azure/arcgis-enterprise-core/ingress/variables.tf.
var gitopsRules = []gitopsRule{
	{"server", "enterprise-base", 6443, "/arcgis/", "/arcgis/rest/info/healthcheck", 600},
	{"portal", "enterprise-base", 7443, "/arcgis/", "/arcgis/portaladmin/healthCheck", 60},
	{"notebooks", "notebook-server", 443, "", "/notebooks/rest/info/healthcheck", 60},
}

// gitopsGateway is the gateway of the ingress module. Its listeners have no
// host names; its pools are filled by network interfaces; its certificate is
// put in by whoever knows where it is.
// Source: Esri/arcgis-gitops, azure/arcgis-enterprise-core/ingress/main.tf.
func (p place) gitopsGateway(root *x509.Certificate) tree {
	id := p.gatewayID()
	ref := func(collection, name string) tree { return tree{"id": id + "/" + collection + "/" + name} }
	child := func(name string, properties tree) tree { return tree{"name": name, "properties": properties} }
	subnet := tree{"id": p.networkID() + "/subnets/app-gateway-subnet-2"}

	var listeners, redirects, rules []any
	for i, side := range []string{"public", "private"} {
		frontend := ref("frontendIPConfigurations", side+"-frontend")
		listeners = append(listeners,
			child(side+"-80", tree{"frontendIPConfiguration": frontend, "frontendPort": ref("frontendPorts", "80"), "protocol": "Http", "hostNames": []any{}, "requireServerNameIndication": false}),
			child(side+"-443", tree{"frontendIPConfiguration": frontend, "frontendPort": ref("frontendPorts", "443"), "protocol": "Https", "hostNames": []any{}, "requireServerNameIndication": false,
				"sslCertificate": ref("sslCertificates", "cert")}))
		redirects = append(redirects, child(side+"-http-redirect", tree{"redirectType": "Permanent", "targetListener": ref("httpListeners", side+"-443"), "includePath": true, "includeQueryString": true}))
		rules = append(rules,
			child(side+"-http-redirect", tree{"ruleType": "Basic", "priority": 1 + i, "httpListener": ref("httpListeners", side+"-80"), "redirectConfiguration": ref("redirectConfigurations", side+"-http-redirect")}),
			child(side+"-https-443", tree{"ruleType": "PathBasedRouting", "priority": 10 + 100*i, "httpListener": ref("httpListeners", side+"-443"), "urlPathMap": ref("urlPathMaps", "https-443")}))
	}
	var settings, probes, paths, rewrites []any
	for _, r := range gitopsRules {
		override := r.backendPath != ""
		setting := tree{"port": r.port, "protocol": "Https", "cookieBasedAffinity": "Disabled", "requestTimeout": r.timeout, "probe": ref("probes", r.name),
			"pickHostNameFromBackendAddress": override, "trustedRootCertificates": []any{ref("trustedRootCertificates", "trusted-root")},
			"connectionDraining": tree{"enabled": true, "drainTimeoutInSec": r.timeout}}
		probe := tree{"protocol": "Https", "path": r.probe, "interval": 60, "timeout": 30, "unhealthyThreshold": 3, "minServers": 0, "match": tree{"statusCodes": []string{"200"}},
			"pickHostNameFromBackendHttpSettings": override}
		path := tree{"paths": []string{"/" + r.name, "/" + r.name + "/*"}, "backendAddressPool": ref("backendAddressPools", r.pool), "backendHttpSettings": ref("backendHttpSettingsCollection", r.name)}
		if override {
			setting["path"], path["rewriteRuleSet"] = r.backendPath, ref("rewriteRuleSets", r.name)
			rewrites = append(rewrites, child(r.name, tree{"rewriteRules": r.rewriteRules()}))
		} else {
			probe["host"] = p.Domain
		}
		settings, probes, paths = append(settings, child(r.name, setting)), append(probes, child(r.name, probe)), append(paths, child(r.name, path))
	}
	return tree{
		"id": id, "name": p.Gateway, "type": "Microsoft.Network/applicationGateways", "location": p.location, "zones": []string{"1", "2"},
		"tags": p.enterpriseTags("ArcGISIngressID", p.Ingress),
		"properties": tree{
			"sku":                     tree{"name": "WAF_v2", "tier": "WAF_v2"},
			"autoscaleConfiguration":  tree{"minCapacity": 2, "maxCapacity": 10},
			"gatewayIPConfigurations": []any{child("gateway-ip-configuration", tree{"subnet": subnet})},
			"frontendIPConfigurations": []any{
				child("public-frontend", tree{"privateIPAllocationMethod": "Dynamic", "publicIPAddress": tree{"id": p.publicID()}}),
				child("private-frontend", tree{"privateIPAllocationMethod": "Static", "privateIPAddress": p.Private, "subnet": subnet}),
			},
			"frontendPorts":           []any{child("80", tree{"port": 80}), child("443", tree{"port": 443})},
			"sslCertificates":         []any{child("cert", tree{})},
			"trustedRootCertificates": []any{child("trusted-root", tree{"data": base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}))})},
			"httpListeners":           listeners, "redirectConfigurations": redirects, "requestRoutingRules": rules,
			"urlPathMaps":                   []any{child("https-443", tree{"defaultBackendAddressPool": ref("backendAddressPools", "enterprise-base"), "defaultBackendHttpSettings": ref("backendHttpSettingsCollection", "server"), "pathRules": paths})},
			"backendAddressPools":           []any{child("enterprise-base", tree{"backendAddresses": []any{}}), child("notebook-server", tree{"backendAddresses": []any{}})},
			"backendHttpSettingsCollection": settings, "probes": probes, "rewriteRuleSets": rewrites,
			"sslPolicy":      tree{"policyType": "Predefined", "policyName": "AppGwSslPolicy20220101"},
			"firewallPolicy": tree{"id": p.firewallID()},
			"enableHttp2":    false,
		},
	}
}

func (r gitopsRule) rewriteRules() []any {
	change := func(name, value string) []any { return []any{tree{"headerName": name, "headerValue": value}} }
	return []any{
		tree{"name": "XForwardedHostRewrite", "ruleSequence": 100, "conditions": []any{}, "actionSet": tree{"requestHeaderConfigurations": change("X-Forwarded-Host", "{http_req_host}"), "responseHeaderConfigurations": []any{}}},
		tree{"name": "LocationRewrite", "ruleSequence": 200,
			"conditions": []any{tree{"variable": "http_resp_Location", "ignoreCase": true, "negate": false, "pattern": `(https?):\/\/[^\/]+:` + strconv.Itoa(r.port) + `\/(?:arcgis|` + r.name + `)(.*)$`}},
			"actionSet": tree{"requestHeaderConfigurations": []any{},
				"responseHeaderConfigurations": change("Location", "{http_resp_Location_1}://{http_req_host}/"+r.name+"{http_resp_Location_2}")}},
	}
}
