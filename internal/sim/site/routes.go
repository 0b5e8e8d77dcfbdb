package site

import (
	"net/http"
	"slices"
)

// routes are the resources of a machine. Paths have the spelling that
// normalise gives them.
func (m *machine) routes() *http.ServeMux {
	m.mux = http.NewServeMux()
	root := "/" + m.site.spec.Context
	m.handle("/", unknownPath)
	switch m.site.spec.Product {
	case Portal:
		m.portalRoutes(root)
	case DataStore:
		m.storeRoutes()
	default:
		m.serverRoutes(root)
	}
	return m.mux
}

func (m *machine) serverRoutes(root string) {
	admins := root + "/admin"
	m.handle(admins, admin(serverAdmin))
	m.handle(admins+"/generatetoken", generateToken)
	m.handle(admins+"/local", admin(serverLocal))
	m.handle(admins+"/machines", admin(serverMachines))
	m.handle(admins+"/machines/{machine}", admin(onMachine(serverMachine)))
	m.handle(admins+"/machines/{machine}/status", admin(onMachine(serverMachineStatus)))
	m.handle("POST "+admins+"/machines/{machine}/edit", admin(change("assign", onMachine(editMachine))))
	m.certificateRoutes(admins + "/machines/{machine}/sslcertificates")
	m.handle(admins+"/security/config", admin(securityConfig))
	m.handle("POST "+admins+"/security/config/update", admin(updateSecurityConfig))
	m.handle(admins+"/system/webadaptors", admin(webAdaptors))
	m.handle("POST "+admins+"/data/findItems", admin(findItems))
	m.handle("POST "+admins+"/data/items/{kind}/{store}/machines", admin(onStore(storeMachines)))
	m.handle("POST "+admins+"/data/items/{kind}/{store}/machines/{machine}/validate", admin(onStore(validateStore)))

	m.handle(root+"/rest/info/healthcheck", faulty(m.site.product.healthStep, serverHealth))
	m.handle(root+"/rest/info", serverInfo)
	m.handle(root+"/rest/services", serverServices)
	m.handle(root, redirectTo("/rest/services"))

	// guess: what the pages of these extensions show; only that they answer is
	// known, from the probes of Esri/arcgis-azure-templates.
	if slices.Contains(m.site.spec.Also, 6143) {
		m.handle("/geoevent/manager", serverHealth)
		m.handle("/geoevent/rest", serverHealth)
	}
	if slices.Contains(m.site.spec.Also, 13443) {
		m.handle("/workflow/healthcheck", serverHealth)
	}
}

func (m *machine) portalRoutes(root string) {
	admins := root + "/portaladmin"
	m.handle(admins, admin(portalAdmin))
	m.handle(admins+"/healthcheck", faulty(m.site.product.healthStep, portalHealth))
	m.handle(admins+"/machines", admin(portalMachines))
	if m.site.version.atLeast(10, 8) {
		m.certificateRoutes(admins + "/machines/{machine}/sslcertificates")
		m.handle("POST "+admins+"/machines/{machine}/sslcertificates/update", admin(change("assign", onMachine(updatePortal))))
	}
	// Per machine since 10.8; the site's resource remains for a portal with a
	// single machine (developers.arcgis.com, portal/ssl-certificates).
	if !m.site.version.atLeast(10, 8) || len(m.site.spec.Machines) == 1 {
		m.certificateRoutes(admins + "/security/sslcertificates")
		m.handle("POST "+admins+"/security/sslcertificates/update", admin(change("assign", onMachine(updatePortal))))
	}
	m.handle(admins+"/federation/servers", admin(faulty("federation-list", federatedServers)))
	m.handle(admins+"/federation/servers/validate", admin(faulty("federation-validate", validateServers)))
	m.handle(admins+"/federation/servers/{id}/validate", admin(faulty("federation-validate", validateServer)))

	sharing := root + "/sharing/rest"
	m.handle(sharing+"/generatetoken", generateToken)
	m.handle(root+"/sharing/generatetoken", generateToken)
	m.handle(sharing, sharingRoot)
	m.handle(sharing+"/info", sharingInfo)
	m.handle(sharing+"/portals/self", portalSelf)
	m.handle(sharing+"/portals/self/servers", admin(faulty("federation-list", sharingServers)))
	if m.site.spec.Options.SharingValidates {
		m.handle(sharing+"/portals/self/servers/{id}/validate", admin(faulty("federation-validate", validateServer)))
	}
	m.handle(sharing+"/community/self", admin(communitySelf))
	m.handle(sharing+"/community/users/{user}", admin(communityUser))
	m.handle(admins+"/system/webadaptors", admin(webAdaptors))
	m.handle(root+"/home", portalHome)
	m.handle(root, redirectTo("/home"))
}

func (m *machine) certificateRoutes(base string) {
	m.handle(base, admin(faulty("certificate-list", onMachine(listCertificates))))
	m.handle("POST "+base+"/importExistingServerCertificate", admin(change("import", onMachine(importServerCertificate))))
	m.handle("POST "+base+"/importRootOrIntermediate", admin(change("import-root", onMachine(importRoot))))
	m.handle(base+"/{alias}", admin(faulty("certificate-detail", onMachine(certificateDetail))))
	m.handle(base+"/{alias}/export", admin(faulty("certificate-export", onMachine(exportCertificate))))
	m.handle("POST "+base+"/{alias}/delete", admin(change("delete", onMachine(deleteCertificate))))
	if m.updatesInPlace() {
		m.handle("POST "+base+"/{alias}/update", admin(change("update", onMachine(updateInPlace)))) // S22
	}
}

// updatesInPlace tells whether there is {alias}/update. guess: Server and Portal
// alone, as no other product's documentation has it.
func (m *machine) updatesInPlace() bool {
	options := m.site.spec.Options
	documented := m.site.spec.Product == Server || m.site.spec.Product == Portal
	return m.site.version.atLeast(12, 1) && !options.NoUpdate && (documented || options.UpdateOfRelatives)
}

// onMachine finds the machine that the path names, which need not be the one
// that answers (S23); without one in the path it is the one that answers.
func onMachine(h func(*call, *machine) (any, error)) handler {
	return func(c *call) (any, error) {
		name := c.r.PathValue("machine")
		if name == "" {
			return h(c, c.machine)
		}
		target := c.site.machine(name)
		if target == nil {
			return nil, notFound(name) // S8
		}
		return h(c, target)
	}
}

// redirectTo sends a browser to a page of the machine, under the machine's own
// name and port; a gateway has to rewrite that. guess for Portal with a web
// context URL, which may answer with that.
func redirectTo(page string) handler {
	return func(c *call) (any, error) {
		http.Redirect(c.w, c.r, c.machine.baseURL()+page, http.StatusFound)
		return nil, errAnswered
	}
}
