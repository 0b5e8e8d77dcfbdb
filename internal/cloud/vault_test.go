package cloud

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

const (
	vaultAddress = "https://entvault.vault.azure.net"
	vaultTenant  = "7d3c0f4e-0000-0000-0000-00000000aaaa"
)

// now is the moment at which every test judges.
var now = time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)

// fakeVault answers in place of a vault, without a network. It asks for a
// token first, as vaults do (azure.md §2.1).
type fakeVault struct {
	t         *testing.T
	mux       *http.ServeMux
	challenge string

	mu    sync.Mutex
	asked []string // "GET /certificates/x/"
}

func newFakeVault(t *testing.T) *fakeVault {
	return &fakeVault{t: t, mux: http.NewServeMux(),
		challenge: `Bearer authorization="https://login.microsoftonline.com/` + vaultTenant + `", resource="https://vault.azure.net"`}
}

func (f *fakeVault) client() *VaultClient {
	f.t.Helper()
	c, err := NewVaultClient(Public(), vaultAddress, credential{}, Options{Client: &http.Client{Transport: f}})
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

func (f *fakeVault) RoundTrip(r *http.Request) (*http.Response, error) {
	httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
	recorder := httptest.NewRecorder()
	switch {
	case r.Header.Get("Authorization") == "":
		if r.ContentLength > 0 {
			f.t.Error("something was sent before the vault asked for a token")
		}
		answer(recorder, 401, `{"error":{"code":"Unauthorized","message":"AKV10000: Request is missing a Bearer or PoP token."}}`, "WWW-Authenticate", f.challenge)
	case r.URL.Query().Get("api-version") == "":
		f.t.Errorf("%s without an api-version", r.URL)
	default:
		f.mu.Lock()
		f.asked = append(f.asked, r.Method+" "+r.URL.Path)
		f.mu.Unlock()
		if err := serve(f.mux, recorder, r); err != nil {
			return nil, err
		}
	}
	response := recorder.Result()
	response.Request = r
	return response, nil
}

// serve makes a panic with an error a lost connection.
func serve(handler http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if lost := recover(); lost != nil {
			err = io.ErrUnexpectedEOF
		}
	}()
	handler.ServeHTTP(w, r)
	return nil
}

// count is how many requests begin with a text.
func (f *fakeVault) count(prefix string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(f.asked), func(asked string) bool { return !strings.HasPrefix(asked, prefix) }))
}

// on answers one path with the same text each time.
func (f *fakeVault) on(pattern string, status int, body string) {
	f.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { answer(w, status, body) })
}

var notThere = `{"error":{"code":"CertificateNotFound","message":"A certificate with (name/id) x was not found in this key vault."}}`

// newBundle is a certificate for a name, with an EC key because that is quick.
func newBundle(t *testing.T, name string) *pki.Bundle {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(0, 0, 90),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &pki.Bundle{Leaf: leaf, Key: key}
}

// bundleJSON is a certificate as a vault gives it; edit changes it.
// Source: the example answers in the reference of GetCertificate.
func bundleJSON(t *testing.T, name, version string, leaf *x509.Certificate, edit func(map[string]any)) string {
	t.Helper()
	thumbprint := make([]byte, 20)
	if _, err := fmt.Sscanf(pki.Thumbprint(leaf), "%X", &thumbprint); err != nil {
		t.Fatal(err)
	}
	tree := map[string]any{
		"id":          vaultAddress + "/certificates/" + name + "/" + version,
		"sid":         vaultAddress + "/secrets/" + name + "/" + version,
		"x5t":         base64.RawURLEncoding.EncodeToString(thumbprint),
		"cer":         base64.StdEncoding.EncodeToString(leaf.Raw),
		"contentType": pfxType,
		"attributes":  map[string]any{"enabled": true, "created": now.Unix(), "nbf": leaf.NotBefore.Unix(), "exp": leaf.NotAfter.Unix()},
		"tags":        map[string]any{"owner": "gis"},
		"policy": map[string]any{
			"key_props":    map[string]any{"exportable": true, "kty": "EC", "crv": "P-256", "reuse_key": true},
			"secret_props": map[string]any{"contentType": pfxType},
			"issuer":       map[string]any{"name": "DigiCert"},
			"x509_props":   map[string]any{"subject": "CN=as it was"},
			"lifetime_actions": []any{map[string]any{
				"trigger": map[string]any{"days_before_expiry": 30}, "action": map[string]any{"action_type": "EmailContacts"},
			}},
		},
	}
	if edit != nil {
		edit(tree)
	}
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestVaultsAreReadAsTheyAre(t *testing.T) {
	azure := newAzure(t)
	const one = `{"id":"/subscriptions/s1/resourceGroups/gis/providers/Microsoft.KeyVault/vaults/entvault","name":"entvault","location":"westeurope",
		"properties":{"tenantId":"` + vaultTenant + `","vaultUri":"https://entvault.vault.azure.net/","enableRbacAuthorization":false,
		"accessPolicies":[{"tenantId":"t","objectId":"ABC","permissions":{"certificates":["Get","List"],"secrets":["all"]}}],
		"enablePurgeProtection":true,"softDeleteRetentionInDays":90,"publicNetworkAccess":"Enabled",
		"networkAcls":{"bypass":"AzureServices","defaultAction":"Deny","ipRules":[{"value":"203.0.113.0/24"}],"virtualNetworkRules":[]}}}`
	azure.mux.HandleFunc("GET /subscriptions", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"value":[{"subscriptionId":"s1"},{"subscriptionId":"s2"}]}`)
	})
	azure.mux.HandleFunc("GET /subscriptions/s1/providers/Microsoft.KeyVault/vaults", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"value":[`+one+`]}`)
	})
	azure.mux.HandleFunc("GET /subscriptions/s2/providers/Microsoft.KeyVault/vaults", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 403, `{"error":{"code":"AuthorizationFailed","message":"no"}}`)
	})
	vaults, err := azure.manager().Vaults(t.Context(), nil)
	if !IsForbidden(err) {
		t.Errorf("the subscription that could not be read is not told of: %v", err)
	}
	want := []Vault{{
		ID:   "/subscriptions/s1/resourceGroups/gis/providers/Microsoft.KeyVault/vaults/entvault",
		Name: "entvault", URI: vaultAddress, SubscriptionID: "s1", ResourceGroup: "gis", Location: "westeurope", TenantID: vaultTenant,
		Policies:        []VaultPolicy{{TenantID: "t", ObjectID: "ABC", Certificates: []string{"get", "list"}, Secrets: []string{"all"}}},
		Network:         VaultNetwork{Public: true, Firewall: true, TrustedServices: true, Addresses: []string{"203.0.113.0/24"}},
		PurgeProtection: true, RetentionDays: 90,
	}}
	if diff := cmp.Diff(want, vaults); diff != "" {
		t.Fatal(diff)
	}
	v := vaults[0]
	if !v.PolicyAllows("abc", VaultCertificates, "get") || v.PolicyAllows("abc", VaultCertificates, "import") || !v.PolicyAllows("abc", VaultSecrets, "get") || v.PolicyAllows("def", VaultSecrets, "get") {
		t.Error("the policies are read otherwise than they are meant")
	}
	v.RBAC = true
	if v.PolicyAllows("abc", VaultSecrets, "get") {
		t.Error("a policy counts in a vault with RBAC")
	}
}

func TestWhoCanReachAVault(t *testing.T) {
	for _, test := range []struct {
		properties, want string
	}{
		{`{}`, "all networks"},
		{`{"networkAcls":{"defaultAction":"Allow"}}`, "all networks"},
		{`{"networkAcls":{"defaultAction":"Deny","ipRules":[{"value":"1.2.3.4"},{"value":"5.6.7.8"}],"virtualNetworkRules":[{"id":"/x"}]}}`, "only 2 addresses and 1 subnet, trusted services"},
		{`{"networkAcls":{"defaultAction":"Deny","bypass":"None"}}`, "no public network"},
		{`{"publicNetworkAccess":"disabled","privateEndpointConnections":[
			{"properties":{"privateEndpoint":{"id":"/pe"},"privateLinkServiceConnectionState":{"status":"Approved"}}},
			{"properties":{"privateEndpoint":{"id":"/no"},"privateLinkServiceConnectionState":{"status":"Pending"}}}]}`, "no public network, 1 private endpoint, trusted services"},
	} {
		if got := newVaultNetwork(document(t, test.properties)).Explain(); got != test.want {
			t.Errorf("%s: got %q, want %q", test.properties, got, test.want)
		}
	}
}
