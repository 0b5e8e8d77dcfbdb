package cloud

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// gatewayWithRoots has settings that trust one root, two, and well-known
// authorities.
func gatewayWithRoots(t *testing.T, old, second *x509.Certificate) *Gateway {
	t.Helper()
	data := func(c *x509.Certificate) string { return base64.StdEncoding.EncodeToString(c.Raw) }
	root := func(name string) map[string]any {
		return map[string]any{"id": gatewayID + "/trustedRootCertificates/" + name}
	}
	text, err := json.Marshal(map[string]any{
		"id": gatewayID, "name": "agw-prod", "properties": map[string]any{
			"trustedRootCertificates": []any{
				map[string]any{"name": "serverRoot", "properties": map[string]any{"data": data(old)}},
				map[string]any{"name": "second", "properties": map[string]any{"data": data(second)}},
			},
			"backendHttpSettingsCollection": []any{
				map[string]any{"name": "server", "properties": map[string]any{"port": 6443, "protocol": "Https", "pickHostNameFromBackendAddress": true, "trustedRootCertificates": []any{root("serverRoot")}, "future": true}},
				map[string]any{"name": "portal", "properties": map[string]any{"port": 7443, "protocol": "Https", "hostName": "Portal.Corp", "trustedRootCertificates": []any{root("SERVERROOT"), root("second")}}},
				map[string]any{"name": "public", "properties": map[string]any{"port": 443, "protocol": "Https"}},
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var document Document
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	gateway, err := ParseGateway(document)
	if err != nil {
		t.Fatal(err)
	}
	return gateway
}

func someRoot(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(1, 0, 0), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestANewRootStandsBesideTheOldOneAndNothingElseChanges(t *testing.T) {
	t.Parallel()
	g := gatewayWithRoots(t, someRoot(t, "old"), someRoot(t, "second"))
	fresh := someRoot(t, "new")
	edited, err := g.WithTrustedRoot("tls-1", fresh, []string{"SERVER", "portal"})
	if err != nil {
		t.Fatal(err)
	}
	after, err := ParseGateway(edited)
	if err != nil {
		t.Fatal(err)
	}
	want := []BackendSetting{
		{Name: "server", Port: 6443, Protocol: "Https", Roots: []string{"serverRoot", "tls-1"}},
		{Name: "portal", Port: 7443, Protocol: "Https", Host: "portal.corp", Roots: []string{"SERVERROOT", "second", "tls-1"}},
		{Name: "public", Port: 443, Protocol: "Https"},
	}
	if diff := cmp.Diff(want, after.Settings()); diff != "" {
		t.Error(diff)
	}
	if entry, ok := after.TrustedRoot("TLS-1"); !ok || len(entry.Chain) != 1 || !entry.Chain[0].Equal(fresh) {
		t.Errorf("the entry is %+v", entry)
	}
	if changes := Difference(g.Document(), edited); len(changes) != 3 {
		t.Errorf("%d changes: %+v", len(changes), changes)
	}
	if _, exists := g.TrustedRoot("tls-1"); exists {
		t.Error("the receiver was changed")
	}

	again, err := after.WithTrustedRoot("tls-1", fresh, []string{"server", "portal"})
	if err != nil {
		t.Fatal(err)
	}
	if changes := Difference(edited, again); len(changes) != 0 {
		t.Errorf("what is there already is changed: %+v", changes)
	}
}

func TestTrustedRootsThatAreNotAdded(t *testing.T) {
	t.Parallel()
	g := gatewayWithRoots(t, someRoot(t, "old"), someRoot(t, "second"))
	for what, asked := range map[string]struct {
		name     string
		settings []string
	}{
		"a name that holds another root":                  {"serverroot", []string{"server"}},
		"a name that leaves the id":                       {"a/b", []string{"server"}},
		"a setting that is not there":                     {"tls-1", []string{"nobody"}},
		"a setting that would lose well-known ones by it": {"tls-1", []string{"public"}},
	} {
		if _, err := g.WithTrustedRoot(asked.name, someRoot(t, "new"), asked.settings); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func TestATrustedRootGoesWithTheReferencesToIt(t *testing.T) {
	t.Parallel()
	g := gatewayWithRoots(t, someRoot(t, "old"), someRoot(t, "second"))
	with, err := g.WithTrustedRoot("tls-1", someRoot(t, "new"), []string{"server", "portal"})
	if err != nil {
		t.Fatal(err)
	}
	wide, err := ParseGateway(with)
	if err != nil {
		t.Fatal(err)
	}
	without, err := wide.WithoutTrustedRoots([]string{"serverroot", "gone"})
	if err != nil {
		t.Fatal(err)
	}
	after, err := ParseGateway(without)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]string{{"tls-1"}, {"second", "tls-1"}, nil} {
		if diff := cmp.Diff(want, after.Settings()[i].Roots); diff != "" {
			t.Error(diff)
		}
	}
	if len(after.TrustedRoots()) != 2 {
		t.Errorf("%d roots are left", len(after.TrustedRoots()))
	}
	if _, err := g.WithoutTrustedRoots([]string{"serverRoot"}); err == nil {
		t.Error("a setting lost its last root")
	}
	same, err := g.WithoutTrustedRoots([]string{"gone"})
	if err != nil || len(Difference(g.Document(), same)) != 0 {
		t.Errorf("removing nothing: %v", err)
	}
}
