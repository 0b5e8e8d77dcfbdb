package sim_test

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/arm"
)

// vaultClients are the unmodified SDK outside, signed in at the world's Entra,
// which the vault's challenge leads to.
func vaultClients(t *testing.T, w *sim.World, vault string) (*azcertificates.Client, *azsecrets.Client) {
	t.Helper()
	return vaultClientsBy(t, w, policy.ClientOptions{Transport: client(t, w)}, vault)
}

func vaultClientsBy(t *testing.T, w *sim.World, options policy.ClientOptions, vault string) (*azcertificates.Client, *azsecrets.Client) {
	t.Helper()
	options.Retry = policy.RetryOptions{MaxRetries: -1}
	credential, err := azidentity.NewClientSecretCredential(variable(w, "AZURE_TENANT_ID"), variable(w, "AZURE_CLIENT_ID"), variable(w, "AZURE_CLIENT_SECRET"),
		&azidentity.ClientSecretCredentialOptions{ClientOptions: options})
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(w.Vaults(), func(v sim.VaultDescription) bool { return v.Name == vault })
	if at < 0 {
		t.Fatalf("there is no vault %s", vault)
	}
	certificates, err := azcertificates.NewClient(w.Vaults()[at].URI, credential, &azcertificates.ClientOptions{ClientOptions: options})
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := azsecrets.NewClient(w.Vaults()[at].URI, credential, &azsecrets.ClientOptions{ClientOptions: options})
	if err != nil {
		t.Fatal(err)
	}
	return certificates, secrets
}

// refused is the inner code of a vault's 403.
func refused(err error) string {
	var response *azcore.ResponseError
	if err == nil || !errors.As(err, &response) {
		return ""
	}
	for _, code := range []string{"ForbiddenByRbac", "ForbiddenByPolicy", "ForbiddenByFirewall", "ForbiddenByConnection"} {
		if strings.Contains(response.Error(), code) {
			return code
		}
	}
	return response.ErrorCode
}

func TestTheVaultsOfAWorld(t *testing.T) {
	w := start(t, sim.Options{World: "ha", Scale: 200})
	manage := pipeline(t, w)

	t.Run("are listed by Resource Manager and by Resource Graph", func(t *testing.T) {
		subscription := w.Subscriptions()[0].ID
		for path, want := range map[string]int{
			"/subscriptions/" + subscription + "/providers/Microsoft.KeyVault/vaults":                                                      4,
			"/subscriptions/" + subscription + "/resourceGroups/gis-vaults/providers/Microsoft.KeyVault/vaults":                            4,
			"/subscriptions/" + subscription + "/providers/Microsoft.KeyVault/deletedVaults":                                               0,
			"/subscriptions/" + subscription + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities":                               1,
			"/subscriptions/" + subscription + "/resourceGroups/gis-enterprise/providers/Microsoft.ManagedIdentity/userAssignedIdentities": 1,
		} {
			list := raw{}
			if err := unmarshal(send(t, manage, http.MethodGet, path, nil), &list); err != nil {
				t.Fatal(err)
			}
			if got := len(list["value"].([]any)); got != want {
				t.Errorf("%s: %d, want %d", path, got, want)
			}
		}
		answer := raw{}
		query := map[string]any{"query": "resources | where type in~ ('microsoft.keyvault/vaults', 'microsoft.managedidentity/userassignedidentities') | count"}
		if err := unmarshal(send(t, manage, http.MethodPost, "/providers/Microsoft.ResourceGraph/resources", query), &answer); err != nil {
			t.Fatal(err)
		}
		if got := answer["data"].([]any)[0].(map[string]any)["Count"]; got != 5.0 {
			t.Errorf("Resource Graph counts %v, want 5", got)
		}
	})

	t.Run("hold what their file says", func(t *testing.T) {
		certificates, secrets := vaultClients(t, w, "entvault")
		seen := map[string]string{}
		for pager := certificates.NewListCertificatePropertiesPager(nil); pager.More(); {
			page, err := pager.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range page.Value {
				got, err := certificates.GetCertificate(t.Context(), item.ID.Name(), "", nil)
				if err != nil {
					t.Fatal(err)
				}
				text := ""
				if !*got.Attributes.Enabled {
					text += "disabled "
				}
				if !*got.Policy.KeyProperties.Exportable {
					text += "fixed "
				}
				if got.Attributes.Expires.Before(w.Ground().Clock.Now()) {
					text += "expired "
				}
				seen[item.ID.Name()] = text + *got.Policy.SecretProperties.ContentType + " " + *got.Policy.X509CertificateProperties.SubjectAlternativeNames.DNSNames[0]
			}
		}
		const pfx, text = "application/x-pkcs12 maps.example.com", "application/x-pem-file maps.example.com"
		want := map[string]string{"maps": pfx, "maps-disabled": "disabled " + pfx, "maps-expired": "expired " + pfx, "maps-fixed": "fixed " + pfx, "maps-text": text, "shop": "application/x-pkcs12 shop.example.com"}
		if !maps.Equal(seen, want) {
			t.Errorf("certificates\n%v, want\n%v", seen, want)
		}
		if file, err := secrets.GetSecret(t.Context(), "maps-file", "", nil); err != nil || *file.ContentType != "application/x-pkcs12" || file.Managed != nil {
			t.Errorf("maps-file %+v: %v", file.Secret, err)
		}
		if _, err := certificates.GetDeletedCertificate(t.Context(), "maps-gone", nil); err != nil {
			t.Errorf("maps-gone: %v", err)
		}
	})

	t.Run("are shut in four ways", func(t *testing.T) {
		read := func(vault string) string {
			certificates, _ := vaultClients(t, w, vault)
			_, err := certificates.NewListCertificatePropertiesPager(nil).NextPage(t.Context())
			return refused(err)
		}
		if got := read("othersvault"); got != "ForbiddenByRbac" {
			t.Errorf("othersvault: %q", got)
		}
		if got := read("shutvault"); got != "ForbiddenByFirewall" {
			t.Errorf("shutvault: %q", got)
		}
		shut := vaultID(t, w, "shutvault")
		w.Manager().SetGrants(append(w.Grants(), arm.RoleGrant(operatorID(w), shut, "Key Vault Contributor"), arm.RoleGrant(operatorID(w), vaultID(t, w, "oldvault"), "Key Vault Contributor"))...)
		send(t, manage, http.MethodPatch, shut, map[string]any{"properties": map[string]any{"publicNetworkAccess": "Disabled"}})
		if got := read("shutvault"); got != "ForbiddenByConnection" {
			t.Errorf("shutvault without public network: %q", got)
		}
		send(t, manage, http.MethodPatch, shut, map[string]any{"properties": map[string]any{"publicNetworkAccess": "Enabled", "networkAcls": map[string]any{
			"defaultAction": "Deny", "ipRules": []any{map[string]any{"value": "203.0.113.250"}}}}})
		if got := read("shutvault"); got != "" {
			t.Errorf("shutvault with this computer's address: %q", got)
		}
		policies := func(operation string, words ...string) {
			send(t, manage, http.MethodPut, vaultID(t, w, "oldvault")+"/accessPolicies/"+operation, map[string]any{"properties": map[string]any{"accessPolicies": []any{map[string]any{
				"tenantId": w.Tenants()[0].ID, "objectId": operatorID(w), "permissions": map[string]any{"certificates": words}}}}})
		}
		for _, step := range []struct {
			operation, word, want string
		}{{"remove", "LIST", "ForbiddenByPolicy"}, {"add", "list", ""}, {"replace", "get", "ForbiddenByPolicy"}} {
			policies(step.operation, step.word)
			if got := read("oldvault"); got != step.want {
				t.Errorf("oldvault after %s %s: %q, want %q", step.operation, step.word, got, step.want)
			}
		}
	})
}

func vaultID(t *testing.T, w *sim.World, name string) string {
	t.Helper()
	for _, v := range w.Vaults() {
		if v.Name == name {
			return v.ID
		}
	}
	t.Fatalf("there is no vault %s", name)
	return ""
}

// operatorID is the object id of the world's service principal.
func operatorID(w *sim.World) string { return w.Grants()[0].Principal }

func TestAPrivateVaultIsReadFromInside(t *testing.T) {
	w := start(t, sim.Options{World: "private"})
	for door, want := range map[string]string{"outside": "ForbiddenByConnection", "inside": ""} {
		transport := client(t, w)
		if door == "inside" {
			transport = through(t, w.InsideEnvironment(), w.Authority().Roots())
		}
		certificates, _ := vaultClientsBy(t, w, policy.ClientOptions{Transport: transport}, "prvvault")
		if _, err := certificates.GetCertificate(t.Context(), "gis", "", nil); refused(err) != want {
			t.Errorf("%s: %v, want %q", door, err, want)
		}
	}
}

func TestAVaultOfAnotherCloud(t *testing.T) {
	w := start(t, sim.Options{World: "gov"})
	certificates, _ := vaultClientsBy(t, w, policy.ClientOptions{Transport: client(t, w), Cloud: cloud.AzureGovernment}, "countyvault")
	got, err := certificates.GetCertificate(t.Context(), "county", "", nil)
	if err != nil || !strings.HasPrefix(string(*got.ID), "https://countyvault.vault.usgovcloudapi.net/certificates/county/") {
		t.Errorf("%v: %v", got.ID, err)
	}
}
