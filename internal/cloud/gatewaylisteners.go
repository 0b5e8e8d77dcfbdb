package cloud

import "strings"

// Listener is a listener of the gateway.
type Listener struct {
	Name string
	ID   string
	// Protocol is "Https", "Http" (or of newer kinds "Tls", "Tcp"), as spelled.
	Protocol string
	Port     int
	// HostNames may hold * and ?; none means every name.
	HostNames []string
	// CertificateID and CertificateName are of the sslCertificates entry.
	CertificateID   string
	CertificateName string
	// FrontendName is the frontend IP configuration. A private one has
	// PrivateIP ("" when it is dynamic and not told), a public one PublicIPID.
	FrontendName string
	Private      bool
	PublicIPID   string
	PrivateIP    string
	// SubnetID is where a private frontend is.
	SubnetID   string
	RequireSNI bool
	// FirewallPolicyID is the listener's own WAF policy, "" when it has none.
	FirewallPolicyID string
}

// HTTPS tells whether the listener ends TLS for HTTP.
func (l Listener) HTTPS() bool { return strings.EqualFold(l.Protocol, "Https") }

// Listeners are the HTTP and HTTPS listeners in the document's order.
func (g *Gateway) Listeners() []Listener {
	var listeners []Listener
	for _, item := range g.children("httpListeners") {
		listeners = append(listeners, g.listener(item))
	}
	return listeners
}

// HTTPSListeners are the listeners that need a certificate.
func (g *Gateway) HTTPSListeners() []Listener {
	var https []Listener
	for _, listener := range g.Listeners() {
		if listener.HTTPS() {
			https = append(https, listener)
		}
	}
	return https
}

// Listener finds a listener by its name, whose case does not matter.
func (g *Gateway) Listener(name string) (Listener, bool) {
	for _, listener := range g.Listeners() {
		if strings.EqualFold(listener.Name, name) {
			return listener, true
		}
	}
	return Listener{}, false
}

func (g *Gateway) listener(item map[string]any) Listener {
	properties := objectAt(item, "properties")
	listener := Listener{
		Name:             textAt(item, "name"),
		ID:               g.childID("httpListeners", item),
		Protocol:         textAt(properties, "protocol"),
		HostNames:        hostNames(properties),
		CertificateID:    textAt(properties, "sslCertificate", "id"),
		RequireSNI:       boolAt(properties, "requireServerNameIndication"),
		FirewallPolicyID: textAt(properties, "firewallPolicy", "id"),
	}
	listener.CertificateName = lastName(listener.CertificateID)
	if entry := g.child("sslCertificates", listener.CertificateID); entry != nil {
		listener.CertificateName = textAt(entry, "name") // as it is spelled there
	}
	if port := g.child("frontendPorts", textAt(properties, "frontendPort", "id")); port != nil {
		listener.Port = numberAt(port, "properties", "port")
	}
	frontendID := textAt(properties, "frontendIPConfiguration", "id")
	listener.FrontendName = lastName(frontendID)
	if frontend := g.child("frontendIPConfigurations", frontendID); frontend != nil {
		listener.FrontendName = textAt(frontend, "name")
		listener.PublicIPID = textAt(frontend, "properties", "publicIPAddress", "id")
		listener.PrivateIP = textAt(frontend, "properties", "privateIPAddress")
		listener.SubnetID = textAt(frontend, "properties", "subnet", "id")
		listener.Private = listener.PublicIPID == ""
	}
	return listener
}

// hostNames: older documents have one hostName, newer ones a list; Azure gives
// both when there is one.
func hostNames(properties map[string]any) []string {
	names := textsAt(properties, "hostNames")
	if len(names) == 0 {
		if name := textAt(properties, "hostName"); name != "" {
			names = []string{name}
		}
	}
	return names
}

// child finds a child by its id.
func (g *Gateway) child(list, id string) map[string]any {
	if id == "" {
		return nil
	}
	for _, item := range g.children(list) {
		if SameID(g.childID(list, item), id) {
			return item
		}
	}
	return nil
}
