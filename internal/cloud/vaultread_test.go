package cloud

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

func TestCertificatesAreListedWithDetails(t *testing.T) {
	vault := newFakeVault(t)
	leaf := newBundle(t, "gis.example.com").Leaf
	vault.mux.HandleFunc("GET /certificates", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page") == "" {
			answer(w, 200, `{"value":[{"id":"`+vaultAddress+`/certificates/web","attributes":{"enabled":true}}],"nextLink":"`+vaultAddress+`/certificates?api-version=7.4&page=2"}`)
			return
		}
		answer(w, 200, `{"value":[{"id":"`+vaultAddress+`/certificates/hidden","attributes":{"enabled":true}},{"attributes":{}},{"id":"https://x/"}],"nextLink":null}`)
	})
	vault.on("GET /certificates/web/", 200, bundleJSON(t, "web", "v2", leaf, nil))
	vault.on("GET /certificates/hidden/", 403, `{"error":{"code":"Forbidden","message":"no","innererror":{"code":"ForbiddenByPolicy"}}}`)
	vault.on("GET /secrets", 200, `{"value":[
		{"id":"`+vaultAddress+`/secrets/web","managed":true,"contentType":"application/x-pkcs12"},
		{"id":"`+vaultAddress+`/secrets/by-hand","contentType":"application/x-pkcs12","attributes":{"enabled":true}},
		{"id":"`+vaultAddress+`/secrets/password"}]}`)
	got, err := vault.client().Certificates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, v := range got {
		told = append(told, fmt.Sprintf("%s %s %s leaf=%t unread=%t", v.Name, v.Kind, v.SecretID, v.Leaf != nil, v.Unread != ""))
	}
	want := []string{
		"by-hand secret https://entvault.vault.azure.net/secrets/by-hand leaf=false unread=false",
		"hidden certificate https://entvault.vault.azure.net/secrets/hidden leaf=false unread=true",
		"web certificate https://entvault.vault.azure.net/secrets/web/v2 leaf=true unread=false",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
	web := got[2]
	if web.Versionless() != vaultAddress+"/secrets/web" || web.Thumbprint != pki.Thumbprint(leaf) || !web.Exportable || web.KeyType != "EC" || web.Tags["owner"] != "gis" || web.Names()[0] != "gis.example.com" {
		t.Errorf("got %+v", web)
	}
	if n := vault.count("GET /secrets/"); n != 0 {
		t.Errorf("%d secrets were opened for a list", n)
	}
}

// Next links come from replies.
func TestATokenDoesNotFollowALinkToAnotherHost(t *testing.T) {
	vault := newFakeVault(t)
	vault.on("GET /certificates", 200, `{"value":[],"nextLink":"https://evil.vault.azure.net/certificates?api-version=7.4"}`)
	_, err := vault.client().Certificates(t.Context())
	if err == nil || !strings.Contains(err.Error(), "refused to send the sign-in to https://evil.vault.azure.net") {
		t.Errorf("got %v", err)
	}
}

func TestOnlyVaultsOfTheCloudAreAsked(t *testing.T) {
	for _, address := range []string{
		"http://entvault.vault.azure.net", "https://vault.azure.net", "https://entvault.vault.azure.net.evil.test", "https://a.b.vault.azure.net",
		"https://entvault.vault.usgovcloudapi.net", "https://user:hunter2@entvault.vault.azure.net", "entvault", "",
	} {
		if _, err := NewVaultClient(Public(), address, credential{}, Options{Client: http.DefaultClient}); err == nil {
			t.Errorf("%q was taken for a vault", address)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("shows a password: %v", err)
		}
	}
}

// The SDK's own reading of the first of these panics.
func TestAChallengeThatIsNone(t *testing.T) {
	for _, challenge := range []string{
		`Bearer authorization="login", resource="https://vault.azure.net"`,
		`Bearer authorization="https://login.microsoftonline.com", resource="https://vault.azure.net"`,
		`Bearer authorization="https://login.microsoftonline.com/a/b", resource="https://vault.azure.net"`,
		`Bearer authorization="https://login.microsoftonline.com/` + vaultTenant + `", resource="https://evil.test"`,
		`Bearer authorization="https://login.microsoftonline.com/` + vaultTenant + `", resource="https://net"`,
		`authBearer orization="x" Bearer authorization="https://login.microsoftonline.com/` + vaultTenant + `"`,
		`authBearer orization="x" error="insufficient_claims"`,
		`Basic realm="proxy"`, ``,
	} {
		vault := newFakeVault(t)
		vault.challenge = challenge
		if _, err := vault.client().Versions(t.Context(), "web"); err == nil || len(vault.asked) != 0 {
			t.Errorf("%s: got %v, asked %v", challenge, err, vault.asked)
		}
	}
}

// The newest version is disabled, and it is not documented which one a vault
// gives then.
func TestTheNewestEnabledVersion(t *testing.T) {
	leaf, older := newBundle(t, "gis.example.com").Leaf, newBundle(t, "gis.example.com").Leaf
	versions := fmt.Sprintf(`{"value":[
		{"id":"%[1]s/certificates/web/v1","attributes":{"enabled":true,"created":100}},
		{"id":"%[1]s/certificates/web/v3","attributes":{"enabled":false,"created":300}},
		{"id":"%[1]s/certificates/web/v2","attributes":{"enabled":true,"created":200}}]}`, vaultAddress)
	disabled := func(tree map[string]any) { tree["attributes"].(map[string]any)["enabled"] = false }
	for name, newest := range map[string]func(*fakeVault){
		"it is given": func(f *fakeVault) {
			f.on("GET /certificates/web/", 200, bundleJSON(t, "web", "v3", leaf, disabled))
		},
		"it is refused": func(f *fakeVault) {
			f.on("GET /certificates/web/", 403, `{"error":{"code":"Forbidden","message":"Operation get is not allowed on a disabled secret.","innererror":{"code":"SecretDisabled"}}}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			vault := newFakeVault(t)
			newest(vault)
			vault.on("GET /certificates/web/versions", 200, versions)
			vault.on("GET /certificates/web/v2", 200, bundleJSON(t, "web", "v2", older, nil))
			got, err := vault.client().Certificate(t.Context(), "web", "")
			if err != nil || got.Version != "v2" || !got.Leaf.Equal(older) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestAPlainSecretIsOpenedWhenItIsNamed(t *testing.T) {
	bundle := newBundle(t, "gis.example.com")
	data, _, err := pki.WritePFX(bundle, pki.ForVaultSecret)
	if err != nil {
		t.Fatal(err)
	}
	vault := newFakeVault(t)
	vault.on("GET /certificates/", 404, notThere)
	secretJSON := func(name, value string) string {
		return fmt.Sprintf(`{"id":"%s/secrets/%s/s1","value":%q,"attributes":{"enabled":true}}`, vaultAddress, name, value)
	}
	vault.on("GET /secrets/by-hand/", 200, secretJSON("by-hand", base64.StdEncoding.EncodeToString(data)))
	vault.on("GET /secrets/password/", 200, secretJSON("password", "canary-hunter2"))
	c := vault.client()
	got, err := c.Certificate(t.Context(), "by-hand", "")
	if err != nil || got.Kind != VaultKindSecret || !got.Leaf.Equal(bundle.Leaf) || len(got.Unusable(now)) != 0 {
		t.Errorf("got %+v, %v, %v", got, err, got.Unusable(now))
	}
	if opened, err := c.PFX(t.Context(), "by-hand", ""); err != nil || opened.Key == nil || !opened.Leaf.Equal(bundle.Leaf) {
		t.Errorf("got %+v, %v", opened, err)
	}
	got, err = c.Certificate(t.Context(), "password", "")
	if findings := got.Unusable(now); err != nil || !findings.Has("vault-secret-not-pfx") || strings.Contains(fmt.Sprint(findings, got), "hunter2") {
		t.Errorf("got %+v, %v, %v", got, err, findings)
	}
	if _, err := c.PFX(t.Context(), "password", ""); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestWhatAGatewayCannotUse(t *testing.T) {
	leaf := newBundle(t, "gis.example.com").Leaf
	in := func(tree map[string]any, path ...string) map[string]any {
		for _, name := range path {
			tree = tree[name].(map[string]any)
		}
		return tree
	}
	for _, test := range []struct {
		what string
		edit func(map[string]any)
		at   time.Time
		want string
	}{
		{"good", nil, now, ""},
		{"disabled", func(tree map[string]any) { in(tree, "attributes")["enabled"] = false }, now, "vault-certificate-disabled"},
		{"pending", func(tree map[string]any) { delete(tree, "cer"); in(tree, "attributes")["enabled"] = false }, now, "vault-certificate-pending"},
		{"not exportable", func(tree map[string]any) { in(tree, "policy", "key_props")["exportable"] = false }, now, "vault-key-not-exportable"},
		{"in an HSM", func(tree map[string]any) { in(tree, "policy", "key_props")["kty"] = "RSA-HSM" }, now, "vault-key-in-hsm"},
		{"PEM", func(tree map[string]any) { tree["contentType"] = "application/x-pem-file" }, now, "vault-content-type"},
		{"expired", nil, now.AddDate(1, 0, 0), "expired"},
		{"not yet valid", nil, now.AddDate(-1, 0, 0), "not-yet-valid"},
	} {
		vault := newFakeVault(t)
		vault.on("GET /certificates/web/v1", 200, bundleJSON(t, "web", "v1", leaf, test.edit))
		got, err := vault.client().Certificate(t.Context(), "web", "v1")
		if err != nil {
			t.Fatal(err)
		}
		var codes []string
		for _, finding := range got.Unusable(test.at) {
			codes = append(codes, finding.Code)
		}
		if strings.Join(codes, " ") != test.want {
			t.Errorf("%s: got %v, want %s", test.what, codes, test.want)
		}
	}
}

// What mends it can be typed as it stands.
func TestAVersionThatIsDisabledIsEnabledByItself(t *testing.T) {
	for kind, want := range map[VaultKind]string{
		VaultKindCertificate: "az keyvault certificate set-attributes --vault-name entvault --name web --version v1 --enabled true",
		VaultKindSecret:      "az keyvault secret set-attributes --vault-name entvault --name web --version v1 --enabled true",
	} {
		v := VaultCertificate{Name: "web", Version: "v1", Kind: kind, SecretID: vaultAddress + "/secrets/web/v1", ContentType: pfxType, Exportable: true, Leaf: newBundle(t, "x").Leaf}
		found := v.Unusable(now)
		if len(found) != 1 || !strings.HasSuffix(found[0].Mend, ": "+want) {
			t.Errorf("%s: got %+v", kind, found)
		}
	}
}

func TestSomethingThatIsNotThere(t *testing.T) {
	vault := newFakeVault(t)
	vault.on("GET /certificates/web/", 404, notThere)
	vault.on("GET /certificates/web/versions", 200, `{"value":[]}`)
	vault.on("GET /secrets/web/", 404, `{"error":{"code":"SecretNotFound","message":"no"}}`)
	vault.on("GET /secrets/web/versions", 404, `{"error":{"code":"SecretNotFound","message":"no"}}`)
	c := vault.client()
	if _, err := c.Versions(t.Context(), "web"); !IsNotFound(err) {
		t.Errorf("versions: got %v", err)
	}
	if _, err := c.Certificate(t.Context(), "web", ""); !IsNotFound(err) {
		t.Errorf("certificate: got %v", err)
	}
}

// Who may work with certificates only (Key Vault Certificates Officer) is
// forbidden to read secrets, whether there is one of that name or not; a new
// name must be a new name all the same.
func TestANewNameForWhoMayNotReadSecrets(t *testing.T) {
	const forbidden = `{"error":{"code":"Forbidden","message":"no","innererror":{"code":"ForbiddenByRbac"}}}`
	vault := newFakeVault(t)
	vault.on("GET /", 404, notThere)
	vault.on("GET /secrets/", 403, forbidden)
	c := vault.client()
	if _, err := c.Certificate(t.Context(), "web", ""); !IsNotFound(err) || !strings.Contains(err.Error(), "this sign-in may not see") {
		t.Errorf("certificate: got %v", err)
	}
	if _, err := c.Versions(t.Context(), "web"); !IsNotFound(err) {
		t.Errorf("versions: got %v", err)
	}
	// Who may list secrets and not read them is told that the secret is there.
	vault.on("GET /secrets/web/versions", 200, `{"value":[{"id":"`+vaultAddress+`/secrets/web/s1"}]}`)
	if _, err := c.Certificate(t.Context(), "web", ""); !IsForbidden(err) {
		t.Errorf("a secret that is listed: got %v", err)
	}
}

// Whatever a vault answers, the client does not break, and shows no line that
// is not fit for a terminal.
func FuzzWhatAVaultAnswers(f *testing.F) {
	f.Add([]byte(`{"value":[{"id":"https://v/certificates/n","x5t":"AA","attributes":{"created":1}}]}`), 200)
	f.Add([]byte(`{"id":"https://v/secrets/n/1","value":"AAAA","cer":"AA==","policy":{"key_props":{"kty":"RSA-HSM"}},"attributes":null,"tags":{"a":null}}`), 200)
	f.Add([]byte(`{"error":{"code":"Forbidden","message":"oid= client address: .","innererror":{"code":"ForbiddenByFirewall"}}}`), 403)
	f.Add([]byte(`{"error":{"innererror":{"code":"ObjectIsDeletedButRecoverable"}}}`), 404)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		switch status {
		case 200, 400, 403, 404, 409:
		default:
			t.Skip("azcore would repeat it, or HTTP not carry it")
		}
		vault := newFakeVault(t)
		vault.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { answer(w, status, string(body)) })
		c := vault.client()
		listed, err := c.Certificates(t.Context())
		one, err2 := c.Certificate(t.Context(), "web", "")
		_, err3 := c.PFX(t.Context(), "web", "1")
		for _, v := range append(listed, one) {
			v.Judge(nil, pki.Criteria{Now: now})
		}
		for _, err := range []error{err, err2, err3} {
			var e *Error
			if errors.As(err, &e) && (strings.ContainsAny(e.Error()+e.Hint, "\x1b\n\r\x00") || len(e.Hint) > 1000) {
				t.Errorf("not fit to be shown: %q %q", e.Error(), e.Hint)
			}
		}
	})
}
