package cloud

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
)

// BackendSetting is a set of HTTP settings by which the gateway reaches backends.
type BackendSetting struct {
	Name     string
	Port     int
	Protocol string // "Https" or "Http"
	// Host is the name that is asked for and must be in the backend's
	// certificate; "" when that is the backend's own address.
	Host string
	// Roots are names of trusted root entries. Without any, the gateway accepts
	// what well-known authorities have issued.
	// Source: Azure documentation, end-to-end TLS with Application Gateway.
	Roots []string
	// Drain is how long requests under way may go on after their backend was
	// taken out of its pool, zero when draining is off.
	Drain time.Duration
}

// Settings are the backend HTTP settings.
func (g *Gateway) Settings() []BackendSetting {
	var settings []BackendSetting
	for _, item := range g.children("backendHttpSettingsCollection") {
		setting := BackendSetting{
			Name: textAt(item, "name"), Port: numberAt(item, "properties", "port"),
			Protocol: textAt(item, "properties", "protocol"), Host: strings.ToLower(textAt(item, "properties", "hostName")),
		}
		if boolAt(item, "properties", "pickHostNameFromBackendAddress") {
			setting.Host = ""
		}
		if boolAt(item, "properties", "connectionDraining", "enabled") {
			setting.Drain = time.Duration(numberAt(item, "properties", "connectionDraining", "drainTimeoutInSec")) * time.Second
		}
		for _, reference := range listAt(item, "properties", "trustedRootCertificates") {
			setting.Roots = append(setting.Roots, lastName(textAt(reference, "id")))
		}
		settings = append(settings, setting)
	}
	return settings
}

// TrustedRoot finds a trusted root by its name, whose case does not matter.
func (g *Gateway) TrustedRoot(name string) (GatewayCertificate, bool) {
	for _, root := range g.TrustedRoots() {
		if strings.EqualFold(root.Name, name) {
			return root, true
		}
	}
	return GatewayCertificate{}, false
}

// maximumTrustedRoots is how many a gateway takes.
// Source: Azure subscription and service limits, Application Gateway.
const maximumTrustedRoots = 100

// WithTrustedRoot gives the document in which the named backend settings trust
// a root too, beside those that they trust. The entry is added when it is not
// there; one of its name that holds another certificate is an error, as is a
// setting that is not there or trusts well-known authorities: a first root of
// its own would take those from it.
func (g *Gateway) WithTrustedRoot(name string, root *x509.Certificate, settings []string) (Document, error) {
	failed := func(format string, args ...any) (Document, error) {
		return nil, fmt.Errorf("add trusted root to gateway %s: %w", g.Name(), fmt.Errorf(format, args...))
	}
	if !childName.MatchString(name) {
		return failed("%q cannot be the name of an entry", clean(name, 100))
	}
	document := g.Document()
	properties, err := editable(document)
	if err != nil {
		return failed("%w", err)
	}
	reference := g.ID() + "/trustedRootCertificates/" + name
	if there, exists := g.TrustedRoot(name); exists {
		if len(there.Chain) != 1 || !there.Chain[0].Equal(root) {
			return failed("there already is an entry %q, and it holds another certificate", there.Name)
		}
		reference = there.ID
	} else {
		entries, ok := properties["trustedRootCertificates"].([]any)
		if !ok && properties["trustedRootCertificates"] != nil {
			return failed("its trustedRootCertificates are no list")
		}
		if len(entries) >= maximumTrustedRoots {
			return failed("it has %d trusted roots, and takes no more", len(entries))
		}
		properties["trustedRootCertificates"] = append(entries, map[string]any{
			"name": name, "properties": map[string]any{"data": base64.StdEncoding.EncodeToString(root.Raw)},
		})
	}
	for _, wanted := range settings {
		own := settingIn(document, wanted)
		if own == nil {
			return failed("there is no backend setting %q", clean(wanted, 100))
		}
		trusted, _ := own["trustedRootCertificates"].([]any)
		if len(trusted) == 0 {
			return failed("backend setting %s trusts well-known authorities, and would no longer", clean(wanted, 100))
		}
		if !slices.ContainsFunc(trusted, func(item any) bool { return SameID(textAt(item, "id"), reference) }) {
			own["trustedRootCertificates"] = append(trusted, map[string]any{"id": reference})
		}
	}
	return document, nil
}

// WithoutTrustedRoots gives the document without the named trusted roots and
// without the settings' references to them. Names that are not there are passed
// over. A setting never loses its last root: it would trust every well-known
// authority instead.
func (g *Gateway) WithoutTrustedRoots(names []string) (Document, error) {
	document := g.Document()
	properties, err := editable(document)
	if err != nil {
		return nil, fmt.Errorf("remove trusted roots from gateway %s: %w", g.Name(), err)
	}
	entries, _ := properties["trustedRootCertificates"].([]any)
	var removed []string
	kept := slices.DeleteFunc(entries, func(entry any) bool {
		name := textAt(entry, "name")
		doomed := name != "" && slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
		if doomed {
			removed = append(removed, g.childID("trustedRootCertificates", objectAt(entry)))
		}
		return doomed
	})
	if len(removed) == 0 {
		return document, nil
	}
	properties["trustedRootCertificates"] = kept
	for _, item := range listAt(document, "properties", "backendHttpSettingsCollection") {
		own := objectAt(item, "properties")
		before, _ := own["trustedRootCertificates"].([]any)
		left := slices.DeleteFunc(slices.Clone(before), func(reference any) bool {
			return slices.ContainsFunc(removed, func(id string) bool { return SameID(id, textAt(reference, "id")) })
		})
		if len(before) > 0 && len(left) == 0 {
			return nil, fmt.Errorf("remove trusted roots from gateway %s: backend setting %s would be left without any", g.Name(), clean(textAt(item, "name"), 100))
		}
		if len(left) < len(before) {
			own["trustedRootCertificates"] = left
		}
	}
	for _, id := range removed {
		if user := referrer(map[string]any(document), id, ""); user != "" {
			return nil, fmt.Errorf("remove trusted roots from gateway %s: %s is still used by %s", g.Name(), lastName(id), user)
		}
	}
	return document, nil
}

// settingIn finds the properties of a backend setting.
func settingIn(document Document, name string) map[string]any {
	for _, item := range listAt(document, "properties", "backendHttpSettingsCollection") {
		if strings.EqualFold(textAt(item, "name"), name) {
			return objectAt(item, "properties")
		}
	}
	return nil
}
