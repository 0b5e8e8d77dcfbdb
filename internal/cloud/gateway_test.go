package cloud

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/smallstep/pkcs7"
)

// gatewayText is a gateway of Cloud Builder's layout with things that no
// program knows, as Resource Manager gives it.
func gatewayText(t testing.TB) string {
	chain := newChain(t)
	return strings.NewReplacer(
		"GW", gatewayID,
		"PKCS7", bundle(t, chain.root, chain.intermediate, chain.leaf),
		"DER", base64.StdEncoding.EncodeToString(chain.leaf.Raw),
	).Replace(gatewayTemplate)
}

const gatewayTemplate = `{
  "name": "agw-prod", "id": "GW", "etag": "W/\"1\"", "type": "Microsoft.Network/applicationGateways", "location": "westeurope",
  "tags": {"arcgis-deployment-id": "d1", "Managed-By-K8s-Ingress": "1.7.2", "source": "Terraform", "number": 7},
  "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/subscriptions/5e2f/x": {}}},
  "futureTopLevel": {"keep": 9007199254740993},
  "properties": {
    "provisioningState": "Succeeded", "operationalState": "Running", "sku": {"name": "Standard_v2", "tier": "Standard_v2", "capacity": 2},
    "futureSetting": [1e400, {"deep": "<&>"}],
    "frontendIPConfigurations": [
      {"name": "public", "id": "GW/frontendIPConfigurations/public", "properties": {"publicIPAddress": {"id": "/subscriptions/5e2f/resourceGroups/gis/providers/Microsoft.Network/publicIPAddresses/ip"}}},
      {"name": "private", "id": "GW/frontendIPConfigurations/private", "properties": {"privateIPAddress": "10.0.0.9"}}],
    "frontendPorts": [{"name": "p443", "id": "GW/frontendPorts/p443", "properties": {"port": 443}}, {"name": "p80", "id": "GW/frontendPorts/p80", "properties": {"port": 80}}],
    "sslCertificates": [
      {"name": "frontendCert", "id": "GW/sslCertificates/frontendCert", "etag": "W/\"1\"", "properties": {"provisioningState": "Succeeded", "publicCertData": "PKCS7", "httpListeners": [{"id": "GW/httpListeners/https"}]}},
      {"name": "old", "id": "GW/sslCertificates/old", "properties": {"publicCertData": "DER"}},
      {"name": "vaulted", "id": "GW/sslCertificates/vaulted", "properties": {"keyVaultSecretId": "https://kv.vault.azure.net/secrets/gis"}},
      {"name": "broken", "id": "GW/sslCertificates/broken", "properties": {"publicCertData": "AAAA"}}],
    "trustedRootCertificates": [{"name": "serverBackendSSLCert", "id": "GW/trustedRootCertificates/serverBackendSSLCert", "properties": {"data": "DER"}}],
    "sslProfiles": [{"name": "strict", "properties": {"futureCertificate": {"id": "GW/SSLCERTIFICATES/vaulted"}}}],
    "backendAddressPools": [{"name": "portal", "id": "GW/backendAddressPools/portal", "properties": {"backendAddresses": [{"fqdn": "vm1.local"}, {"ipAddress": "10.0.0.4"}]}}],
    "httpListeners": [
      {"name": "https", "id": "GW/httpListeners/https", "properties": {"protocol": "Https", "hostNames": ["gis.example.com", "gis.internal"], "requireServerNameIndication": true, "futureFlag": 3,
        "frontendIPConfiguration": {"id": "GW/frontendipconfigurations/Public"}, "frontendPort": {"id": "GW/frontendPorts/P443"}, "sslCertificate": {"id": "GW/sslCertificates/frontendCert", "future": 1}}},
      {"name": "internal", "id": "GW/httpListeners/internal", "properties": {"protocol": "https", "hostName": "one.example.com", "hostNames": [],
        "frontendIPConfiguration": {"id": "GW/frontendIPConfigurations/private"}, "frontendPort": {"id": "GW/frontendPorts/p443"}, "sslCertificate": {"id": "GW/sslCertificates/vaulted"}}},
      {"name": "http", "id": "GW/httpListeners/http", "properties": {"protocol": "Http", "frontendPort": {"id": "GW/frontendPorts/p80"}, "firewallPolicy": {"id": "/waf"}}}]
  }
}`

func parse(t testing.TB, text string) *Gateway {
	t.Helper()
	gateway, err := ParseGateway(document(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return gateway
}

func TestGatewayTellsWhatItIs(t *testing.T) {
	g := parse(t, gatewayText(t))
	got := fmt.Sprintln(g.Name(), g.ResourceGroup(), g.SubscriptionID(), g.Location(), g.ETag(), g.ProvisioningState(), g.OperationalState(), g.SKU(), g.IdentityIDs(), g.Tags())
	want := `agw-prod gis 5e2f westeurope W/"1" Succeeded Running Standard_v2 [/subscriptions/5e2f/x] map[Managed-By-K8s-Ingress:1.7.2 arcgis-deployment-id:d1 source:Terraform]` + "\n"
	if got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	if managers := fmt.Sprint(g.Managers()); managers != "[Application Gateway Ingress Controller (tag Managed-By-K8s-Ingress) Terraform (tag source)]" {
		t.Errorf("managers %s", managers)
	}
	if pools := g.Pools(); len(pools) != 1 || fmt.Sprint(pools[0].Addresses) != "[vm1.local 10.0.0.4]" {
		t.Errorf("pools %+v", pools)
	}
}

func TestListeners(t *testing.T) {
	g := parse(t, gatewayText(t))
	https, internal := Listener{
		Name: "https", ID: gatewayID + "/httpListeners/https", Protocol: "Https", Port: 443,
		HostNames:     []string{"gis.example.com", "gis.internal"},
		CertificateID: gatewayID + "/sslCertificates/frontendCert", CertificateName: "frontendCert",
		FrontendName: "public", PublicIPID: "/subscriptions/5e2f/resourceGroups/gis/providers/Microsoft.Network/publicIPAddresses/ip",
		RequireSNI: true,
	}, Listener{
		Name: "internal", ID: gatewayID + "/httpListeners/internal", Protocol: "https", Port: 443,
		HostNames:     []string{"one.example.com"},
		CertificateID: gatewayID + "/sslCertificates/vaulted", CertificateName: "vaulted",
		FrontendName: "private", Private: true, PrivateIP: "10.0.0.9",
	}
	http := Listener{Name: "http", ID: gatewayID + "/httpListeners/http", Protocol: "Http", Port: 80, FirewallPolicyID: "/waf"}
	want := []Listener{https, internal, http}
	if diff := cmp.Diff(want, g.Listeners()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[:2], g.HTTPSListeners()); diff != "" {
		t.Error(diff)
	}
	if found, ok := g.Listener("HTTPS"); !ok || found.Name != "https" {
		t.Errorf("found %v", found)
	}
}

// On v2 publicCertData is PKCS#7 with the chain, leaf not first; on v1 one DER
// certificate.
func TestCertificatesOfBothGenerations(t *testing.T) {
	g := parse(t, gatewayText(t))
	var told []string
	for _, c := range g.Certificates() {
		var names []string
		for _, certificate := range c.Chain {
			names = append(names, certificate.Subject.CommonName)
		}
		told = append(told, fmt.Sprintf("%s %v %s problem=%t", c.Name, names, c.KeyVaultSecretID, c.Problem != ""))
	}
	want := []string{
		"frontendCert [gis.example.com Issuing CA Root CA]  problem=false",
		"old [gis.example.com]  problem=false",
		"vaulted [] https://kv.vault.azure.net/secrets/gis problem=false",
		"broken []  problem=true",
	}
	if !reflect.DeepEqual(told, want) {
		t.Errorf("got  %q\nwant %q", told, want)
	}
	roots := g.TrustedRoots()
	if len(roots) != 1 || roots[0].Name != "serverBackendSSLCert" || len(roots[0].Chain) != 1 {
		t.Errorf("roots %+v", roots)
	}
}

func TestLeafFirstInWhateverOrder(t *testing.T) {
	c := newChain(t)
	stranger := newChain(t).root
	want := []*x509.Certificate{c.leaf, c.intermediate, c.root}
	for _, order := range [][]*x509.Certificate{
		{c.leaf, c.intermediate, c.root}, {c.root, c.intermediate, c.leaf}, {c.intermediate, c.leaf, c.root}, {c.root, c.leaf, c.intermediate},
	} {
		if got := leafFirst(order); !reflect.DeepEqual(got, want) {
			t.Errorf("got %v", names(got))
		}
	}
	if got := leafFirst([]*x509.Certificate{stranger, c.root, c.leaf, c.intermediate}); got[0] != c.leaf || got[3] != stranger {
		t.Errorf("with a stranger: %v", names(got))
	}
}

func TestParseGatewayRefusesWhatIsNone(t *testing.T) {
	for _, text := range []string{
		`{}`, `{"id":7}`, `{"id":""}`, `{"id":"/subscriptions/a/resourceGroups/b/providers/Microsoft.Network/publicIPAddresses/c"}`,
		`{"id":"/subscriptions/a/resourceGroups/b/providers/Microsoft.Network/applicationGateways"}`,
		`{"id":"/subscriptions//resourceGroups/b/providers/Microsoft.Network/applicationGateways/c"}`,
	} {
		if g, err := ParseGateway(document(t, text)); err == nil {
			t.Errorf("%s became %v", text, g.Name())
		}
	}
	if _, err := ParseGateway(nil); err == nil {
		t.Error("nothing became a gateway")
	}
	odd := `{"id":"/SUBSCRIPTIONS/a/resourcegroups/b/Providers/microsoft.network/applicationgateways/c/"}`
	if g := parse(t, odd); g.Name() != "c" || g.ResourceGroup() != "b" {
		t.Errorf("got %s in %s", g.Name(), g.ResourceGroup())
	}
}

func TestDocumentIsACopy(t *testing.T) {
	source := document(t, gatewayText(t))
	g, err := ParseGateway(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []Document{source, g.Document()} {
		d["properties"].(map[string]any)["httpListeners"] = nil
		d["tags"] = nil
	}
	if len(g.Listeners()) != 3 || len(g.Tags()) == 0 {
		t.Error("the gateway was changed from outside")
	}
}

func FuzzParseGateway(f *testing.F) {
	f.Add([]byte(strings.ReplaceAll(gatewayTemplate, "GW", gatewayID)))
	f.Add([]byte(`{"id":"` + gatewayID + `","properties":{"httpListeners":[null,7,{"name":{},"properties":[]}],"sslCertificates":{"name":"x"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d Document
		if d.UnmarshalJSON(data) != nil {
			return
		}
		g, err := ParseGateway(d)
		if err != nil {
			return
		}
		g.Certificates()
		g.TrustedRoots()
		g.Pools()
		g.Managers()
		g.IdentityIDs()
		for _, listener := range g.HTTPSListeners() {
			if edited, err := g.PointListeners(listener.CertificateName, []string{listener.Name}); err == nil {
				Difference(g.Document(), edited)
			}
		}
		var entries []string
		for _, c := range g.Certificates() {
			entries = append(entries, c.Name)
		}
		_, _ = g.WithoutCertificates(entries)
		if got := Difference(d, g.Document()); len(got) != 0 {
			t.Errorf("the gateway changed its document: %+v", got)
		}
	})
}

type testChain struct{ leaf, intermediate, root *x509.Certificate }

func newChain(t testing.TB) testChain {
	root, rootKey := issue(t, "Root CA", true, nil, nil)
	intermediate, key := issue(t, "Issuing CA", true, root, rootKey)
	leaf, _ := issue(t, "gis.example.com", false, intermediate, key)
	return testChain{leaf: leaf, intermediate: intermediate, root: root}
}

func issue(t testing.TB, name string, ca bool, parent *x509.Certificate, parentKey crypto.Signer) (*x509.Certificate, crypto.Signer) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: ca, BasicConstraintsValid: true,
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, key
}

// bundle is base64 of a PKCS#7 that only carries certificates.
func bundle(t testing.TB, certificates ...*x509.Certificate) string {
	t.Helper()
	var all []byte
	for _, certificate := range certificates {
		all = append(all, certificate.Raw...)
	}
	data, err := pkcs7.DegenerateCertificate(all)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(data)
}

func names(certificates []*x509.Certificate) []string {
	var names []string
	for _, certificate := range certificates {
		names = append(names, certificate.Subject.CommonName)
	}
	return names
}
