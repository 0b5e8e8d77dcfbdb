package sim_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/cartouche-gis/cartouche/internal/sim"
)

func start(t *testing.T, o sim.Options) *sim.World {
	t.Helper()
	w, err := sim.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("close the world: %v", err)
		}
	})
	return w
}

// client is a person behind the world's proxy who trusts its ca.pem.
func client(t *testing.T, w *sim.World) *http.Client {
	t.Helper()
	proxy, err := url.Parse(variable(w, "HTTPS_PROXY"))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: w.Authority().Roots()}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

func variable(w *sim.World, name string) string {
	for _, v := range w.Environment() {
		if v.Name == name {
			return v.Value
		}
	}
	return ""
}

// token is what the real azidentity gets for Resource Manager.
func token(t *testing.T, w *sim.World) string {
	t.Helper()
	credential, err := azidentity.NewClientSecretCredential(variable(w, "AZURE_TENANT_ID"), variable(w, "AZURE_CLIENT_ID"), variable(w, "AZURE_CLIENT_SECRET"),
		&azidentity.ClientSecretCredentialOptions{ClientOptions: policy.ClientOptions{Transport: client(t, w)}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.core.windows.net//.default"}})
	if err != nil {
		t.Fatal(err)
	}
	return got.Token
}

func get(t *testing.T, w *sim.World, token, path string) map[string]any {
	t.Helper()
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://management.azure.com"+path, nil)
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := client(t, w).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	var out map[string]any
	if err := json.Unmarshal(body, &out); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s %s", path, answer.Status, body)
	}
	return out
}

func TestAWorldStartsQuickly(t *testing.T) {
	for _, name := range sim.Worlds() {
		began := time.Now()
		w := start(t, sim.Options{World: name})
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s took %s", name, took)
		} else {
			t.Logf("%s took %s", name, took)
		}
		if len(w.Deployments()) == 0 {
			t.Errorf("%s has no deployment", name)
		}
	}
}

func TestTheGovernmentCloudHasItsOwnNames(t *testing.T) {
	w := start(t, sim.Options{World: "gov", Scale: 60})
	credential, err := azidentity.NewClientSecretCredential(variable(w, "AZURE_TENANT_ID"), variable(w, "AZURE_CLIENT_ID"), variable(w, "AZURE_CLIENT_SECRET"),
		&azidentity.ClientSecretCredentialOptions{ClientOptions: policy.ClientOptions{Transport: client(t, w), Cloud: cloud.AzureGovernment}})
	if err != nil {
		t.Fatal(err)
	}
	for _, audience := range []string{cloud.AzureGovernment.Services[cloud.ResourceManager].Audience, "https://vault.usgovcloudapi.net"} {
		if _, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{audience + "/.default"}}); err != nil {
			t.Errorf("a token for %s: %v", audience, err)
		}
	}
	if _, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}}); err == nil {
		t.Error("a token of the public cloud was given")
	}
	person, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{ClientOptions: policy.ClientOptions{Transport: client(t, w), Cloud: cloud.AzureGovernment},
		UserPrompt: func(ctx context.Context, m azidentity.DeviceCodeMessage) error {
			return browser(t, w, 0).EnterCode(ctx, m.VerificationURL, m.UserCode)
		}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := person.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.core.usgovcloudapi.net/.default"}}); err != nil {
		t.Errorf("a person there: %v", err)
	}
	if got := variable(w, "CARTOUCHE_CLOUD") + " " + variable(w, "AZURE_AUTHORITY_HOST"); got != "usgov https://login.microsoftonline.us/" {
		t.Errorf("environment: %s", got)
	}
	answer, err := client(t, w).Get("https://management.usgovcloudapi.net/metadata/endpoints?api-version=2022-09-01")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, _ := io.ReadAll(answer.Body); !strings.Contains(string(body), `"keyVaultDns":"vault.usgovcloudapi.net"`) {
		t.Errorf("metadata: %s", body)
	}
}

func TestADeploymentIsInTheSubscriptionThatItsFileSays(t *testing.T) {
	w := start(t, sim.Options{World: "twin"})
	list := get(t, w, token(t, w), "/subscriptions?api-version=2022-12-01")["value"].([]any)
	if len(list) != 2 {
		t.Fatalf("%d subscriptions of Contoso, want 2: %v", len(list), list)
	}
	for i, d := range w.Deployments() {
		if id := w.Subscriptions()[i].ID; !strings.HasPrefix(d.GatewayID, "/subscriptions/"+id+"/") {
			t.Errorf("%s is not in %s", d.GatewayID, id)
		}
	}
	if len(w.Tenants()) != 3 || len(w.Subscriptions()) != 3 {
		t.Errorf("tenants %v, subscriptions %v", w.Tenants(), w.Subscriptions())
	}
}

func TestAnSDKClientSignsInAndReadsTheGateway(t *testing.T) {
	w := start(t, sim.Options{World: "single"})
	document := get(t, w, token(t, w), w.Deployments()[0].GatewayID+"?api-version=2024-05-01")
	entry := document["properties"].(map[string]any)["sslCertificates"].([]any)[0].(map[string]any)
	properties := entry["properties"].(map[string]any)
	if properties["data"] != nil || properties["password"] != nil {
		t.Error("the gateway shows data or password of its certificate")
	}
	if text, _ := properties["publicCertData"].(string); !strings.HasPrefix(text, "MII") {
		t.Errorf("publicCertData is %q", text)
	}
}

func TestTheExternalNameServesThePortal(t *testing.T) {
	w := start(t, sim.Options{World: "single"})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://gis.example.com/portal/portaladmin/healthCheck?f=json", nil)
	answer, err := client(t, w).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		t.Errorf("%s %s", answer.Status, body)
	}
	if left := time.Until(answer.TLS.PeerCertificates[0].NotAfter); left < 9*24*time.Hour || left > 10*24*time.Hour {
		t.Errorf("the certificate has %s left, want nine days", left)
	}
}
