package sim

import (
	"crypto/x509"
	"slices"
	"strconv"
)

// backend is one pool behind the gateway, with the ways into it.
type backend struct {
	context  string // of its site
	pool     string
	machines []string
	root     string // trusted root
	anchors  []*x509.Certificate
	ways     []way
	probes   []probe
}

// way is a set of HTTP settings with the path rule that leads there.
type way struct {
	rule, setting, probe, rewrites string
	rewrite                        rewrite
	paths                          []string
	port, timeout                  int
	path                           string // override
}

// rewrite bends redirects of the machines back to the outside.
type rewrite struct {
	name, scheme, machine, context, location string
}

type probe struct {
	name, path, status string
	port               int
}

// backends of a deployment in the order of its path rules: server and portal,
// or the site that stands alone, then the further sites.
// Source: Esri/arcgis-azure-templates, Releases/11.4/AGBaseproperties.json.
func (p place) backends(anchors map[string][]*x509.Certificate) []backend {
	var list []backend
	if own, alone := p.alone(); alone {
		list = append(list, p.siteBackend(own, anchors))
	} else {
		x := p.Prefix
		server := way{rule: "serverPathRule", setting: x + "ServerHttpsSetting", probe: x + "ServerProbeName", rewrites: x + "ServerRewriteRuleSet",
			rewrite: locationOf("ServerRewrite", "server"), paths: below("server"), port: 6443, timeout: 180, path: "/arcgis/"}
		portal := way{rule: "portalPathRule", setting: x + "PortalHttpsSetting", probe: x + "PortalProbeName", rewrites: x + "PortalRewriteRuleSet",
			rewrite: locationOf("PortalRewrite", "portal"), paths: below("portal"), port: 7443, timeout: 180, path: "/arcgis/"}
		list = append(list,
			backend{"server", x + "ServerBackendPool", p.fqdns(with(p.Machines, "Server")), "serverBackendSSLCert", anchors["server"], []way{server},
				[]probe{{server.probe, "/arcgis/rest/info/healthcheck", "200", 0}}},
			backend{"portal", x + "PortalBackendPool", p.fqdns(with(p.Machines, "Portal")), "portalBackendSSLCert", anchors["portal"], []way{portal},
				[]probe{{portal.probe, "/arcgis/portaladmin/healthCheck", "200", 0}}})
	}
	for _, s := range p.Sites {
		list = append(list, p.siteBackend(s, anchors))
	}
	return list
}

// siteBackend is the pool of a server site, with what its role brings.
// Source: Esri/arcgis-azure-templates, Releases/11.4/getAppGatewayObject.py,
// Templates/gisserver.json and AGGeoeventGISproperties.json.
func (p place) siteBackend(s serverSite, anchors map[string][]*x509.Certificate) backend {
	start, geo := s.Context+"-"+s.section(), s.GeoEvent+"-"+s.section()
	health := probe{start + "ServerProbeName", "/arcgis/rest/info/healthcheck", "200", 0}
	main := way{rule: start + "ServerPathRule", setting: start + "ServerHttpsSetting", probe: health.name, rewrites: start + "ServerRewriteRuleSet",
		rewrite: locationOf("ServerRewriteRule", s.Context), paths: below(s.Context), port: 6443, timeout: 180, path: "/arcgis/"}
	b := backend{context: s.Context, pool: start + "ServerBackendPool", machines: p.fqdns(s.Machines), root: start + "ServerBackendSSLCert", anchors: anchors[s.Context]}
	switch s.Role {
	case "NotebookServer":
		main.port, main.timeout = 11443, 900
		if s.WebAdaptor {
			// guess: port and paths; Esri/arcgis-gitops probes a Notebook Server with
			// a Web Adaptor at 443, /notebooks/rest/info/healthcheck.
			main.port, main.path, health.path = 443, "/"+s.Context+"/", "/"+s.Context+"/rest/info/healthcheck"
		}
		b.ways = []way{main}
	case "MissionServer":
		main.port, health.port = 20443, 20443
		b.ways = []way{main, {start + "WSMissionServerPathRule", start + "WSMissionServerHttpsSetting", health.name, start + "WSMissionServerRewriteRuleSet",
			rewrite{"WSMissionServerRewriteRule", "wss?", "arcgis", s.Context, s.Context + "wss"}, []string{"/" + s.Context + "wss/*"}, 20301, 180, "/arcgis/"}}
	case "VideoServer":
		// guess: as the others, at the port of DSC's ArcGISVideoServer.
		main.port = 21443
		b.ways = []way{main}
	case "GeoEventServer":
		manager := probe{geo + "GeoeventServerProbeName", "/geoevent/manager", "200-399", 0}
		b.probes = []probe{manager}
		b.ways = []way{main,
			{geo + "GeoeventServerPathRule", geo + "GeoeventServerHttpsSetting", manager.name, geo + "GeoeventServerRewriteRuleSet",
				rewrite{"geoeventServerRewriteRule", "https?", "geoevent", s.GeoEvent, s.GeoEvent}, []string{"/" + s.GeoEvent + "/*"}, 6143, 180, "/geoevent/"},
			{geo + "WSGeoeventServerPathRule", geo + "WSGeoeventServerHttpsSetting", manager.name, geo + "WSGeoeventServerRewriteRuleSet",
				rewrite{"WSGeoeventServerRewriteRule", "wss?", "arcgis", s.GeoEvent, s.GeoEvent + "wss"}, []string{"/" + s.GeoEvent + "wss/*"}, 6143, 180, "/arcgis/"}}
	case "WorkflowManagerServer":
		// The source makes this probe and has the setting use the server's.
		b.probes = []probe{{start + "WFMServerProbeName", "/workflow/healthCheck", "200", 0}}
		b.ways = []way{main, {start + "WFMServerWorkflowPathRule", start + "WFMServerWorkflowHttpsSetting", health.name, start + "WFMServerRewriteRuleSet",
			rewrite{"WFMServerRewriteRule", "https?", "workflow", s.Context, s.Context + "wss"}, []string{"/" + s.Context + "/workflow/*"}, 13443, 540, "/workflow/"}}
	default:
		b.ways = []way{main}
	}
	b.probes = append([]probe{health}, b.probes...)
	return b
}

func below(context string) []string { return []string{"/" + context + "/*", "/" + context} }

func locationOf(name, context string) rewrite {
	return rewrite{name, "https?", "arcgis", context, context}
}

// rules send the host on and bend redirects of the machine back.
func (w way) rules() []any {
	location := func(context string) string {
		return "{http_resp_Location_1}://{http_req_host}/" + context + "{http_resp_Location_2}"
	}
	header := func(name, value string) []any { return []any{tree{"headerName": name, "headerValue": value}} }
	return []any{
		tree{"ruleSequence": 50, "conditions": []any{}, "name": "XForwardedHostRewrite", "actionSet": tree{
			"requestHeaderConfigurations": header("X-Forwarded-Host", "{http_req_host}"), "responseHeaderConfigurations": []any{}}},
		tree{"ruleSequence": 100, "name": w.rewrite.name, "conditions": []any{tree{"variable": "http_resp_Location", "ignoreCase": true, "negate": false,
			"pattern": `(` + w.rewrite.scheme + `):\/\/[^\/]+:` + strconv.Itoa(w.port) + `\/(?:` + w.rewrite.machine + `|` + w.rewrite.context + `)(.*)$`}}, "actionSet": tree{
			"requestHeaderConfigurations":  []any{},
			"responseHeaderConfigurations": slices.Concat(header("RewriteLocationValue", location(w.rewrite.context)), header("Location", location(w.rewrite.location)))}},
	}
}
