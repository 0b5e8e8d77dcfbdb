package sim

import "strings"

// listener is one that somebody added to the gateway of a deployment: Cloud
// Builder itself makes a pair, for HTTP and HTTPS, and no more. Behind it is
// the whole deployment, one of its sites, or a plain web site.
// guess: how people name such listeners, and that a site behind one keeps the
// record that Cloud Builder gave it; a world's file says otherwise if need be.
type listener struct {
	Name     string
	Hosts    []string
	Names    []string // that resolve; none: the hosts that are no patterns
	Frontend string   // private, or "" for the one of the deployment
	// Certificate is the entry's name; "" is the deployment's own. Another
	// entry holds a certificate of its own for the hosts.
	Certificate string
	SNI         bool
	Site        string // context of a site
	Web         string // address of a web server
}

const ownEntry = "frontendCert"

func (l listener) entry() string {
	if l.Certificate != "" {
		return l.Certificate
	}
	return ownEntry
}

// resolved are the names by which clients reach the listener.
func (l listener) resolved() []string {
	if len(l.Names) > 0 {
		return l.Names
	}
	var names []string
	for _, host := range l.Hosts {
		if !strings.ContainsAny(host, "*?") {
			names = append(names, host)
		}
	}
	return names
}

// certificateNames are what the deployment's own certificate must cover: its
// names and the hosts of all listeners that show it.
func (p place) certificateNames() []string {
	names := p.names()
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	for _, l := range p.Listeners {
		for _, host := range l.Hosts {
			if l.entry() == ownEntry && !known[host] {
				known[host], names = true, append(names, host)
			}
		}
	}
	return names
}

// hasListener tells whether a site has a listener of its own, so that the path
// map of the deployment does not lead to it.
func (p place) hasListener(context string) bool {
	for _, l := range p.Listeners {
		if l.Site == context {
			return true
		}
	}
	return false
}

// addListeners puts the further listeners into a gateway's properties.
func (p place) addListeners(properties tree, backends []backend) {
	id := p.gatewayID()
	add := func(collection, name string, child tree) tree {
		list, _ := properties[collection].([]any)
		properties[collection] = append(list, tree{"name": name, "properties": child})
		return tree{"id": id + "/" + collection + "/" + name}
	}
	for i, l := range p.Listeners {
		frontend := p.mainFrontend()
		if l.Frontend == "private" {
			frontend = p.privateFrontend()
		}
		shown := add("httpListeners", l.Name+"-https", tree{
			"frontendIPConfiguration": tree{"id": id + "/frontendIPConfigurations/" + frontend},
			"frontendPort":            tree{"id": id + "/frontendPorts/" + p.section() + "Port443"},
			"protocol":                "Https", "hostNames": l.Hosts, "requireServerNameIndication": l.SNI,
			"sslCertificate": tree{"id": id + "/sslCertificates/" + l.entry()},
		})
		rule := tree{"ruleType": "PathBasedRouting", "priority": 30 + 10*i, "httpListener": shown}
		switch {
		case l.Web != "":
			rule["ruleType"] = "Basic"
			rule["backendAddressPool"] = add("backendAddressPools", l.Name+"-pool", tree{"backendAddresses": []any{tree{"ipAddress": l.Web}}})
			rule["backendHttpSettings"] = add("backendHttpSettingsCollection", l.Name+"-http", webSetting())
		case l.Site != "":
			rule["urlPathMap"] = add("urlPathMaps", l.Name+"-paths", p.pathMap(backends, func(context string) bool { return context == l.Site }))
		default:
			rule["urlPathMap"] = tree{"id": id + "/urlPathMaps/" + p.section() + "PathMap"}
		}
		add("requestRoutingRules", l.Name+"-rule", rule)
	}
}

// webSetting reaches a web server without TLS and with Azure's default probe.
func webSetting() tree {
	return tree{"port": 80, "protocol": "Http", "cookieBasedAffinity": "Disabled", "pickHostNameFromBackendAddress": false, "requestTimeout": 20}
}
