package cloud

import "strings"

// Route is one way by which requests of a listener reach a backend pool.
type Route struct {
	// Listener, Pool and Setting are names of the gateway's children.
	Listener string
	Pool     string
	Setting  string
	// Paths are the URL paths that go this way, as written ("/portal/*"); none
	// means what no other route of the listener takes.
	Paths []string
	// Port is the one that the backend is asked on.
	Port int
	// Probe is the path that tells whether a backend is well, and ProbeHost the
	// host that it is asked under, "" when that is the backend's own.
	Probe     string
	ProbeHost string
}

// Routes are the ways from listeners to pools, in the order of the routing
// rules. Redirections lead to no pool and are left out.
func (g *Gateway) Routes() []Route {
	var routes []Route
	for _, rule := range g.children("requestRoutingRules") {
		listener := ""
		if child := g.child("httpListeners", textAt(rule, "properties", "httpListener", "id")); child != nil {
			listener = textAt(child, "name")
		}
		properties := objectAt(rule, "properties")
		if to, ok := g.route(properties, "backendAddressPool", "backendHttpSettings"); ok {
			to.Listener = listener
			routes = append(routes, to)
		}
		paths := g.child("urlPathMaps", textAt(properties, "urlPathMap", "id"))
		for _, item := range listAt(paths, "properties", "pathRules") {
			if to, ok := g.route(objectAt(item, "properties"), "backendAddressPool", "backendHttpSettings"); ok {
				to.Listener, to.Paths = listener, textsAt(item, "properties", "paths")
				routes = append(routes, to)
			}
		}
		if to, ok := g.route(objectAt(paths, "properties"), "defaultBackendAddressPool", "defaultBackendHttpSettings"); ok {
			to.Listener = listener
			routes = append(routes, to)
		}
	}
	return routes
}

// route reads where the properties of a rule lead to.
func (g *Gateway) route(properties map[string]any, pool, setting string) (Route, bool) {
	target := g.child("backendAddressPools", textAt(properties, pool, "id"))
	if target == nil {
		return Route{}, false
	}
	to := Route{Pool: textAt(target, "name")}
	if settings := g.child("backendHttpSettingsCollection", textAt(properties, setting, "id")); settings != nil {
		to.Setting = textAt(settings, "name")
		to.Port = numberAt(settings, "properties", "port")
		if probe := g.child("probes", textAt(settings, "properties", "probe", "id")); probe != nil {
			to.Probe = textAt(probe, "properties", "path")
			to.ProbeHost = strings.ToLower(textAt(probe, "properties", "host"))
		}
	}
	return to, true
}
