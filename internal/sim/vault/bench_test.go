package vault_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/entra"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/vault"
)

const (
	tenant   = "11111111-1111-4111-8111-111111111111"
	operator = "33333333-3333-4333-8333-333333333333"
	vaultID  = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv"
)

// sharedCA spares every test the making of keys.
var sharedCA = sync.OnceValues(func() (*authority.Authority, error) { return authority.New(time.Now) })

// bench is one vault, kv, behind TLS under its production name; signing in is
// replaced by fixed tokens.
type bench struct {
	t        *testing.T
	ca       *authority.Authority
	ground   *ground.Ground
	server   *vault.Server
	document map[string]any
	network  vault.Network
	roles    []string // data actions that the operator's roles allow
	client   *http.Client
}

func setUp(t *testing.T, change ...func(*vault.Options)) *bench {
	t.Helper()
	ca, err := sharedCA()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, ca: ca, ground: ground.New(1000, nil), document: map[string]any{"id": vaultID, "location": "westeurope", "properties": map[string]any{
		"tenantId": tenant, "softDeleteRetentionInDays": json.Number("30"), "accessPolicies": []any{map[string]any{
			"objectId": strings.ToUpper(operator), "permissions": map[string]any{"certificates": []any{"All"}, "secrets": []any{"Get", "List", "set", "delete", "recover", "purge"}}}}}}}
	o := vault.Options{
		Ground: b.ground, Suffix: "vault.azure.net", Login: "login.microsoftonline.com",
		Document:   func(name string) (map[string]any, bool) { return b.document, name == "kv" },
		AllowsData: func(_, action, _ string) bool { return contains(b.roles, action) },
		Verify: func(token string, audiences []string) (entra.Caller, error) {
			caller := entra.Caller{Tenant: tenant, ObjectID: operator, ClientID: "client"}
			switch {
			case len(audiences) != 1 || audiences[0] != "https://vault.azure.net":
				return entra.Caller{}, errors.New("asked for another audience")
			case token == "operator":
				return caller, nil
			case token == "guest":
				caller.Tenant = "another"
				return caller, nil
			case token == "old":
				return entra.Caller{}, entra.ErrExpired
			case token == "arm":
				return entra.Caller{}, entra.ErrAudience
			}
			return entra.Caller{}, errors.New("unknown token")
		},
	}
	for _, c := range change {
		c(&o)
	}
	b.server = vault.New(o)
	b.server.Add("kv")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.server.From(b.network).ServeHTTP(w, r) }))
	server.TLS, server.Config.ConnContext = ca.ServerConfig(), ground.WithConn
	server.StartTLS()
	t.Cleanup(server.Close)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Roots()}, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}}
	t.Cleanup(transport.CloseIdleConnections)
	b.client = &http.Client{Transport: transport, Timeout: 10 * time.Second}
	return b
}

func contains(list []string, word string) bool {
	for _, one := range list {
		if one == word {
			return true
		}
	}
	return false
}

func (b *bench) properties() map[string]any { return b.document["properties"].(map[string]any) }

// GetToken makes the bench a credential for the SDK.
func (b *bench) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if len(o.Scopes) != 1 || o.Scopes[0] != "https://vault.azure.net/.default" || o.TenantID != tenant {
		b.t.Errorf("the challenge led to scopes %v in tenant %s", o.Scopes, o.TenantID)
	}
	return azcore.AccessToken{Token: "operator", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func (b *bench) options() azcore.ClientOptions {
	return azcore.ClientOptions{Transport: b.client, Retry: policy.RetryOptions{MaxRetries: 1, RetryDelay: time.Millisecond}}
}

func (b *bench) certificates() *azcertificates.Client {
	b.t.Helper()
	client, err := azcertificates.NewClient("https://kv.vault.azure.net", b, &azcertificates.ClientOptions{ClientOptions: b.options()})
	if err != nil {
		b.t.Fatal(err)
	}
	return client
}

func (b *bench) secrets() *azsecrets.Client {
	b.t.Helper()
	client, err := azsecrets.NewClient("https://kv.vault.azure.net", b, &azsecrets.ClientOptions{ClientOptions: b.options()})
	if err != nil {
		b.t.Fatal(err)
	}
	return client
}

func (b *bench) issue() *authority.Issued {
	b.t.Helper()
	issued, err := b.ca.Issue(authority.Spec{Names: []string{"gis.example.com", "maps.example.com"}, Key: "p256"})
	if err != nil {
		b.t.Fatal(err)
	}
	return issued
}

func (b *bench) pfx(issued *authority.Issued, password string) string {
	b.t.Helper()
	file, err := issued.PFX(password)
	if err != nil {
		b.t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(file)
}

// answer of a plain client, with its body as a tree.
type answer struct {
	*http.Response
	body map[string]any
	raw  string
}

func (a answer) code() string {
	of, _ := a.body["error"].(map[string]any)
	code, _ := of["code"].(string)
	if inner, ok := of["innererror"].(map[string]any); ok {
		code += "/" + inner["code"].(string)
	}
	return code
}

func (b *bench) call(method, path, token string, body any) answer {
	b.t.Helper()
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(b.t.Context(), method, "https://kv.vault.azure.net"+path, content)
	if err != nil {
		b.t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	out := answer{Response: response, raw: string(raw)}
	_ = json.Unmarshal(raw, &out.body)
	return out
}

func (b *bench) want(got answer, status int, code string) {
	b.t.Helper()
	if got.StatusCode != status || got.code() != code {
		b.t.Errorf("got %d %s, want %d %s\n%s", got.StatusCode, got.code(), status, code, got.raw)
	}
}

func (b *bench) put(name string, seed vault.Seed) string {
	b.t.Helper()
	if seed.Value == "" {
		seed.Pair = b.issue().TLS()
	}
	id, err := b.server.Put("kv", name, seed)
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}
