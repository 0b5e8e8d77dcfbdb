package rotation

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// today is when the tests of this package take place.
var today = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

const gatewayID = "/subscriptions/s/resourceGroups/gis-rg/providers/Microsoft.Network/applicationGateways/bmAppGateway"

// testCA is a small certification authority.
type testCA struct {
	t    testing.TB
	root *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newTestCA(t testing.TB) testCA {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Root"},
		NotBefore: today.AddDate(-5, 0, 0), NotAfter: today.AddDate(5, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	return testCA{t: t, root: sign(t, template, template, key.Public().(*ecdsa.PublicKey), key), key: key}
}

// issue makes a leaf for names that lasts from a day before today until days after it.
func (ca testCA) issue(days int, names ...string) *pki.Bundle {
	ca.t.Helper()
	key := newKey(ca.t)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<60))
	if err != nil {
		ca.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: names[0]},
		NotBefore: today.AddDate(0, 0, -1), NotAfter: today.AddDate(0, 0, days),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	return &pki.Bundle{Leaf: sign(ca.t, template, ca.root, key.Public().(*ecdsa.PublicKey), ca.key), Key: key, Root: ca.root}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// gatewayDocument is a gateway with one HTTPS listener per entry of hosts.
func gatewayDocument(t testing.TB, entries map[string]*x509.Certificate, listeners ...map[string]any) cloud.Document {
	t.Helper()
	var certificates []any
	for name, leaf := range entries {
		certificates = append(certificates, map[string]any{
			"name": name, "id": gatewayID + "/sslCertificates/" + name, "etag": `W/"1"`,
			"properties": map[string]any{"provisioningState": "Succeeded", "publicCertData": base64.StdEncoding.EncodeToString(leaf.Raw)},
		})
	}
	var items []any
	for _, listener := range listeners {
		items = append(items, listener)
	}
	return numbered(t, map[string]any{
		"id": gatewayID, "name": "bmAppGateway", "location": "westeurope", "etag": `W/"1"`,
		"tags": map[string]any{"arcgis-deployment-id": "d1"},
		"properties": map[string]any{
			"provisioningState": "Succeeded",
			"sslCertificates":   certificates,
			"httpListeners":     items,
			"frontendPorts": []any{map[string]any{
				"name": "port443", "id": gatewayID + "/frontendPorts/port443", "properties": map[string]any{"port": 443},
			}},
			"notInvented": map[string]any{"yet": 9007199254740993},
		},
	})
}

func httpsListener(name, entry string, hosts ...string) map[string]any {
	return map[string]any{
		"name": name, "id": gatewayID + "/httpListeners/" + name,
		"properties": map[string]any{
			"protocol": "Https", "hostNames": hosts,
			"frontendPort":   map[string]any{"id": gatewayID + "/frontendPorts/port443"},
			"sslCertificate": map[string]any{"id": gatewayID + "/sslCertificates/" + entry},
		},
	}
}

// numbered makes the tree what Resource Manager's client gives: json.Number for numbers.
func numbered(t testing.TB, tree map[string]any) cloud.Document {
	t.Helper()
	data, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var document cloud.Document
	if err := decoder.Decode(&document); err != nil {
		t.Fatal(err)
	}
	return document
}

func mustParse(t testing.TB, document cloud.Document) *cloud.Gateway {
	t.Helper()
	gateway, err := cloud.ParseGateway(document)
	if err != nil {
		t.Fatal(err)
	}
	return gateway
}

// stateOf is what Observe would have found: every name answers, by its name,
// with the leaf that its listener is configured with.
func stateOf(t testing.TB, document cloud.Document, names ...string) State {
	t.Helper()
	gateway := mustParse(t, document)
	state := State{
		At: today, Cloud: "public", Gateway: gateway,
		Deployment: deployment.Deployment{ID: "d1", Name: "bm", Domain: names[0], GatewayID: gatewayID},
	}
	if len(names) > 1 {
		state.Deployment.SecondaryDomain = names[1]
	}
	state.Listeners = ownListeners(gateway, state.Deployment.Names())
	for _, listener := range state.Listeners {
		entry, _ := gateway.Certificate(listener.Entry)
		for _, name := range listener.Names {
			for _, sni := range []string{name, ""} {
				state.Wire = append(state.Wire, handshake.Observation{Target: name + ":443", ServerName: sni, Chain: entry.Chain})
			}
		}
	}
	state.Obstacles = gatewayObstacles(state)
	return state
}

func goalOf(ca testCA, bundle *pki.Bundle) Goal {
	return Goal{Bundle: bundle, Roots: pki.MozillaRoots().With(ca.root), Now: today, File: "/new.pfx"}
}

// certificates makes entries of name, bundle, name, bundle …
func certificates(pairs ...any) map[string]*x509.Certificate {
	entries := map[string]*x509.Certificate{}
	for i := 0; i < len(pairs); i += 2 {
		entries[pairs[i].(string)] = pairs[i+1].(*pki.Bundle).Leaf
	}
	return entries
}
