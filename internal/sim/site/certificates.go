package site

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// importFailed is what a failed import says (S9, S10). The text of Server was
// seen in Esri/arcgis-cookbook#225; the code, and the JSON of Portal, are a
// guess. Old portals answer a page with HTTP 200 (Esri/arcgis-python-api#262).
func (c *call) importFailed() error {
	if c.site.spec.Product != Portal {
		return &failure{code: 500, message: "Importing CA certificate failed."}
	}
	if !c.site.version.atLeast(11, 0) {
		return c.page(http.StatusOK, "Error", "Error: 500\nUnable to import certificate")
	}
	return &failure{code: 500, message: "Unable to import certificate"}
}

func listCertificates(c *call, m *machine) (any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := c.site.product.listKey
	if c.site.spec.Options.CertificatesKey && (c.site.spec.Product == Notebook || c.site.spec.Product == Mission) {
		key = "certificates"
	}
	list := map[string]any{key: slices.Sorted(maps.Keys(m.keystore))}
	if c.site.spec.Product == Portal {
		list["webServerCertificateAlias"] = m.active
		c.site.mu.Lock()
		defer c.site.mu.Unlock()
		list["sslProtocols"] = c.site.security["sslProtocols"]
		list["cipherSuites"] = c.site.security["cipherSuites"]
		list["HSTSEnabled"] = isTrue(c.site.security["HSTSEnabled"])
	}
	return list, nil
}

// importServerCertificate takes a PFX in under a new alias. It restarts nothing
// and never overwrites (S9).
func importServerCertificate(c *call, m *machine) (any, error) {
	alias := strings.ToLower(c.body.Get("alias"))
	made, err := readPFX(c.files[c.site.product.pfxFile], c.body.Get(c.site.product.pfxPassword))
	if err != nil && c.site.spec.Options.SilentBadPassword {
		return success, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if alias == "" || err != nil || m.keystore[alias] != nil {
		return nil, c.importFailed()
	}
	m.keystore[alias] = made
	if c.importsChain() {
		m.addChain(alias, made)
	}
	return success, nil
}

// importsChain tells whether the chain of the PFX becomes entries of its own
// (S11): from 11.3 on Server and Portal, and in Video's documentation.
func (c *call) importsChain() bool {
	since := map[string]version{Server: {11, 3}, Portal: {11, 3}, Video: {12, 0}}
	first, ever := since[c.site.spec.Product]
	if !ever || !c.site.version.atLeast(first.major, first.minor) {
		return false
	}
	return !c.body.Has("importCertificateChain") || isTrue(c.body.Get("importCertificateChain"))
}

// addChain adds <alias>_root and <alias>_intermediate. guess: several
// intermediates are numbered, and an entry that is there stays as it is.
func (m *machine) addChain(alias string, of *entry) {
	var intermediates []string
	add := func(name string, trusted *entry) {
		if m.keystore[name] == nil {
			m.keystore[name] = trusted
		}
	}
	for _, certificate := range of.chain {
		if selfIssued(certificate) {
			add(alias+"_root", trustedEntry(certificate))
			continue
		}
		name := alias + "_intermediate"
		if n := len(intermediates); n > 0 {
			name += string(rune('0' + min(n, 9)))
		}
		intermediates = append(intermediates, name)
		add(name, trustedEntry(certificate))
	}
}

// importRoot takes a CA certificate in. On Server it comes into force with the
// next restart (S19, guess); Portal restarts unless told not to (S18).
func importRoot(c *call, m *machine) (any, error) {
	alias := strings.ToLower(c.body.Get("alias"))
	certificate, err := readCertificate(c.files[c.site.product.rootFile])
	m.mu.Lock()
	if alias == "" || err != nil || m.keystore[alias] != nil {
		m.mu.Unlock()
		return nil, c.importFailed()
	}
	m.keystore[alias] = trustedEntry(certificate)
	m.mu.Unlock()
	if c.site.spec.Product == Portal && !isTrue(c.body.Get("norestart")) {
		return c.afterRestart(m, "root imported under "+alias)
	}
	return success, nil
}

// deleteCertificate removes an entry; not the active one (S20).
func deleteCertificate(c *call, m *machine) (any, error) {
	alias := strings.ToLower(c.r.PathValue("alias"))
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keystore[alias] == nil {
		return nil, notFound(alias) // S21
	}
	if strings.EqualFold(alias, m.active) && !c.site.spec.Options.DeleteActive {
		return nil, &failure{code: 500, message: "The certificate '" + alias + "' is in use by the web server and cannot be deleted."} // guess
	}
	delete(m.keystore, alias)
	return success, nil
}

// updateInPlace overwrites an entry with a key; if it is the active one it is
// served at once, without a restart (S22). Source:
// developers.arcgis.com/rest/enterprise-administration/server/update-ssl
func updateInPlace(c *call, m *machine) (any, error) {
	alias := strings.ToLower(c.r.PathValue("alias"))
	made, err := readPFX(c.files["file"], c.body.Get("password"))
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.keystore[alias]
	switch {
	case before == nil:
		return nil, notFound(alias)
	case before.key == nil || err != nil:
		return nil, c.importFailed()
	}
	m.keystore[alias] = made
	if m.served.Load() == before {
		m.served.Store(made)
	}
	return success, nil
}

func exportCertificate(c *call, m *machine) (any, error) {
	alias := strings.ToLower(c.r.PathValue("alias"))
	m.mu.Lock()
	found := m.keystore[alias]
	m.mu.Unlock()
	if found == nil {
		return nil, notFound(alias)
	}
	c.w.Header().Set("Content-Type", "application/x-x509-ca-cert")
	c.w.Header().Set("Content-Disposition", `attachment; filename="certificate.crt"`)
	_, _ = c.w.Write(found.leaf.Raw)
	return nil, errAnswered
}

// afterRestart answers success to a change that restarts a machine, or cuts the
// connection, and lets the restart begin (S15, S17).
func (c *call) afterRestart(m *machine, reason string) (any, error) {
	m.restart(reason)
	if c.site.spec.Options.DropAnswer {
		return nil, c.cut()
	}
	return success, nil
}
