package cloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

const (
	tenant       = "11111111-2222-3333-4444-555555555555"
	clientSecret = "canary-cl1ent-s3cret"
)

// entra plays Entra ID of a cloud under its public name: every connection of
// the client ends here. token answers the token endpoint.
func entra(t *testing.T, cloud Cloud, token http.HandlerFunc) *http.Client {
	t.Helper()
	mux := http.NewServeMux()
	authority := cloud.AuthorityHost + tenant
	mux.HandleFunc("GET /common/discovery/instance", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"tenant_discovery_endpoint":"`+authority+`/v2.0/.well-known/openid-configuration","metadata":[{"preferred_network":"`+r.Host+`","preferred_cache":"`+r.Host+`","aliases":["`+r.Host+`"]}]}`)
	})
	mux.HandleFunc("GET /"+tenant+"/v2.0/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"token_endpoint":"`+authority+`/oauth2/v2.0/token","authorization_endpoint":"`+authority+`/oauth2/v2.0/authorize","device_authorization_endpoint":"`+authority+`/oauth2/v2.0/devicecode","issuer":"`+authority+`/v2.0"}`)
	})
	mux.HandleFunc("POST /"+tenant+"/oauth2/v2.0/token", token)
	mux.HandleFunc("POST /"+tenant+"/oauth2/v2.0/devicecode", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"user_code":"ABCD","device_code":"d","verification_uri":"https://microsoft.com/devicelogin","expires_in":900,"interval":5,"message":"m"}`)
	})
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	client := server.Client()
	transport := client.Transport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	transport.TLSClientConfig.ServerName = "example.com" // the name in httptest's certificate
	return &http.Client{Transport: transport}
}

func getToken(t *testing.T, options SignInOptions) (azcore.AccessToken, error) {
	t.Helper()
	credential, err := SignIn(t.Context(), options)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	if text := fmt.Sprintf("%v %+v %#v", credential, credential, credential); strings.Contains(text, clientSecret) {
		t.Errorf("the credential shows its secret: %s", text)
	}
	return credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{options.Cloud.Audience + "/.default"}})
}

func principal(cloud Cloud, client *http.Client) SignInOptions {
	return SignInOptions{
		Cloud: cloud, Kind: ServicePrincipal, Client: client,
		TenantID: tenant, ClientID: "app-1", ClientSecret: secret.New(clientSecret), Version: "1.2.3",
	}
}

func TestServicePrincipalSignsInInEveryCloud(t *testing.T) {
	for _, cloud := range []Cloud{Public(), USGovernment(), China()} {
		t.Run(cloud.Name, func(t *testing.T) {
			client := entra(t, cloud, func(w http.ResponseWriter, r *http.Request) {
				if "https://"+r.Host+"/" != cloud.AuthorityHost {
					t.Errorf("asked %s", r.Host)
				}
				if got := r.FormValue("scope"); !strings.HasPrefix(got, cloud.Audience) {
					t.Errorf("scope %q", got)
				}
				if r.FormValue("client_secret") != clientSecret {
					t.Error("no client secret")
				}
				answer(w, 200, `{"token_type":"Bearer","expires_in":3600,"access_token":"granted"}`)
			})
			got, err := getToken(t, principal(cloud, client))
			if err != nil || got.Token != "granted" {
				t.Errorf("got %q, %v", got.Token, err)
			}
		})
	}
}

func TestRefusedSignInIsOneSentence(t *testing.T) {
	const described = `AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app 'app-1'. Trace ID: 0a Correlation ID: 0b Timestamp: 2026-11-23 08:00:00Z`
	client := entra(t, Public(), func(w http.ResponseWriter, r *http.Request) {
		// The answer quotes the secret, which Entra ID does not; a proxy might.
		answer(w, 401, `{"error":"invalid_client","error_description":"`+described+`","error_codes":[7000215],"echo":"`+clientSecret+`"}`)
	})
	_, err := getToken(t, principal(Public(), client))
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %#v", err)
	}
	want := "sign in as service principal app-1: AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app 'app-1'."
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if !strings.Contains(e.Hint, "az ad app credential reset") || !IsUnauthorized(err) {
		t.Errorf("hint %q", e.Hint)
	}
	if text := fmt.Sprintf("%+v %#v", *e, *e); strings.Contains(text, clientSecret) {
		t.Errorf("the secret is in %s", text)
	}
}

// A secret is for Entra ID alone: a redirect would carry it anywhere.
func TestASecretIsNotRedirected(t *testing.T) {
	client := entra(t, Public(), func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "login.microsoftonline.com" {
			t.Errorf("%s got %d bytes", r.Host, r.ContentLength)
		}
		http.Redirect(w, r, "https://evil.example.com"+r.URL.Path, http.StatusTemporaryRedirect)
	})
	if _, err := getToken(t, principal(Public(), client)); err == nil || strings.Contains(err.Error(), clientSecret) {
		t.Errorf("got %v", err)
	}
}

// A write that never left because of the sign-in has had no effect, and is not
// tried again and again.
func TestWriteWithoutSignInIsCertain(t *testing.T) {
	azure, asked := newAzure(t), 0
	client := entra(t, Public(), func(w http.ResponseWriter, r *http.Request) {
		asked++
		answer(w, 400, `{"error":"unauthorized_client","error_description":"AADSTS700016: Application with identifier 'app-1' was not found in the directory."}`)
	})
	credential, err := SignIn(t.Context(), principal(Public(), client))
	if err != nil {
		t.Fatal(err)
	}
	rm, err := NewResourceManager(azure.cloud(), credential, Options{Client: azure.Client()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = rm.Put(t.Context(), gatewayID, GatewayAPI, Document{}, "")
	if Uncertain(err) || !IsUnauthorized(err) || !HasCode(err, "AADSTS700016") || !strings.Contains(err.Error(), "agw-prod") {
		t.Errorf("got %v", err)
	}
	if len(azure.requests) != 0 || asked != 1 {
		t.Errorf("%d requests, %d sign-ins", len(azure.requests), asked)
	}
}

// azidentity tells the story of each way that it tried, over a dozen lines.
func TestChainThatFindsNothingIsOneSentence(t *testing.T) {
	err := signInError(SignInOptions{Kind: DefaultChain}, azidentity.NewCredentialUnavailableError(
		"DefaultAzureCredential: failed to acquire a token.\nAttempted credentials:\n\tEnvironmentCredential: missing environment variable AZURE_TENANT_ID\n"+
			"\tManagedIdentityCredential: managed identity timed out.\n\tAzureCLICredential: executable not found on path"))
	if got := err.Error(); got != "sign in with what this computer offers: no way to sign in was found" {
		t.Errorf("got %s", got)
	}
	if !strings.Contains(err.Hint, "az login") || !strings.Contains(err.Hint, "AZURE_CLIENT_SECRET") {
		t.Errorf("hint %q", err.Hint)
	}
}

// A login is remembered for one cloud; who asks for another has none there.
func TestTheLoginOfAnotherCloudNamesIt(t *testing.T) {
	nothing := azidentity.NewCredentialUnavailableError("DefaultAzureCredential: failed to acquire a token.\nAttempted credentials:\n\tx")
	for _, err := range []*Error{
		signInError(SignInOptions{Kind: DefaultChain, Cloud: USGovernment()}, nothing),
		signInError(SignInOptions{Kind: DeviceCode, Cloud: USGovernment()}, errNobody),
		signInError(SignInOptions{Kind: Browser, Cloud: USGovernment()}, errors.New("AADSTS70008: it has expired")),
	} {
		if !strings.Contains(err.Hint, "cartouche login --cloud usgov") {
			t.Errorf("%v: hint %q", err, err.Hint)
		}
	}
}

func TestSignInTellsWhatIsMissing(t *testing.T) {
	for _, options := range []SignInOptions{
		{Kind: ServicePrincipal, ClientID: "a", ClientSecret: secret.New("s")},
		{Kind: ServicePrincipal, TenantID: tenant, ClientSecret: secret.New("s")},
		{Kind: ServicePrincipal, TenantID: tenant, ClientID: "a"},
		{Kind: "carrier-pigeon"},
	} {
		options.Client = http.DefaultClient
		if _, err := SignIn(t.Context(), options); err == nil {
			t.Errorf("accepted %+v", options)
		}
	}
	if _, err := SignIn(t.Context(), SignInOptions{}); err == nil {
		t.Error("accepted to have no client")
	}
}

func TestSignInMakesNoConnection(t *testing.T) {
	t.Setenv("AZURE_TENANT_ID", tenant)
	t.Setenv("AZURE_CLIENT_ID", "app-1")
	t.Setenv("AZURE_CLIENT_SECRET", clientSecret)
	silent := &http.Client{Transport: roundTrip(func(r *http.Request) *http.Response {
		t.Errorf("asked %s", r.URL)
		return reply(r, 500, "")
	})}
	for _, kind := range []SignInKind{ServicePrincipal, AzureCLI, DefaultChain} {
		options := principal(Public(), silent)
		options.Kind = kind
		if _, err := SignIn(t.Context(), options); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestDefaultChainTakesTheEnvironment(t *testing.T) {
	t.Setenv("AZURE_TENANT_ID", tenant)
	t.Setenv("AZURE_CLIENT_ID", "app-1")
	t.Setenv("AZURE_CLIENT_SECRET", clientSecret)
	client := entra(t, Public(), func(w http.ResponseWriter, r *http.Request) {
		answer(w, 401, `{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys for app 'app-1' are expired."}`)
	})
	_, err := getToken(t, SignInOptions{Cloud: Public(), Client: client})
	want := "sign in with what this computer offers: AADSTS7000222: The provided client secret keys for app 'app-1' are expired."
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// az stands on PATH as a script.
func TestAzureCLI(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for az is a shell script")
	}
	folder := t.TempDir()
	az := func(script string) {
		if err := os.WriteFile(filepath.Join(folder, "az"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", folder+":/usr/bin:/bin")
	options := SignInOptions{Cloud: Public(), Kind: AzureCLI, Client: http.DefaultClient}

	az(`case "$*" in *"--resource https://management.core.windows.net/"*) echo '{"accessToken":"granted","expires_on":4102444800}';; *) echo "$*" >&2; exit 1;; esac`)
	if got, err := getToken(t, options); err != nil || got.Token != "granted" {
		t.Errorf("got %q, %v", got.Token, err)
	}
	az(`printf "ERROR: Please run 'az login' to setup account.\n\nmore\n" >&2; exit 1`)
	_, err := getToken(t, options)
	var e *Error
	if !errors.As(err, &e) || e.Hint != "sign in first: az login" || e.Message != "Please run 'az login' to setup account." {
		t.Errorf("got %+v", e)
	}
	if err := os.Remove(filepath.Join(folder, "az")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder)
	if _, err = getToken(t, options); !errors.As(err, &e) || e.Hint == "" || strings.Contains(err.Error(), "\n") {
		t.Errorf("without az: %v (%s)", err, e.Hint)
	}
}

func TestCloudsByTheNamesOfTheField(t *testing.T) {
	for name, want := range map[string]string{
		"": "public", "public": "public", "AzureCloud": "public", "AZUREPUBLICCLOUD": "public",
		"usgov": "usgov", "AzureUSGovernment": "usgov", "usgovernment": "usgov", " AzureUSGovernmentCloud ": "usgov",
		"china": "china", "AzureChinaCloud": "china",
	} {
		if got, err := ByName(name); err != nil || got.Name != want {
			t.Errorf("%q: got %q, %v", name, got.Name, err)
		}
	}
	if _, err := ByName("AzureGermanCloud"); err == nil || !strings.Contains(err.Error(), "usgov") {
		t.Errorf("got %v", err)
	}
}
