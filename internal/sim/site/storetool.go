package site

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// storeOptions of replacesslcertificate. Source: "Replace ArcGIS Data Store SSL
// certificates", enterprise.arcgis.com, portal/11.3/administer/linux.
var storeOptions = []string{"webserver", "relational", "graph", "object", "tileCache"}

// StoreTool is the name of the Data Store's tool on this machine, without
// extension: replacesslcertificate, before 11.3 updatesslcertificate, "" where
// there is no Data Store.
func (h *Host) StoreTool() string {
	switch s, _ := h.at(DataStore); {
	case s == nil:
		return ""
	case s.version.atLeast(11, 3):
		return "replacesslcertificate"
	}
	return "updatesslcertificate"
}

// ReplaceCertificate is what StoreTool does: exit code 0 or 1 (S30). option is
// one of the documented ones, and "" for the older tool, which changes the web
// server's certificate only. The new certificate is served after a moment, when
// the tool has ended. guess: the wording, and that the web server restarts by
// itself.
func (h *Host) ReplaceCertificate(pfx []byte, password, alias, option string) (stdout, stderr string, code int) {
	s, m := h.at(DataStore)
	fail := func(format string, args ...any) (string, string, int) {
		return "", fmt.Sprintf(format+"\n", args...), 1
	}
	if s == nil {
		return fail("ArcGIS Data Store is not installed on this machine.")
	}
	if !s.version.atLeast(11, 3) {
		if option != "" {
			return fail("Invalid option '--option'.")
		}
		option = "webserver"
	}
	if !slices.Contains(storeOptions, option) && (option != "spatiotemporal" || !s.spec.Options.StoreSpatiotemporal) {
		return fail("Invalid option '%s'. Valid options are %s.", option, strings.Join(storeOptions, ", "))
	}
	if alias == "" || strings.ContainsFunc(alias, unicode.IsSpace) {
		return fail("Invalid alias '%s'.", alias)
	}
	if m.takeFault("tool-fails-silently", "store-tool") {
		return "", "", 1 // the DSC takes that for success
	}
	made, err := readPFX(pfx, password)
	if err != nil {
		return fail("Unable to read the certificate file. Verify that the file is in PKCS12 format and that the password is correct.")
	}
	m.mu.Lock()
	if m.keystore[strings.ToLower(alias)] != nil {
		m.mu.Unlock()
		return fail("The alias '%s' already exists.", alias)
	}
	m.keystore[strings.ToLower(alias)] = made
	m.stores[option] = made
	if option == "webserver" {
		m.active = alias
	}
	m.tellHeld()
	m.mu.Unlock()
	if m.takeFault("tool-does-nothing", "store-tool") {
		return "The operation completed successfully.\n", "", 0
	}
	if option == "webserver" && !s.spec.Options.StoreStays {
		m.begin(h.StoreTool()+": "+alias, pace{down: s.spec.Options.StoreDownFor})
	}
	return "The operation completed successfully.\n", "", 0
}
