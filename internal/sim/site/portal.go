package site

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

func portalAdmin(c *call) (any, error) {
	return map[string]any{
		"isPostUpgrade": false, "isLicensePopulated": true, "isPortalLicensed": true,
		"isLicenseFileRequired": false, "isUserTypeLicensing": true,
		"resources": []string{"machines", "security", "system", "federation", "logs", "indexer", "license"},
		"version":   c.site.fullVersion(), "currentbuild": c.site.fullVersion() + ".0",
	}, nil
}

// portalHealth answers while the portal is available; otherwise a page comes,
// whatever f says (S17). Source: portal/health-check-portal
func portalHealth(*call) (any, error) { return success, nil }

func portalMachines(c *call) (any, error) {
	list := []any{}
	for _, m := range c.site.machines {
		list = append(list, map[string]any{
			"machineName": m.name, "adminURL": fmt.Sprintf("https://%s:%d/%s", m.name, m.site.product.port, m.site.spec.Context),
			"role": m.spec.Role, "platform": c.site.platform(),
		})
	}
	return map[string]any{"machines": list}, nil
}

// updatePortal assigns the web server's certificate and restarts the machine
// in the background (S17). What it is not given it keeps, except HSTS, whose
// documented default is false.
func updatePortal(c *call, m *machine) (any, error) {
	alias := c.body.Get("webServerCertificateAlias")
	m.mu.Lock()
	found := m.keystore[strings.ToLower(alias)]
	m.mu.Unlock()
	switch {
	case found == nil:
		return nil, c.aliasUnknown(alias)
	case found.key == nil:
		return nil, &failure{code: 500, message: "A root or intermediate certificate cannot be used as a Web server's SSL certificate"} // guess: as Server
	}
	c.site.mu.Lock()
	for _, field := range []string{"sslProtocols", "cipherSuites"} {
		if value := c.body.Get(field); value != "" {
			c.site.security[field] = value
		}
	}
	c.site.security["HSTSEnabled"] = c.body.Get("HSTSEnabled")
	c.site.tellSettings()
	c.site.mu.Unlock()
	m.mu.Lock()
	m.active = alias
	m.tellHeld()
	m.mu.Unlock()
	return c.afterRestart(m, "update: "+alias)
}

func sharingRoot(*call) (any, error) {
	return map[string]any{"currentVersion": "2024.1"}, nil
}

func sharingInfo(c *call) (any, error) {
	return map[string]any{
		"owningSystemUrl": c.site.spec.PublicURL,
		"authInfo": map[string]any{
			"tokenServicesUrl": c.site.spec.PublicURL + "/sharing/rest/generateToken", "isTokenBasedSecurity": true,
		},
	}, nil
}

// portalSelf describes the portal; it is open to everybody, and says who asks
// to whom has a token. Source: developers.arcgis.com/rest/users-groups-and-items/portal-self
func portalSelf(c *call) (any, error) {
	public, err := url.Parse(c.site.spec.PublicURL)
	if err != nil {
		return nil, err
	}
	self := map[string]any{
		"id": "0123456789ABCDEF", "name": "ArcGIS Enterprise", "isPortal": true, "allSSL": true,
		"portalHostname": public.Host + public.Path, "supportsHostedServices": true, "authorizedCrossOriginDomains": []string{},
	}
	if c.sentToken() != "" {
		if refused := c.authorize(); refused != nil {
			return nil, refused
		}
		self["user"] = c.site.administrator()
	}
	return self, nil
}

// communitySelf is the user of the token. Source: users-groups-and-items/self
func communitySelf(c *call) (any, error) { return c.site.administrator(), nil }

// communityUser is a user by name; there is the administrator alone.
// Source: users-groups-and-items/user
func communityUser(c *call) (any, error) {
	if c.r.PathValue("user") != c.site.spec.Admin {
		return nil, &failure{code: 400, message: "User does not exist or is inaccessible."} // guess
	}
	return c.site.administrator(), nil
}

func (s *Site) administrator() map[string]any {
	return map[string]any{
		"username": s.spec.Admin, "fullName": "Site Administrator", "role": "org_admin", "orgId": "0123456789ABCDEF",
		"level": "2", "privileges": []string{"portal:admin:updateServers"}, "groups": []any{},
	}
}

// Upgrade is what an upgrade of the software does to certificates: a portal
// keeps one alias for all its machines, and where they differ all go back to
// the self-signed certificate (S26, support.esri.com 000022836). Every machine
// restarts.
func (s *Site) Upgrade() {
	aliases := map[string]bool{}
	for _, m := range s.machines {
		m.mu.Lock()
		aliases[strings.ToLower(m.active)] = true
		m.mu.Unlock()
	}
	for _, m := range s.machines {
		if len(aliases) > 1 && s.spec.Product == Portal {
			m.mu.Lock()
			m.active = s.product.defaultAlias
			m.mu.Unlock()
		}
		m.restart("upgrade")
	}
}

func portalHome(c *call) (any, error) {
	return nil, c.page(http.StatusOK, "Home", "ArcGIS Enterprise")
}
