package site

import (
	"fmt"
	"strings"
	"testing"
)

// The version matrix, as a client meets it: each row is a question that an
// answer of the site settles. Reference §12.
func TestVersionMatrix(t *testing.T) {
	t.Parallel()
	leaf := issue(t, newAuthority(t, nil, "Root"), "gis1.example.net", nil)
	pfx := leaf.pfx(t, "abc")
	rows := []struct {
		topic    string
		products []string
		since    string // "" is never
		has      func(*Site, *client, string) bool
	}{
		{"entryType", []string{Server, Portal, Notebook, Mission, Video}, "10.8", func(_ *Site, c *client, base string) bool {
			return c.get(base + "/applicationgateway")["entryType"] == "PrivateKeyEntry"
		}},
		{"epochs", []string{Server, Portal, Notebook}, "11.1", func(_ *Site, c *client, base string) bool {
			return c.get(base + "/applicationgateway")["validUntilEpoch"] != nil
		}},
		{"chain of a PFX", []string{Server, Portal}, "11.3", func(s *Site, c *client, base string) bool {
			c.importPFX(s, base, "chained", pfx)
			return s.has("chained_root")
		}},
		{"chain of a PFX for Video", []string{Video}, "12.0", func(s *Site, c *client, base string) bool {
			c.importPFX(s, base, "chained", pfx)
			return s.has("chained_root")
		}},
		{"chain of a PFX for Notebook", []string{Notebook, Mission}, "", func(s *Site, c *client, base string) bool {
			c.importPFX(s, base, "chained", pfx)
			return s.has("chained_root")
		}},
		{"update in place", []string{Server, Portal}, "12.1", func(_ *Site, c *client, base string) bool {
			return c.updates(base, pfx)
		}},
		{"update in place elsewhere", []string{Notebook, Mission, Video}, "", func(_ *Site, c *client, base string) bool {
			return c.updates(base, pfx)
		}},
		{"certificates per machine", []string{Portal}, "10.8", func(_ *Site, c *client, _ string) bool {
			return errorCode(c.get("/portaladmin/machines/GIS1.EXAMPLE.NET/sslCertificates")) == 0
		}},
		{"TLS 1.3", []string{Portal, Server}, "10.9", func(_ *Site, c *client, base string) bool {
			path := "/admin/security/config"
			if strings.HasPrefix(base, "/portaladmin") {
				path = base
			}
			return strings.Contains(fmt.Sprint(c.get(path)), "TLSv1.3")
		}},
		{"settings in the portal's list", []string{Portal}, "10.8", func(_ *Site, c *client, base string) bool {
			return c.get(base)["sslProtocols"] != nil
		}},
		{"application/json", []string{Server, Portal}, "10.8", func(_ *Site, c *client, base string) bool {
			response, _ := c.page(base + "?f=json&token=" + c.token)
			return strings.HasPrefix(response.Header.Get("Content-Type"), "application/json")
		}},
		{"a refused import in JSON", []string{Portal}, "11.0", func(s *Site, c *client, base string) bool {
			_, text := c.send(c.uploadRequest(base+"/importExistingServerCertificate", "file", pfx, map[string]string{"alias": "portal", "password": "abc"}))
			return strings.HasPrefix(text, "{")
		}},
	}
	for _, version := range []string{"10.7.1", "10.8.1", "10.9.1", "11.1", "11.3", "11.5", "12.0", "12.1"} {
		for _, product := range []string{Server, Portal, Notebook, Mission, Video} {
			t.Run(version+" "+product, func(t *testing.T) {
				_, s, c := signedIn(t, product, version, nil)
				base := "/admin/machines/GIS1/sslcertificates"
				if product == Portal {
					base = "/portaladmin/machines/GIS1.EXAMPLE.NET/sslCertificates"
					if !s.version.atLeast(10, 8) {
						base = "/portaladmin/security/sslCertificates"
					}
				}
				for _, row := range rows {
					if !strings.Contains(fmt.Sprint(row.products), product) {
						continue
					}
					want := false
					if row.since != "" {
						first, err := parseVersion(row.since)
						if err != nil {
							t.Fatal(err)
						}
						want = s.version.atLeast(first.major, first.minor)
					}
					if got := row.has(s, c, base); got != want {
						t.Errorf("%s: %v, want %v", row.topic, got, want)
					}
				}
			})
		}
	}
}

// updates tells whether the active entry can be overwritten.
func (c *client) updates(base string, pfx []byte) bool {
	request := c.uploadRequest(base+"/applicationgateway/update", "file", pfx, map[string]string{"password": "abc"})
	request.Header.Set("X-Esri-Authorization", "Bearer "+c.token)
	return errorCode(c.json(request)) == 0
}
