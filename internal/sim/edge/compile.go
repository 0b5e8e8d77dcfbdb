package edge

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
)

// config is the document as the instances use it: references resolved,
// listeners in the order in which they are tried.
type config struct {
	listeners []*listener
	backends  []*backendGroup // every pair of pool and HTTP settings in use
	disturbed bool            // by a fault
}

// listener is one httpListener with the rule that belongs to it.
type listener struct {
	name        string
	endpoint    endpointKey
	hosts       []string // lower-case patterns; none for a basic listener
	certificate *tls.Certificate
	routes      []route
	fallback    *destination
}

// route is one path pattern and where it leads.
type route struct {
	prefix string // lower-case, without the "*"
	exact  bool
	to     *destination
}

// destination is a redirect, or a backend with what is rewritten on the way.
type destination struct {
	redirect *redirect
	backend  *backendGroup
	rewrites []*rewrite
}

// compiler resolves the references of one document.
type compiler struct {
	gateway   *Gateway
	document  *document
	certs     map[string]tls.Certificate
	addresses map[string]string
	config    *config
}

func (g *Gateway) compile(tree map[string]any, certs map[string]tls.Certificate, addresses map[string]string) (*config, error) {
	parsed, err := parse(tree)
	if err != nil {
		return nil, err
	}
	c := &compiler{gateway: g, document: parsed, certs: lowered(certs), addresses: lowered(addresses), config: &config{}}
	rules := slices.Clone(parsed.Properties.RequestRoutingRules)
	// Rule priority is the order in which listeners are tried on v2:
	// learn.microsoft.com/azure/application-gateway/configuration-listeners
	slices.SortStableFunc(rules, func(a, b child[routingRule]) int {
		return cmp.Compare(a.Properties.Priority, b.Properties.Priority)
	})
	for _, rule := range rules {
		if err := c.addRule(rule); err != nil {
			return nil, fmt.Errorf("rule %s: %w", rule.Name, err)
		}
	}
	return c.config, nil
}

func (c *compiler) addRule(rule child[routingRule]) error {
	found, err := find("httpListeners", c.document.Properties.HTTPListeners, rule.Properties.HTTPListener)
	if err != nil {
		return err
	}
	listener, err := c.listener(found)
	if err != nil {
		return fmt.Errorf("listener %s: %w", found.Name, err)
	}
	if rule.Properties.URLPathMap == nil {
		listener.fallback, err = c.destination(rule.Properties.target)
	} else {
		err = c.addPaths(listener, rule.Properties.URLPathMap)
	}
	if err != nil {
		return err
	}
	c.config.listeners = append(c.config.listeners, listener)
	return nil
}

func (c *compiler) listener(found *child[httpListener]) (*listener, error) {
	properties := found.Properties
	port, err := find("frontendPorts", c.document.Properties.FrontendPorts, properties.FrontendPort)
	if err != nil {
		return nil, err
	}
	frontend, err := find("frontendIPConfigurations", c.document.Properties.FrontendIPConfigurations, properties.FrontendIPConfiguration)
	if err != nil {
		return nil, err
	}
	private := frontend.Properties.PublicIPAddress == nil && frontend.Properties.PrivateIPAddress != ""
	address := c.addresses[strings.ToLower(frontend.Name)]
	if private {
		address = cmp.Or(address, frontend.Properties.PrivateIPAddress)
	}
	if net.ParseIP(address) == nil {
		return nil, fmt.Errorf("frontend %s: %q is no address", frontend.Name, address)
	}
	made := &listener{
		name: found.Name,
		endpoint: endpointKey{
			inside: private, address: address, port: port.Properties.Port,
			tls: strings.EqualFold(properties.Protocol, "Https"),
		},
	}
	for _, host := range append([]string{properties.HostName}, properties.HostNames...) {
		if host != "" {
			made.hosts = append(made.hosts, strings.ToLower(host))
		}
	}
	if !made.endpoint.tls {
		return made, nil
	}
	certificate, ok := c.certs[properties.SSLCertificate.entry()]
	if !ok || len(certificate.Certificate) == 0 {
		return nil, fmt.Errorf("no key pair for certificate %q", properties.SSLCertificate.entry())
	}
	made.certificate = &certificate
	return made, nil
}

func (c *compiler) addPaths(listener *listener, to *reference) error {
	found, err := find("urlPathMaps", c.document.Properties.URLPathMaps, to)
	if err != nil {
		return err
	}
	properties := found.Properties
	listener.fallback, err = c.destination(target{
		BackendAddressPool:    properties.DefaultBackendAddressPool,
		BackendHTTPSettings:   properties.DefaultBackendHTTPSettings,
		RewriteRuleSet:        properties.DefaultRewriteRuleSet,
		RedirectConfiguration: properties.DefaultRedirectConfiguration,
	})
	if err != nil {
		return fmt.Errorf("path map %s: default: %w", found.Name, err)
	}
	for _, rule := range properties.PathRules {
		to, err := c.destination(rule.Properties.target)
		if err != nil {
			return fmt.Errorf("path map %s: rule %s: %w", found.Name, rule.Name, err)
		}
		for _, pattern := range rule.Properties.Paths {
			prefix, open := strings.CutSuffix(strings.ToLower(pattern), "*")
			listener.routes = append(listener.routes, route{prefix: prefix, exact: !open, to: to})
		}
	}
	return nil
}

func (c *compiler) destination(to target) (*destination, error) {
	rewrites, err := c.rewrites(to.RewriteRuleSet)
	if err != nil {
		return nil, err
	}
	if to.RedirectConfiguration != nil {
		redirect, err := c.redirect(to.RedirectConfiguration)
		return &destination{redirect: redirect, rewrites: rewrites}, err
	}
	group, err := c.backendGroup(to.BackendAddressPool, to.BackendHTTPSettings)
	return &destination{backend: group, rewrites: rewrites}, err
}

func lowered[V any](values map[string]V) map[string]V {
	result := make(map[string]V, len(values))
	for key, value := range values {
		result[strings.ToLower(key)] = value
	}
	return result
}
