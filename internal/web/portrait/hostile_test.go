package portrait_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"crypto/rand"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/portrait"
)

// TestNamesWithMarkupAreText gives markup as every name that comes from outside:
// of the certificate, the gateway, its children, machines, aliases and troubles.
func TestNamesWithMarkupAreText(t *testing.T) {
	t.Parallel()
	const hostile = `"><img src=x onerror=alert(1)></text><script>alert(2)</script>`
	now := time.Now()
	key, err := worldtest.Keys()(0)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: hostile, Organization: []string{hostile}}, DNSNames: []string{"evil.example.com"},
		NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(0, 1, 0), ExtraExtensions: []pkix.Extension{},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	id := "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationGateways/agw"
	gateway, err := cloud.ParseGateway(cloud.Document{"id": id, "properties": map[string]any{
		"provisioningState": hostile,
		"backendAddressPools": []any{map[string]any{"name": hostile, "properties": map[string]any{
			"backendAddresses": []any{map[string]any{"fqdn": hostile}}}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	finding := pki.Finding{Code: hostile, Severity: pki.Refusal, Sentence: hostile, Mend: hostile}
	state := rotation.State{
		At: now, Gateway: gateway, Obstacles: pki.Findings{finding},
		Deployment: deployment.Deployment{ID: hostile, Name: hostile, Domain: hostile, Version: hostile, ResourceGroup: hostile, GatewayID: id, CannotUpdate: hostile,
			Problems: []deployment.Problem{{Code: hostile, Sentence: hostile}}, Sites: []deployment.Site{{Role: hostile, ServerContext: hostile}}},
		Listeners: []rotation.Listener{{Name: hostile, Entry: hostile, Names: []string{hostile}, Addresses: []string{hostile}, KeyVaultSecretID: hostile}},
		Wire: []handshake.Observation{
			{Target: hostile, Address: hostile, ServerName: hostile, Protocol: hostile, Proxy: hostile, Chain: []*x509.Certificate{leaf}},
			{Target: hostile, Failure: hostile},
		},
		Backends: []cloud.BackendServer{{Pool: hostile, Setting: hostile, Address: hostile, Health: hostile, Log: hostile}},
		Sites:    rotation.Sites{PortalURL: hostile, PortalVersion: hostile, PortalTrouble: hostile, ServerURL: hostile},
		Machines: []rotation.Machine{
			{Machine: reach.Machine{Name: hostile, Host: hostile, Roles: []string{hostile}, Components: []machine.Component{{Product: machine.Product(hostile), Port: 1}}}, Report: &machine.Report{
				Components: []machine.Seen{{Component: machine.Component{Product: machine.Product(hostile), Port: 1}, Chain: [][]byte{der}, Alias: hostile, WireTrouble: hostile,
					Entries: []machine.Entry{{Alias: hostile, Subject: "CN=" + hostile, SHA256: "00"}, {Alias: "t", Trusted: true, Subject: "CN=" + hostile}}}},
				Bindings: []machine.Binding{{At: hostile, Subject: hostile}},
			}},
			{Machine: reach.Machine{Name: "off", Off: hostile}, Trouble: hostile},
		},
		Vaulted: []rotation.Vaulted{{InVault: rotation.InVault{Vault: hostile, Name: hostile}, Network: hostile, Trouble: hostile,
			Versions: []rotation.VaultVersion{{Version: hostile, Thumbprint: hostile}}, Readers: []rotation.Reader{{Identity: hostile, Why: hostile, May: rotation.Unknown}}}},
	}
	seen := portrait.Seen{State: state, Roots: pki.MozillaRoots(), MachinesWhy: hostile, Removable: []string{hostile}, Soaking: []rotation.Soaking{{What: hostile, Run: hostile}},
		InDoubt: []rotation.Aftermath{{RunID: hostile, Sentence: hostile}}, LastRun: hostile}
	bodies := []string{write(t, "deployment", "hostile", portrait.Of(seen, "abc", time.Time{}))}
	about, ok := portrait.OfCertificate(seen, "abc", pki.Fingerprint(leaf), time.Time{})
	if !ok {
		t.Fatal("the certificate has no page")
	}
	bodies = append(bodies, write(t, "certificate", "", about))
	for _, body := range bodies {
		for _, never := range []string{"<img", "<script>alert", "</text><script", `"><` + "img"} {
			if strings.Contains(body, never) {
				t.Errorf("there is %q on a page", never)
			}
		}
		if !strings.Contains(body, "&lt;img src=x") {
			t.Error("the name is not on the page at all")
		}
	}
}

// TestWithoutAGateway is the first layout: there is a record, and nothing to draw.
func TestWithoutAGateway(t *testing.T) {
	t.Parallel()
	seen := portrait.Seen{State: rotation.State{At: time.Now(), Deployment: deployment.Deployment{Name: "old", Domain: "old.example.com", Generation: deployment.V1, CannotUpdate: "the certificate is in IIS"}}, Roots: pki.MozillaRoots()}
	body := write(t, "deployment", "v1", portrait.Of(seen, "abc", time.Time{}))
	if !strings.Contains(body, "the certificate is in IIS") || strings.Contains(body, "<svg") || strings.Contains(body, ">Renew<") {
		t.Errorf("the page does not say how it is:\n%s", body)
	}
}
