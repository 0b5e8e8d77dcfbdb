package site

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// platform is that of live answers. guess: the one for Linux.
func (s *Site) platform() string {
	if s.spec.Linux {
		return "Linux-amd64-5.14.0"
	}
	return "Windows Server 2022-amd64-10.0"
}

// heap is what a machine's processes may take, in MB; -1 is the default.
type heap struct{ web, app, soc int }

var defaultHeap = heap{-1, 256, 64}

// edit takes the sizes that a form names; the others go back to their defaults
// (guess) unless keep.
func (h heap) edit(form url.Values, keep bool) heap {
	next := defaultHeap
	if keep {
		next = h
	}
	for field, size := range map[string]*int{"webServerMaxHeapSize": &next.web, "appServerMaxHeapSize": &next.app, "socMaxHeapSize": &next.soc} {
		if n, err := strconv.Atoi(form.Get(field)); err == nil {
			*size = n
		}
	}
	return next
}

// serverAdmin answers the root of the administrator directory. A client reads
// a refusal of it as "the site exists" (S7).
func serverAdmin(c *call) (any, error) {
	root := map[string]any{
		"isServerLicensed": "true", // a string, seen in live answers
		"resources":        []string{"machines", "clusters", "services", "security", "system", "data", "uploads", "logs", "usagereports"},
		"currentVersion":   c.site.versionNumber(), "fullVersion": c.site.fullVersion(),
	}
	if c.site.spec.Product != Server {
		root["currentVersion"] = c.site.fullVersion() // a string in this family
	}
	return root, nil
}

func serverLocal(c *call) (any, error) {
	return map[string]any{"machineName": c.machine.name}, nil
}

func serverMachines(c *call) (any, error) {
	list := []any{}
	for _, m := range c.site.machines {
		m.mu.Lock()
		list = append(list, map[string]any{"machineName": m.name, "adminURL": m.adminURL})
		m.mu.Unlock()
	}
	return map[string]any{"machines": list}, nil
}

func serverMachine(_ *call, m *machine) (any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return map[string]any{
		"machineName": m.name, "platform": m.site.platform(), "adminURL": m.adminURL,
		"ports":                map[string]any{"HTTP": 6080, "HTTPS": m.site.product.port},
		"ServerStartTime":      m.startedAt.UnixMilli(),
		"webServerMaxHeapSize": m.heap.web, "appServerMaxHeapSize": m.heap.app, "socMaxHeapSize": m.heap.soc,
		"webServerSSLEnabled": true, "webServerCertificateAlias": m.active,
		"configuredState": "STARTED", "synchronize": false, "underMaintenance": false,
	}, nil
}

func serverMachineStatus(_ *call, m *machine) (any, error) {
	state := "STOPPED"
	if m.ready.Load() {
		state = "STARTED"
	}
	return map[string]any{"configuredState": "STARTED", "realTimeState": state}, nil
}

// editMachine assigns the web server's certificate and restarts the machine,
// even if nothing changed (S14, S15, S16).
func editMachine(c *call, m *machine) (any, error) {
	m.mu.Lock()
	adminURL := cmp.Or(c.body.Get("adminURL"), m.adminURL)
	alias := cmp.Or(c.body.Get("webServerCertificateAlias"), m.active)
	found := m.keystore[strings.ToLower(alias)]
	m.mu.Unlock()
	switch {
	case found == nil:
		return nil, c.aliasUnknown(alias)
	case found.key == nil:
		// Seen in support.esri.com 000032252.
		return nil, &failure{code: 500, message: "A root or intermediate certificate cannot be used as a Web server's SSL certificate"}
	case !c.reachable(adminURL):
		// Seen in Esri/arcgis-cookbook#225.
		return nil, &failure{code: 500, message: fmt.Sprintf("Admin URL '%s' is not reachable from '%s'. For more information, see the "+
			"ArcGIS Server help topic \"About adding a GIS server to a site\".", adminURL, m.name)}
	}
	m.mu.Lock()
	m.adminURL, m.active, m.heap = adminURL, alias, m.heap.edit(c.body, c.site.spec.Options.EditKeeps)
	m.tellHeld()
	m.mu.Unlock()
	return c.afterRestart(m, "edit: "+alias)
}

func (c *call) aliasUnknown(alias string) error {
	return c.unpublished(AliasUnknown, Answer{Code: 500, Message: fmt.Sprintf("The certificate with alias '%s' does not exist.", alias)})
}

// reachable tells whether something listens where a URL points to.
func (c *call) reachable(address string) bool {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		return false
	}
	host := parsed.Host
	if parsed.Port() == "" {
		host += ":443"
	}
	conn, err := c.site.ground.Inside.DialContext(c.r.Context(), "tcp", host)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

func securityConfig(c *call) (any, error) {
	c.site.mu.Lock()
	defer c.site.mu.Unlock()
	protocol := cmp.Or(c.site.security["Protocol"], "HTTPS")
	return map[string]any{
		"Protocol": protocol, "sslEnabled": protocol != "HTTP", "httpEnabled": protocol != "HTTPS",
		"HSTSEnabled":    isTrue(c.site.security["HSTSEnabled"]),
		"httpsProtocols": c.site.security["sslProtocols"], "cipherSuites": c.site.security["cipherSuites"],
		"authenticationTier": "ARCGIS_PORTAL", "authenticationMode": "ARCGIS_PORTAL_TOKEN",
	}, nil
}

// updateSecurityConfig changes what it was given and restarts the web servers
// of all machines (S25).
func updateSecurityConfig(c *call) (any, error) {
	c.site.mu.Lock()
	for field, kept := range map[string]string{
		"Protocol": "Protocol", "httpsProtocols": "sslProtocols", "cipherSuites": "cipherSuites", "HSTSEnabled": "HSTSEnabled",
	} {
		if c.body.Has(field) {
			c.site.security[kept] = c.body.Get(field)
		}
	}
	c.site.tellSettings()
	c.site.mu.Unlock()
	for _, m := range c.site.machines {
		m.restart("security configuration")
	}
	return success, nil
}

// serverHealth is open to everybody. Source:
// developers.arcgis.com/rest/services-reference/enterprise/health-check
func serverHealth(c *call) (any, error) {
	if c.site.spec.Product == Video {
		return map[string]any{"success": "true"}, nil // a string in Video's documentation
	}
	return map[string]any{"success": true}, nil
}

func serverInfo(c *call) (any, error) {
	own := map[string]any{"isTokenBasedSecurity": true, "shortLivedTokenValidity": 60}
	info := map[string]any{
		"currentVersion": c.site.versionNumber(), "fullVersion": c.site.fullVersion(),
		"soapUrl": c.site.spec.PublicURL + "/services", "secureSoapUrl": nil, "authInfo": own,
	}
	own["tokenServicesUrl"] = c.site.spec.PublicURL + "/tokens/"
	if portal := c.site.spec.Portal; portal != nil {
		info["owningSystemUrl"] = portal.spec.PublicURL
		own["tokenServicesUrl"] = portal.spec.PublicURL + "/sharing/rest/generateToken"
	}
	return info, nil
}

func serverServices(c *call) (any, error) {
	return map[string]any{
		"currentVersion": c.site.versionNumber(), "folders": []string{"System", "Utilities"},
		"services": []any{map[string]any{"name": "SampleWorldCities", "type": "MapServer"}},
		"time":     time.Now().UnixMilli(),
	}, nil
}

// baseURL is the machine's own address with the internal context.
func (m *machine) baseURL() string {
	return fmt.Sprintf("https://%s:%d/%s", m.host, m.site.product.port, m.site.spec.Context)
}
