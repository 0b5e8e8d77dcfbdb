package arm_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/entra"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// The bench is a Resource Manager on plain HTTP with one gateway; signing in
// is replaced by fixed tokens, since entra has tests of its own.
const (
	tenantID     = "11111111-1111-4111-8111-111111111111"
	subscription = "22222222-2222-4222-8222-222222222222"
	operator     = "33333333-3333-4333-8333-333333333333"
	groupID      = "/subscriptions/" + subscription + "/resourceGroups/gis"
	gatewayID    = groupID + "/providers/Microsoft.Network/applicationGateways/agw"
	subnetID     = groupID + "/providers/Microsoft.Network/virtualNetworks/net/subnets/agw"
	publicID     = groupID + "/providers/Microsoft.Network/publicIPAddresses/ip"
	version      = "?api-version=2024-05-01"
)

// sharedCA spares every test the making of RSA keys.
var sharedCA = sync.OnceValues(func() (*authority.Authority, error) { return authority.New(time.Now) })

type bench struct {
	t       *testing.T
	manager *arm.Server
	ground  *ground.Ground
	plane   *plane
	url     string
	old     *authority.Issued
	ca      *authority.Authority
}

// plane is a data plane that remembers.
type plane struct {
	mu        sync.Mutex
	applied   int
	certs     map[string]tls.Certificate
	addresses map[string]string
	document  map[string]any
	err       error
}

func (p *plane) Apply(_ context.Context, document map[string]any, certs map[string]tls.Certificate, addresses map[string]string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return p.err
	}
	p.applied++
	p.document = document
	p.certs, p.addresses = maps.Clone(certs), addresses
	return nil
}

func (p *plane) Health(context.Context) []map[string]any {
	return []map[string]any{{"backendAddressPool": map[string]any{"id": gatewayID + "/backendAddressPools/pool"}}}
}

func (p *plane) serves(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pair, ok := p.certs[name]; ok {
		return pair.Leaf.SerialNumber.String()
	}
	return ""
}

// rules are how many routing rules the data plane has.
func (p *plane) rules() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(list(p.document, "requestRoutingRules"))
}

func setUp(t *testing.T, change ...func(*arm.Options)) *bench {
	t.Helper()
	b := &bench{t: t, ground: ground.New(600, nil), plane: &plane{}}
	o := arm.Options{
		Ground: b.ground,
		Cloud: arm.Cloud{Name: "AzureCloud", Host: "management.azure.com", Login: "login.microsoftonline.com",
			Audiences: []string{"https://management.core.windows.net/"}, VaultSuffix: "vault.azure.net"},
		Tenants:       []arm.Tenant{{ID: tenantID, Name: "Contoso"}},
		Subscriptions: []arm.Subscription{{ID: subscription, Name: "GIS", Tenant: tenantID}},
		Verify: func(token string, _ []string) (entra.Caller, error) {
			switch token {
			case "operator":
				return entra.Caller{Tenant: tenantID, ObjectID: operator, ClientID: "client", Continuous: true}, nil
			case "stranger":
				return entra.Caller{Tenant: "another", ObjectID: "stranger"}, nil
			case "old":
				return entra.Caller{}, entra.ErrExpired
			case "vault":
				return entra.Caller{}, entra.ErrAudience
			}
			return entra.Caller{}, errors.New("unknown token")
		},
		Revoke: func(entra.Caller) {},
	}
	for _, c := range change {
		c(&o)
	}
	b.manager = arm.New(o)
	t.Cleanup(b.manager.Close)
	b.manager.SetGrants(arm.RoleGrant(operator, "/subscriptions/"+subscription, "Reader"), arm.RoleGrant(operator, groupID, "Contributor"))
	b.manager.AddGroup(subscription, "gis", "westeurope", map[string]string{"team": "maps"})
	b.add(map[string]any{"id": groupID + "/providers/Microsoft.Network/virtualNetworks/net", "location": "westeurope",
		"properties": map[string]any{"subnets": []any{map[string]any{"name": "agw"}}}})
	b.add(map[string]any{"id": publicID, "location": "westeurope", "tags": map[string]string{"Team": "maps"}, "properties": map[string]any{"ipAddress": "203.0.113.1"}})
	var err error
	if b.ca, err = sharedCA(); err != nil {
		t.Fatal(err)
	}
	b.old = b.issue()
	document := b.document()
	list(document, "sslCertificates")[0]["properties"] = map[string]any{"data": b.pfx(b.old, "pass"), "password": "pass"}
	if err := b.manager.AddGateway(t.Context(), document, b.plane); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(b.manager)
	server.Config.ConnContext = ground.WithConn
	server.Start()
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func (b *bench) add(document map[string]any) {
	b.t.Helper()
	if err := b.manager.Add(document); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) issue() *authority.Issued {
	b.t.Helper()
	issued, err := b.ca.Issue(authority.Spec{Names: []string{"gis.example.com"}, Key: "p256"})
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

// document is the smallest gateway that has everything a rotation touches.
func (b *bench) document() map[string]any {
	ref := func(path string) map[string]any { return map[string]any{"id": gatewayID + "/" + path} }
	child := func(name string, properties map[string]any) map[string]any {
		return map[string]any{"name": name, "properties": properties}
	}
	return map[string]any{
		"id": gatewayID, "name": "agw", "location": "westeurope", "tags": map[string]any{"arcgis-deployment-id": "abc"}, "unknownTop": map[string]any{"x": 1.50},
		"properties": map[string]any{
			"sku":                      map[string]any{"tier": "Standard_v2"},
			"gatewayIPConfigurations":  []any{child("ipc", map[string]any{"subnet": map[string]any{"id": subnetID}})},
			"frontendIPConfigurations": []any{child("front", map[string]any{"publicIPAddress": map[string]any{"id": publicID}})},
			"sslCertificates":          []any{child("frontendCert", map[string]any{})},
			"httpListeners": []any{child("https", map[string]any{"protocol": "Https", "sslCertificate": ref("sslCertificates/frontendCert"),
				"frontendIPConfiguration": ref("frontendIPConfigurations/front"), "unknown": []any{1, "two"}})},
			"requestRoutingRules": []any{child("rule", map[string]any{"httpListener": ref("httpListeners/https")})},
		},
	}
}

func list(document map[string]any, collection string) []map[string]any {
	var out []map[string]any
	properties, _ := document["properties"].(map[string]any)
	items, _ := properties[collection].([]any)
	for _, item := range items {
		out = append(out, item.(map[string]any))
	}
	return out
}

// answer of the Resource Manager, with its body as a tree.
type answer struct {
	*http.Response
	body map[string]any
	raw  string
}

func (a answer) code() string { return text(a.body, "error", "code") }

func text(tree map[string]any, path ...string) string {
	for _, key := range path[:len(path)-1] {
		tree, _ = tree[key].(map[string]any)
	}
	value, _ := tree[path[len(path)-1]].(string)
	return value
}

func (b *bench) do(method, path string, body any, headers ...string) (answer, error) {
	b.t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.url+strings.TrimPrefix(path, "https://management.azure.com"), bytes.NewReader(encoded))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer operator")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	out := answer{Response: response, raw: string(raw)}
	_ = json.Unmarshal(raw, &out.body)
	return out, nil
}

func (b *bench) call(method, path string, body any, headers ...string) answer {
	b.t.Helper()
	got, err := b.do(method, path, body, headers...)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	return got
}

func (b *bench) get(path string, headers ...string) answer {
	b.t.Helper()
	return b.call(http.MethodGet, path, nil, headers...)
}

func (b *bench) wantError(got answer, status int, code string) {
	b.t.Helper()
	if got.StatusCode != status || got.code() != code {
		b.t.Errorf("got %d %s, want %d %s\n%s", got.StatusCode, got.code(), status, code, got.raw)
	}
}

// poll follows Azure-AsyncOperation to its end.
func (b *bench) poll(accepted answer) map[string]any {
	b.t.Helper()
	url := accepted.Header.Get("Azure-AsyncOperation")
	if url == "" {
		b.t.Fatalf("no Azure-AsyncOperation: %d %s", accepted.StatusCode, accepted.raw)
	}
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(5 * time.Millisecond) {
		got := b.get(url)
		if status := text(got.body, "status"); status != "InProgress" {
			return got.body
		}
	}
	b.t.Fatal("the operation does not end")
	return nil
}
