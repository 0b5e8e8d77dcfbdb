package rotation

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

// serving is a component that serves a certificate, which is its active entry,
// with more entries in its keystore.
func serving(product machine.Product, number int, bundle *pki.Bundle, entries ...machine.Entry) machine.Seen {
	active := machine.Entry{Alias: "own", SHA256: pki.Fingerprint(bundle.Leaf), NotAfter: bundle.Leaf.NotAfter}
	return machine.Seen{
		Component: machine.Component{Product: product, Port: number}, Healthy: true, Alias: "Own",
		Chain: [][]byte{bundle.Leaf.Raw}, Entries: append([]machine.Entry{active}, entries...),
	}
}

func days(n int) time.Time { return today.AddDate(0, 0, n) }

// TestMachineFindings is what is said of machines, one case for each code.
func TestMachineFindings(t *testing.T) {
	ca := newTestCA(t)
	external := ca.issue(80, domain)
	good, soon, expired := ca.issue(300, "s0.internal"), ca.issue(20, "s0.internal"), ca.issue(0, "s0.internal")
	now := today.Add(time.Hour) // an hour after the last moment of expired
	server := func(bundle *pki.Bundle, entries ...machine.Entry) Machine {
		return vm("S0", "server", serving(machine.Server, 6443, bundle, entries...))
	}
	changed := func(m Machine, change func(*machine.Seen)) Machine {
		change(&m.Report.Components[0])
		return m
	}
	for name, test := range map[string]struct {
		machines []Machine
		code     string // "" for nothing at all
		severity pki.Severity
		says     string
	}{
		"all is well": {machines: []Machine{server(good)}},
		"an internal certificate has expired": {
			machines: []Machine{server(expired)}, code: "internal-expired", severity: pki.Refusal, says: "S0 (port 6443)",
		},
		"one of a data store keeps nobody out at the gateway": {
			machines: []Machine{vm("D0", "server", serving(machine.DataStore, 2443, expired))}, code: "internal-expired", severity: pki.Warning, says: "Data Store",
		},
		"it expires soon": {
			machines: []Machine{server(soon)}, code: "internal-expires-soon", severity: pki.Warning, says: days(20).Format(time.DateOnly),
		},
		"a restart would change what is served": {
			machines: []Machine{changed(server(good, machine.Entry{Alias: "new", SHA256: pki.Fingerprint(soon.Leaf), NotAfter: days(20)}), func(s *machine.Seen) { s.Alias = "NEW" })},
			code:     "served-not-configured", severity: pki.Warning, says: "configured to serve NEW",
		},
		"the active alias is not there": {
			machines: []Machine{changed(server(good), func(s *machine.Seen) { s.Alias = "lost" })}, code: "alias-gone", severity: pki.Warning, says: `"lost"`,
		},
		"a pinned entry of another day": {
			machines: []Machine{server(good, trustedAs("appgw-externaldnscercert", soon))}, code: "pin-stale", severity: pki.Note, says: pinnedAlias,
		},
		"a pinned entry that is right": {machines: []Machine{server(good, trustedAs("appgw-externaldnscercert", external))}},
		"leftovers of a DSC run and of years": {
			machines: []Machine{server(good, machine.Entry{Alias: "applicationgateway-temp"}, machine.Entry{Alias: "old-root", Trusted: true, NotAfter: days(-3)})},
			code:     "entries-stale", severity: pki.Note, says: "applicationgateway-temp (left by a DSC run) and old-root (expired on",
		},
		"a machine that is off": {
			machines: []Machine{server(good), {Machine: reach.Machine{ID: "/vm/x", Name: "X", Off: "it is deallocated", Components: []machine.Component{{Product: machine.Server, Port: 6443}}}}},
			code:     "machine-off", severity: pki.Warning, says: "deallocated",
		},
		"a machine that cannot be reached": {
			machines: []Machine{server(good), {Machine: reach.Machine{Name: "X", Components: []machine.Component{{Product: machine.Server, Port: 6443}}}, Trouble: "no route"}},
			code:     "machine-not-seen", severity: pki.Warning, says: "no route",
		},
		"a file server has nothing to see": {machines: []Machine{server(good), {Machine: reach.Machine{Name: "F"}}}},
		"a port that serves nothing": {
			machines: []Machine{changed(server(good), func(s *machine.Seen) { s.Chain, s.WireTrouble = nil, "connection refused" })},
			code:     "port-silent", severity: pki.Warning, says: "connection refused",
		},
		"an administrator who is not let in": {
			machines: []Machine{changed(server(good), func(s *machine.Seen) {
				s.Trouble, s.TroubleCode, s.Entries, s.Alias = "wrong password", machine.CodeWrongCredentials, nil, ""
			})},
			code: "keystore-not-read", severity: pki.Warning, says: "wrong password",
		},
		"nobody gave a login": {
			machines: []Machine{changed(server(good), func(s *machine.Seen) {
				s.Trouble, s.TroubleCode, s.Entries, s.Alias = "no login", machine.CodeNoCredentials, nil, ""
			})},
		},
		"GeoEvent has not seen Server's new one": {
			machines: []Machine{vm("S0", "server", serving(machine.Server, 6443, good), machine.Seen{
				Component: machine.Component{Product: machine.GeoEvent, Port: 6143}, Chain: [][]byte{ca.issue(200, "s0.internal").Leaf.Raw}, Healthy: true})},
			code: "service-lags", severity: pki.Warning, says: "GeoEvent Server on S0",
		},
		"two portals by two aliases": {
			machines: []Machine{
				vm("P0", "portal", serving(machine.Portal, 7443, good)),
				changed(vm("P1", "portal", serving(machine.Portal, 7443, good, machine.Entry{Alias: "other", SHA256: pki.Fingerprint(good.Leaf)})), func(s *machine.Seen) { s.Alias = "other" }),
			},
			code: "portal-aliases-differ", severity: pki.Warning, says: "an upgrade",
		},
		"IIS is bound to something else": {
			machines: []Machine{bound(vm("N0", "notebooks", serving(machine.WebAdaptor, 443, good)), strings.Repeat("AB", 20), days(200))},
			code:     "iis-differs", severity: pki.Warning, says: "0.0.0.0:443",
		},
		"IIS serves another name by something else": {
			machines: []Machine{bindings(vm("N0", "notebooks", serving(machine.WebAdaptor, 443, good)),
				machine.Binding{At: "0.0.0.0:443", Thumbprint: pki.Thumbprint(good.Leaf)}, machine.Binding{At: "other.example.com:443", Thumbprint: strings.Repeat("AB", 20)})},
		},
		"IIS serves the machine's name by a binding of its own": {
			machines: []Machine{bindings(vm("N0", "notebooks", serving(machine.WebAdaptor, 443, good)),
				machine.Binding{At: "n0.internal:443", Thumbprint: pki.Thumbprint(good.Leaf)}, machine.Binding{At: "0.0.0.0:443", Thumbprint: strings.Repeat("AB", 20)})},
		},
		"IIS did not say": {
			machines: []Machine{bindingsUnread(vm("N0", "notebooks", serving(machine.WebAdaptor, 443, good)), "netsh ended with 5")},
			code:     "iis-not-read", severity: pki.Warning, says: "netsh ended with 5",
		},
		"what IIS is bound to expires": {
			machines: []Machine{bound(vm("N0", "notebooks", serving(machine.WebAdaptor, 443, good)), pki.Thumbprint(good.Leaf), days(10))},
			code:     "iis-expires", severity: pki.Warning, says: days(10).Format(time.DateOnly),
		},
		"a server that also speaks without TLS": {
			machines: []Machine{changed(server(good), func(s *machine.Seen) { s.Settings = map[string]string{"Protocol": "HTTP_AND_HTTPS"} })},
			code:     "http-enabled", severity: pki.Note, says: "HTTP_AND_HTTPS",
		},
		"HTTPS only is as it should be": {
			machines: []Machine{changed(server(good), func(s *machine.Seen) { s.Settings = map[string]string{"Protocol": "HTTPS", "HSTSEnabled": "false"} })},
		},
		"HSTS": {
			machines: []Machine{changed(server(good), func(s *machine.Seen) { s.Settings = map[string]string{"HSTSEnabled": "true"} })},
			code:     "hsts-enabled", severity: pki.Note, says: "locks them out",
		},
	} {
		t.Run(name, func(t *testing.T) {
			state := inSites(stateOf(t, gatewayDocument(t, certificates("frontendCert", external), httpsListener("https", "frontendCert", domain)), domain), test.machines...)
			found := MachineFindings(state, pki.MozillaRoots().With(ca.root), now)
			if test.code == "" {
				if len(found) > 0 {
					t.Errorf("found %v, want nothing", found)
				}
				return
			}
			if len(found) != 1 || found[0].Code != test.code || found[0].Severity != test.severity || !strings.Contains(found[0].Sentence, test.says) {
				t.Errorf("found %v, want one %s (%s) that says %q", found, test.code, test.severity, test.says)
			}
		})
	}
}

func bound(m Machine, thumbprint string, until time.Time) Machine {
	return bindings(m, machine.Binding{At: "0.0.0.0:443", Thumbprint: thumbprint, NotAfter: until})
}

func bindings(m Machine, list ...machine.Binding) Machine {
	m.Report.Bindings = list
	return m
}

func bindingsUnread(m Machine, why string) Machine {
	m.Report.BindingsTrouble = why
	return m
}

// An authority that neither Mozilla's list nor a keystore has.
func TestAKeystoreThatCannotAcceptWhatTheGatewayServes(t *testing.T) {
	ca, other := newTestCA(t), newTestCA(t)
	external, own := ca.issue(80, domain), other.issue(300, "s0.internal")
	document := gatewayDocument(t, certificates("frontendCert", external), httpsListener("https", "frontendCert", domain))
	for name, test := range map[string]struct {
		entry machine.Entry
		roots *pki.Roots
		found bool
	}{
		"nothing fits":          {machine.Entry{Alias: "x", Trusted: true, SHA256: "00", Subject: "CN=Somebody"}, nil, true},
		"the leaf is pinned":    {trustedAs("AppGW-ExternalDNSCerCert", external), nil, false},
		"a root of its name":    {machine.Entry{Alias: "root", Trusted: true, SHA256: "00", Subject: "CN=Test Root"}, nil, false},
		"a root that is public": {machine.Entry{Alias: "x", Trusted: true, SHA256: "00"}, pki.MozillaRoots().With(ca.root), false},
	} {
		state := inSites(stateOf(t, document, domain), vm("S0", "server", serving(machine.Server, 6443, own, test.entry)))
		if got := MachineFindings(state, test.roots, today).Has("external-not-trusted"); got != test.found {
			t.Errorf("%s: external-not-trusted = %t, want %t", name, got, test.found)
		}
	}
}

// behindGateway gives a gateway one backend pool with a machine in it, and
// trusted roots by which it is verified.
func behindGateway(t *testing.T, document cloud.Document, host string, roots map[string]*x509.Certificate) cloud.Document {
	t.Helper()
	properties := document["properties"].(map[string]any)
	ref := func(list, name string) any { return map[string]any{"id": gatewayID + "/" + list + "/" + name} }
	var entries, names []any
	for name, root := range roots {
		entries = append(entries, map[string]any{"name": name, "properties": map[string]any{"data": root.Raw}})
		names = append(names, ref("trustedRootCertificates", name))
	}
	properties["trustedRootCertificates"] = entries
	properties["backendAddressPools"] = []any{map[string]any{"name": "pool", "properties": map[string]any{"backendAddresses": []any{map[string]any{"fqdn": host}}}}}
	properties["backendHttpSettingsCollection"] = []any{map[string]any{"name": "setting", "properties": map[string]any{"port": 6443, "protocol": "Https", "trustedRootCertificates": names}}}
	properties["requestRoutingRules"] = []any{map[string]any{"name": "rule", "properties": map[string]any{
		"httpListener": ref("httpListeners", "https"), "backendAddressPool": ref("backendAddressPools", "pool"), "backendHttpSettings": ref("backendHttpSettingsCollection", "setting")}}}
	return numbered(t, document)
}

// TestTheGatewaysTrustedRootsAgainstWhatMachinesPresent.
func TestTheGatewaysTrustedRootsAgainstWhatMachinesPresent(t *testing.T) {
	ca, other := newTestCA(t), newTestCA(t)
	external, own := ca.issue(80, domain), other.issue(300, "s0.internal")
	for name, test := range map[string]struct {
		roots map[string]*x509.Certificate
		now   time.Time
		codes []string
	}{
		"the root of what is presented": {map[string]*x509.Certificate{"root": other.root}, today, nil},
		"the leaf itself":               {map[string]*x509.Certificate{"leaf": own.Leaf}, today, nil},
		"another root":                  {map[string]*x509.Certificate{"old": ca.root}, today, []string{"backend-not-trusted", "trusted-root-stale"}},
		"the old beside the new":        {map[string]*x509.Certificate{"old": ca.root, "new": other.root}, today, []string{"trusted-root-stale"}},
		"the root is near its end":      {map[string]*x509.Certificate{"root": other.root}, today.AddDate(5, 0, -10), []string{"internal-expired", "trusted-root-expires"}},
	} {
		t.Run(name, func(t *testing.T) {
			document := behindGateway(t, gatewayDocument(t, certificates("frontendCert", external), httpsListener("https", "frontendCert", domain)), "S0.internal", test.roots)
			state := inSites(stateOf(t, document, domain), vm("S0", "server", serving(machine.Server, 6443, own)))
			var codes []string
			for _, finding := range MachineFindings(state, pki.MozillaRoots().With(ca.root), test.now) {
				codes = append(codes, finding.Code)
			}
			if !slices.Equal(codes, test.codes) {
				t.Errorf("found %v, want %v", codes, test.codes)
			}
		})
	}
}

// TestWhatGoesDarkFirst is the list behind show --at.
func TestWhatGoesDarkFirst(t *testing.T) {
	ca, other := newTestCA(t), newTestCA(t)
	external, own, store := ca.issue(80, domain), other.issue(300, "s0.internal"), other.issue(40, "d0.internal")
	document := behindGateway(t, gatewayDocument(t, certificates("frontendCert", external), httpsListener("https", "frontendCert", domain)), "S0.internal",
		map[string]*x509.Certificate{"root": other.root})
	state := inSites(stateOf(t, document, domain),
		vm("S0", "server", serving(machine.Server, 6443, own, machine.Entry{Alias: "next", SHA256: "ff", NotAfter: days(10)})),
		bound(vm("D0", "server", serving(machine.DataStore, 2443, store)), "AB", days(500)))
	state.Machines[0].Report.Components[0].Alias = "next"

	var got []string
	for _, dark := range Darkening(state, days(100)) {
		line := dark.Kind
		if dark.Gone {
			line += " gone"
		}
		got = append(got, line)
		if dark.What == "" || dark.Where == "" {
			t.Errorf("%+v says nothing", dark)
		}
	}
	want := []string{"next-restart gone", "internal gone", "external gone", "internal", "binding", "trusted-root"}
	if !slices.Equal(got, want) {
		t.Errorf("went dark: %v, want %v", got, want)
	}
}
