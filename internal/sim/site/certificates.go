package site

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// importFailed is what a failed import says (S9, S10). The text of Server was
// seen in Esri/arcgis-cookbook#225; the code, and the JSON of Portal, are a
// guess. Old portals answer a page with HTTP 200 (Esri/arcgis-python-api#262).
func (c *call) importFailed() error {
	message := "Importing CA certificate failed."
	if c.site.spec.Product == Portal {
		message = "Unable to import certificate"
		if !c.site.version.atLeast(11, 0) {
			return c.unpublished(ImportFailed, Answer{Code: 500, Message: message, HTML: true})
		}
	}
	return c.unpublished(ImportFailed, Answer{Code: 500, Message: message})
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
		list["sslProtocols"], list["cipherSuites"] = nil, nil // old portals: seen in Esri/arcgis-cookbook#183
		if c.site.version.atLeast(10, 8) {
			list["sslProtocols"] = c.site.security["sslProtocols"]
			list["cipherSuites"] = c.site.security["cipherSuites"]
			list["HSTSEnabled"] = isTrue(c.site.security["HSTSEnabled"])
		}
	}
	return list, nil
}

// importServerCertificate takes a PFX in under a new alias. It restarts nothing
// and never overwrites (S9).
func importServerCertificate(c *call, m *machine) (any, error) {
	if c.takeFault("import-vanishes", "import") {
		return success, nil // as support.esri.com 000037586 has it
	}
	alias := strings.ToLower(c.body.Get("alias"))
	made, err := c.readPFX(c.files[c.site.product.pfxFile], c.body.Get(c.site.product.pfxPassword))
	if err != nil && c.site.spec.Options.SilentBadPassword {
		return success, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if alias == "" || err != nil || m.keystore[alias] != nil || c.chainClashes(m, alias) {
		return nil, c.importFailed()
	}
	m.keystore[alias] = made
	if c.importsChain() {
		m.addChain(alias, made)
	} else if c.body.Has("importCertificateChain") {
		made.alone = c.site.spec.Options.ChainNotServed
	}
	m.trustNow()
	m.tellHeld()
	if c.takeFault("machine-lost", "import") {
		m.lose()
	}
	return success, nil
}

// chainClashes tells whether an import would meet an entry of its chain.
func (c *call) chainClashes(m *machine, alias string) bool {
	return c.site.spec.Options.ChainClash && c.importsChain() && m.keystore[alias+"_root"] != nil
}

// trustNow puts the trusted entries in force where that needs no restart. The
// caller holds mu.
func (m *machine) trustNow() {
	if m.site.spec.Options.TrustAtOnce {
		m.trusted = m.trustedEntries()
	}
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
	var intermediates, all int
	for _, certificate := range of.chain {
		if !selfIssued(certificate) {
			all++
		}
	}
	first := 0
	if m.site.spec.Options.ChainNumbered && all > 1 {
		first = 1
	}
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
		if n := first + intermediates; n > 0 {
			name += strconv.Itoa(n)
		}
		intermediates++
		add(name, trustedEntry(certificate))
	}
}

// importRoot takes a CA certificate in. On Server it comes into force with the
// next restart (S19, guess); Portal restarts unless told not to (S18).
func importRoot(c *call, m *machine) (any, error) {
	if c.takeFault("import-vanishes", "root-import") {
		return success, nil
	}
	alias := strings.ToLower(c.body.Get("alias"))
	certificate, err := readCertificate(c.files[c.site.product.rootFile])
	m.mu.Lock()
	if alias == "" || err != nil || m.keystore[alias] != nil {
		m.mu.Unlock()
		return nil, c.importFailed()
	}
	m.keystore[alias] = trustedEntry(certificate)
	m.trustNow()
	m.tellHeld()
	if c.takeFault("machine-lost", "root-import") {
		m.lose()
	}
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
		return nil, c.unpublished(ActiveDeleted, Answer{Code: 500, Message: "The certificate '" + alias + "' is in use by the web server and cannot be deleted."})
	}
	delete(m.keystore, alias)
	m.trustNow()
	m.tellHeld()
	return success, nil
}

// updateInPlace overwrites an entry with a key; if it is the active one it is
// served at once, without a restart (S22). Source:
// developers.arcgis.com/rest/enterprise-administration/server/update-ssl
func updateInPlace(c *call, m *machine) (any, error) {
	alias := strings.ToLower(c.r.PathValue("alias"))
	made, err := c.readPFX(c.files["file"], c.body.Get("password"))
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
	if c.site.spec.Options.UpdateImportsChain {
		m.addChain(alias, made)
	}
	m.tellHeld()
	if m.served.Load() == before {
		m.serve(made)
		m.tellServed()
	}
	for _, e := range m.extensions {
		if c.site.spec.Options.UpdateReachesExtensions && e.served.Load() == before {
			e.serve(made)
			e.tellServed()
		}
	}
	if answer, other := c.site.spec.Options.Answers[UpdateDone]; other {
		return json.RawMessage(answer.Raw), nil
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
	options := c.site.spec.Options
	if options.DropAnswer || options.DropChance > 0 && rand.Float64() < options.DropChance {
		return nil, c.cut()
	}
	return success, nil
}
