package vault_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/vault"
)

const version = "?api-version=7.4"

func TestTheChallengeNamesTenantAndAudience(t *testing.T) {
	b := setUp(t)
	got := b.call(http.MethodGet, "/certificates"+version, "", nil)
	b.want(got, 401, "Unauthorized")
	want := `Bearer authorization="https://login.microsoftonline.com/` + tenant + `", resource="https://vault.azure.net"`
	if challenge := got.Header.Get("WWW-Authenticate"); challenge != want {
		t.Errorf("challenge %q, want %q", challenge, want)
	}
	for token, text := range map[string]string{"old": "expired", "arm": "AKV10022", "guest": "AKV10032", "nonsense": "AKV10000"} {
		got := b.call(http.MethodGet, "/certificates"+version, token, nil)
		b.want(got, 401, "Unauthorized")
		if !strings.Contains(got.raw, text) || got.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("token %s: %s", token, got.raw)
		}
	}
	b.want(b.call(http.MethodGet, "/certificates", "operator", nil), 400, "BadParameter")
}

func TestAccessByPolicyIsPerPermission(t *testing.T) {
	b := setUp(t)
	b.put("site", vault.Seed{})
	policy := b.properties()["accessPolicies"].([]any)[0].(map[string]any)
	policy["permissions"] = map[string]any{"certificates": []any{"LIST"}}
	b.want(b.call(http.MethodGet, "/certificates"+version, "operator", nil), 200, "")
	b.want(b.call(http.MethodGet, "/certificates/site/"+version, "operator", nil), 403, "Forbidden/ForbiddenByPolicy")
	got := b.call(http.MethodGet, "/secrets/site/"+version, "operator", nil)
	b.want(got, 403, "Forbidden/ForbiddenByPolicy")
	if !strings.Contains(got.raw, "does not have secrets get permission on key vault 'kv;location=westeurope'") {
		t.Error(got.raw)
	}
}

func TestAccessByRoleIgnoresThePolicies(t *testing.T) {
	b := setUp(t)
	b.put("site", vault.Seed{})
	b.properties()["enableRbacAuthorization"] = true
	got := b.call(http.MethodGet, "/secrets/site/"+version, "operator", nil)
	b.want(got, 403, "Forbidden/ForbiddenByRbac")
	if !strings.Contains(got.raw, "Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'") {
		t.Error(got.raw)
	}
	b.roles = []string{"Microsoft.KeyVault/vaults/secrets/getSecret/action"}
	b.want(b.call(http.MethodGet, "/secrets/site/"+version, "operator", nil), 200, "")
	b.want(b.call(http.MethodGet, "/secrets"+version, "operator", nil), 403, "Forbidden/ForbiddenByRbac")
}

func TestTheFirewall(t *testing.T) {
	deny := map[string]any{"defaultAction": "Deny", "bypass": "AzureServices"}
	with := func(key string, value any) map[string]any {
		return map[string]any{"defaultAction": "Deny", "bypass": "None", key: value}
	}
	endpoint := []any{map[string]any{"properties": map[string]any{"privateLinkServiceConnectionState": map[string]any{"status": "Approved"}}}}
	const firewall, connection = "Forbidden/ForbiddenByFirewall", "Forbidden/ForbiddenByConnection"
	for _, row := range []struct {
		name                     string
		acls                     map[string]any
		public                   string
		endpoints                []any
		outside, inside, gateway string
	}{
		{"open", nil, "Enabled", nil, "", "", ""},
		{"trusted services only", deny, "Enabled", nil, firewall, firewall, ""},
		{"nobody", with("bypass", "None"), "Enabled", nil, firewall, firewall, firewall},
		{"an address", with("ipRules", []any{map[string]any{"value": "203.0.113.250"}}), "Enabled", nil, "", firewall, firewall},
		{"a prefix", with("ipRules", []any{map[string]any{"value": "203.0.113.0/24"}}), "Enabled", nil, "", firewall, firewall},
		{"a subnet", with("virtualNetworkRules", []any{map[string]any{"id": "x"}}), "Enabled", nil, firewall, "", ""},
		{"private", with("bypass", "None"), "Disabled", endpoint, connection, "", ""},
		{"shut", deny, "disabled", nil, connection, connection, ""},
	} {
		b := setUp(t)
		p := b.properties()
		p["networkAcls"], p["publicNetworkAccess"], p["privateEndpointConnections"] = row.acls, row.public, row.endpoints
		for network, want := range map[vault.Network]string{vault.Outside: row.outside, vault.Inside: row.inside, vault.Gateway: row.gateway} {
			b.network = network
			if got := b.call(http.MethodGet, "/certificates"+version, "operator", nil); got.code() != want {
				t.Errorf("%s: from network %d %q, want %q", row.name, network, got.code(), want)
			}
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	b := setUp(t)
	good := b.pfx(b.issue(), "secret")
	pem := map[string]any{"secret_props": map[string]any{"contentType": "application/x-pem-file"}}
	b.put("site", vault.Seed{})
	b.put("word", vault.Seed{Value: "word"})
	for _, row := range []struct {
		method, path string
		body         any
		status       int
		code         string
	}{
		{"POST", "/certificates/new/import", map[string]any{"value": good, "pwd": "wrong"}, 400, "BadParameter"},
		{"POST", "/certificates/new/import", map[string]any{"value": "AAAA"}, 400, "BadParameter"},
		{"POST", "/certificates/new/import", map[string]any{"value": good, "pwd": "secret", "policy": pem}, 400, "BadParameter"},
		{"POST", "/certificates/n_w/import", map[string]any{"value": good, "pwd": "secret"}, 400, "BadParameter"},
		{"POST", "/certificates/word/import", map[string]any{"value": good, "pwd": "secret"}, 409, "Conflict/ObjectIsOfAnotherKind"},
		{"GET", "/certificates/none/", nil, 404, "CertificateNotFound"},
		{"GET", "/certificates/site/0123", nil, 404, "CertificateNotFound"},
		{"GET", "/secrets/none", nil, 404, "SecretNotFound"},
		{"GET", "/deletedcertificates/site", nil, 404, "CertificateNotFound"},
		{"PUT", "/secrets/site", map[string]any{"value": "x"}, 403, "Forbidden"},
		{"DELETE", "/secrets/site", nil, 403, "Forbidden"},
		{"POST", "/certificates/new/create", map[string]any{}, 405, "MethodNotAllowed"},
		{"GET", "/certificates/contacts/none/of/it", nil, 405, "MethodNotAllowed"},
		{"GET", "/keys", nil, 405, "MethodNotAllowed"},
		{"GET", "/certificates" + version + "&maxresults=26&x=", nil, 400, "BadParameter"},
	} {
		path := row.path
		if !strings.Contains(path, "?") {
			path += version
		}
		b.want(b.call(row.method, path, "operator", row.body), row.status, row.code)
	}
}

func TestAKeyThatMayNotLeaveStays(t *testing.T) {
	b := setUp(t)
	b.put("fixed", vault.Seed{NotExportable: true})
	b.put("text", vault.Seed{PEM: true})
	b.put("both", vault.Seed{PEM: true, NotExportable: true})
	for name, want := range map[string][2]bool{"fixed": {false, false}, "text": {true, true}, "both": {true, false}} {
		got := b.call(http.MethodGet, "/secrets/"+name+version, "operator", nil)
		b.want(got, 200, "")
		value, _ := got.body["value"].(string)
		if isPEM, hasKey := strings.Contains(value, "BEGIN CERTIFICATE"), strings.Contains(value, "PRIVATE KEY"); isPEM != want[0] || hasKey != want[1] {
			t.Errorf("%s: PEM %v with key %v, want %v", name, isPEM, hasKey, want)
		}
	}
}

func TestFaultsStrikeAtTheirStep(t *testing.T) {
	b := setUp(t)
	b.put("site", vault.Seed{})
	for fault, want := range map[string]int{"throttle": 429, "unavailable": 503, "forbidden": 403} {
		b.ground.Faults.Add(ground.Fault{Name: fault, Step: "vault-get"})
		b.want2(b.call(http.MethodGet, "/secrets"+version, "operator", nil), 200)
		b.want2(b.call(http.MethodGet, "/certificates/site"+version, "", nil), 401) // the challenge is spared
		b.want2(b.call(http.MethodGet, "/certificates/site"+version, "operator", nil), want)
		b.want2(b.call(http.MethodGet, "/certificates/site"+version, "operator", nil), 200)
	}
	content := b.pfx(b.issue(), "")
	for fault, want := range map[string]int{"reset": 0, "lost-response": 1} {
		b.ground.Faults.Add(ground.Fault{Name: fault, Step: "vault-import"})
		before := b.ground.Ledger.Count(ground.VaultWrite)
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://kv.vault.azure.net/certificates/site/import"+version, strings.NewReader(`{"value":"`+content+`"}`))
		request.Header.Set("Authorization", "Bearer operator")
		if answer, err := b.client.Do(request); err == nil {
			t.Errorf("%s: answered %s", fault, answer.Status)
		}
		if got := b.ground.Ledger.Count(ground.VaultWrite) - before; got != want {
			t.Errorf("%s: %d writes, want %d", fault, got, want)
		}
	}
}

func (b *bench) want2(got answer, status int) {
	b.t.Helper()
	if got.StatusCode != status {
		b.t.Errorf("%s %s: %d, want %d\n%s", got.Request.Method, got.Request.URL.Path, got.StatusCode, status, got.raw)
	}
}

func TestGuesses(t *testing.T) {
	for enabled, want := range map[bool]string{false: "Forbidden/SecretDisabled", true: ""} {
		b := setUp(t, func(o *vault.Options) { o.Guesses.LatestIsEnabled = enabled })
		b.put("site", vault.Seed{})
		b.put("site", vault.Seed{Disabled: true})
		if got := b.call(http.MethodGet, "/secrets/site"+version, "operator", nil).code(); got != want {
			t.Errorf("latest is enabled %v: %q, want %q", enabled, got, want)
		}
	}
	for untrusted, want := range map[bool]string{false: "", true: "Forbidden/ForbiddenByFirewall"} {
		b := setUp(t, func(o *vault.Options) { o.Guesses.GatewayNotTrusted = untrusted })
		b.network, b.properties()["networkAcls"] = vault.Gateway, map[string]any{"defaultAction": "Deny", "bypass": "AzureServices"}
		if got := b.call(http.MethodGet, "/secrets"+version, "operator", nil).code(); got != want {
			t.Errorf("gateways are not trusted %v: %q, want %q", untrusted, got, want)
		}
	}
	b := setUp(t, func(o *vault.Options) { o.Guesses.OldAccessDenied = true })
	b.properties()["accessPolicies"] = nil
	b.want(b.call(http.MethodGet, "/secrets"+version, "operator", nil), 403, "Forbidden/AccessDenied")
}
