package sim_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/visitor"
)

const (
	azureCLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
	armScope = "https://management.core.windows.net//.default"
)

// browser is the world's first person, or another, at a browser.
func browser(t *testing.T, w *sim.World, person int) visitor.Browser {
	p := w.People()[person]
	return visitor.Browser{Client: client(t, w), User: p.User, Password: p.Password}
}

func options(t *testing.T, w *sim.World) policy.ClientOptions {
	return policy.ClientOptions{Transport: client(t, w)}
}

// useful makes sure that a credential's token opens what the person or program
// may see.
func useful(t *testing.T, w *sim.World, credential azcore.TokenCredential) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	got, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{armScope}})
	if err != nil {
		t.Fatal(err)
	}
	if list, _ := get(t, w, got.Token, "/subscriptions?api-version=2022-12-01")["value"].([]any); len(list) != 2 {
		t.Errorf("it sees %d subscriptions, want the two of Contoso", len(list))
	}
}

// Every way to sign in, by the clients that people really use.
func TestStrangersSignIn(t *testing.T) {
	w := start(t, sim.Options{World: "twin", Scale: 60})
	tenant := variable(w, "AZURE_TENANT_ID")
	file := func(t *testing.T, way, name string) string {
		t.Helper()
		variables, err := w.SignInEnvironment(way)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range variables {
			if v.Name == name {
				return v.Value
			}
		}
		t.Fatalf("%s has no %s", way, name)
		return ""
	}

	t.Run("device code", func(t *testing.T) {
		t.Parallel()
		credential, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{ClientOptions: options(t, w), TenantID: "organizations",
			UserPrompt: func(ctx context.Context, m azidentity.DeviceCodeMessage) error {
				if m.VerificationURL != "https://microsoft.com/devicelogin" {
					t.Errorf("verification address %q", m.VerificationURL)
				}
				return browser(t, w, 0).EnterCode(ctx, m.VerificationURL, m.UserCode)
			}})
		if err != nil {
			t.Fatal(err)
		}
		useful(t, w, credential)
	})
	t.Run("a declined device code", func(t *testing.T) {
		t.Parallel()
		app, err := public.New(azureCLI, public.WithAuthority("https://login.microsoftonline.com/"+tenant), public.WithHTTPClient(client(t, w)))
		if err != nil {
			t.Fatal(err)
		}
		code, err := app.AcquireTokenByDeviceCode(t.Context(), []string{armScope})
		if err != nil {
			t.Fatal(err)
		}
		b := browser(t, w, 0)
		b.Decline = true
		if err := b.EnterCode(t.Context(), code.Result.VerificationURL, code.Result.UserCode); err != nil {
			t.Fatal(err)
		}
		if _, err := code.AuthenticationResult(t.Context()); err == nil || !strings.Contains(err.Error(), "authorization_declined") {
			t.Errorf("%v", err)
		}
	})
	t.Run("client certificate", func(t *testing.T) {
		t.Parallel()
		pem, err := os.ReadFile(file(t, "certificate", "AZURE_CLIENT_CERTIFICATE_PATH"))
		if err != nil {
			t.Fatal(err)
		}
		certificates, key, err := azidentity.ParseCertificates(pem, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, chain := range []bool{false, true} {
			credential, err := azidentity.NewClientCertificateCredential(tenant, variable(w, "AZURE_CLIENT_ID"), certificates, key,
				&azidentity.ClientCertificateCredentialOptions{ClientOptions: options(t, w), SendCertificateChain: chain})
			if err != nil {
				t.Fatal(err)
			}
			useful(t, w, credential)
		}
	})
	t.Run("workload identity", func(t *testing.T) {
		t.Parallel()
		credential, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{ClientOptions: options(t, w),
			TenantID: tenant, ClientID: variable(w, "AZURE_CLIENT_ID"), TokenFilePath: file(t, "workload", "AZURE_FEDERATED_TOKEN_FILE")})
		if err != nil {
			t.Fatal(err)
		}
		useful(t, w, credential)
	})
	t.Run("managed identity", func(t *testing.T) {
		t.Parallel()
		for _, id := range []azidentity.ManagedIDKind{nil, azidentity.ObjectID(w.Runners()[0].ObjectID),
			azidentity.ClientID(w.Runners()[1].ClientID), azidentity.ResourceID(w.Runners()[1].ResourceID)} {
			credential, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ClientOptions: options(t, w), ID: id})
			if err != nil {
				t.Fatal(err)
			}
			useful(t, w, credential)
		}
		credential, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ClientOptions: options(t, w), ID: azidentity.ClientID(tenant)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{armScope}}); err == nil || !strings.Contains(err.Error(), "Identity not found") {
			t.Errorf("an unknown identity: %v", err)
		}
	})
	t.Run("app service", func(t *testing.T) {
		t.Parallel()
		variables, err := w.SignInEnvironment("app-service")
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]string{}
		for _, v := range variables {
			values[v.Name] = v.Value
		}
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, values["IDENTITY_ENDPOINT"]+"?api-version=2019-08-01&resource=https://management.azure.com", nil)
		request.Header.Set("X-IDENTITY-HEADER", values["IDENTITY_HEADER"])
		plain := client(t, w)
		plain.Transport.(*http.Transport).Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(values["HTTP_PROXY"]) }
		answer, err := plain.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var got map[string]string
		if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || got["access_token"] == "" || got["client_id"] != w.Runners()[0].ClientID {
			t.Errorf("%s %v %v", answer.Status, got, err)
		}
	})
	t.Run("browser", func(t *testing.T) {
		t.Parallel()
		app, account := interactive(t, w, "organizations", 0)
		// The refresh token of the home tenant is good for another one.
		fabrikam := w.Tenants()[1].ID
		got, err := app.AcquireTokenSilent(t.Context(), []string{armScope}, public.WithSilentAccount(account), public.WithTenantID(fabrikam))
		if err != nil {
			t.Fatal(err)
		}
		if list, _ := get(t, w, got.AccessToken, "/subscriptions?api-version=2022-12-01")["value"].([]any); len(list) != 1 {
			t.Errorf("%d subscriptions in Fabrikam, want 1", len(list))
		}
		if list, _ := get(t, w, got.AccessToken, "/tenants?api-version=2022-12-01")["value"].([]any); len(list) != 3 {
			t.Errorf("the guest is in %d tenants, want 3", len(list))
		}
	})
	t.Run("revoked", func(t *testing.T) {
		t.Parallel()
		app, account := interactive(t, w, w.Tenants()[0].ID, 1)
		user := w.People()[1].User
		for _, row := range []struct {
			end  func(...string)
			want string
		}{{w.RevokeRefresh, "AADSTS50173"}, {w.LapseRefresh, "AADSTS700082"}} {
			row.end(user)
			_, err := app.AcquireTokenSilent(t.Context(), []string{"https://vault.azure.net/.default"}, public.WithSilentAccount(account))
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("want %s: %v", row.want, err)
			}
		}
	})
}

// interactive signs a person in through MSAL's own loopback server.
func interactive(t *testing.T, w *sim.World, tenant string, person int) (public.Client, public.Account) {
	t.Helper()
	app, err := public.New(azureCLI, public.WithAuthority("https://login.microsoftonline.com/"+tenant), public.WithHTTPClient(client(t, w)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	got, err := app.AcquireTokenInteractive(ctx, []string{armScope}, public.WithOpenURL(func(address string) error {
		go func() {
			if err := browser(t, w, person).Open(ctx, address); err != nil {
				t.Errorf("the person's browser: %v", err)
				cancel()
			}
		}()
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got.Account.PreferredUsername != w.People()[person].User {
		t.Errorf("signed in as %q", got.Account.PreferredUsername)
	}
	return app, got.Account
}

// azidentity's own browser credential opens whatever xdg-open is; here it
// writes the address into a file, from which the person takes it.
func TestAzidentityOpensABrowser(t *testing.T) {
	w := start(t, sim.Options{World: "single", Scale: 60})
	dir := t.TempDir()
	address := filepath.Join(dir, "address")
	script := "#!/bin/sh\necho \"$1\" > " + address + ".part && mv " + address + ".part " + address + "\n"
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	credential, err := azidentity.NewInteractiveBrowserCredential(&azidentity.InteractiveBrowserCredentialOptions{ClientOptions: options(t, w)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	opened := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			if text, err := os.ReadFile(address); err == nil {
				opened <- browser(t, w, 0).Open(ctx, strings.TrimSpace(string(text)))
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		opened <- ctx.Err()
	}()
	got, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{armScope}})
	if err != nil {
		t.Fatal(err, <-opened)
	}
	get(t, w, got.Token, w.Deployments()[0].GatewayID+"?api-version=2024-05-01")
}

// A client that understands claims challenges gets one; another sees a token
// that has expired.
func TestATokenDiesBeforeItsTime(t *testing.T) {
	w := start(t, sim.Options{World: "single"})
	for continuous, want := range map[bool]string{true: "insufficient_claims", false: "expiry"} {
		credential, err := azidentity.NewClientSecretCredential(variable(w, "AZURE_TENANT_ID"), variable(w, "AZURE_CLIENT_ID"), variable(w, "AZURE_CLIENT_SECRET"),
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options(t, w)})
		if err != nil {
			t.Fatal(err)
		}
		got, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{armScope}, EnableCAE: continuous})
		if err != nil {
			t.Fatal(err)
		}
		w.ExpireTokens()
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://management.azure.com/subscriptions?api-version=2022-12-01", nil)
		request.Header.Set("Authorization", "Bearer "+got.Token)
		answer, err := client(t, w).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if challenge := answer.Header.Get("WWW-Authenticate"); answer.StatusCode != http.StatusUnauthorized || !strings.Contains(challenge, want) {
			t.Errorf("%s %s, want %s", answer.Status, challenge, want)
		}
	}
}
