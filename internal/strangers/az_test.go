package strangers

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAzureCLI is azure-cli, Debian's too: signs in with the service principal
// and reads groups, tagged resources, the gateway, the machines and Resource
// Graph. Debian's network and vm commands are broken before any request, so `az
// rest` stands in for them here.
func TestAzureCLI(t *testing.T) {
	needs(t, "az")
	if testing.Short() {
		t.Skip("az takes a second or two for each call")
	}
	t.Parallel()
	w := startWorld(t)
	d := w.Deployments[0]
	checkWrongSecret(t, w)
	signInToAzure(t, w)

	groups := w.az(t, "group", "list", "--query", "[].name")
	for _, id := range append(d.machineIDs(), d.GatewayID) {
		if group := strings.Split(id, "/")[4]; !slices.Contains(groups, group) {
			t.Errorf("az group list: %q, without %s", groups, group)
		}
	}

	tagged := w.az(t, "resource", "list", "--tag", "arcgis-deployment-id="+d.ID, "--query", "[].id")
	if !slices.Contains(tagged, d.GatewayID) {
		t.Errorf("az resource list --tag: %q, without the gateway", tagged)
	}
	for _, id := range d.machineIDs() {
		// The machines of federated sites carry the id of their site.
		own := strings.Contains(id, "/resourceGroups/"+d.ResourceGroup+"/")
		if slices.Contains(tagged, id) != own {
			t.Errorf("az resource list --tag: has %s is %t, want %t", id, !own, own)
		}
	}

	machines := w.az(t, "rest", "--query", "value[].id",
		"--url", "/subscriptions/"+w.Subscription.ID+"/providers/Microsoft.Compute/virtualMachines?api-version=2024-07-01")
	slices.Sort(machines)
	if want := slices.Sorted(slices.Values(d.machineIDs())); !slices.Equal(machines, want) {
		t.Errorf("az rest: virtual machines %q, want %q", machines, want)
	}

	found := w.az(t, "rest", "--query", "data[].id", "--method", "post",
		"--url", "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01", "--body", resourceGraphQuery(t,
			"resources | where type =~ 'microsoft.network/applicationgateways' and tags['arcgis-deployment-id'] =~ '"+d.ID+"' | project id"))
	if !slices.Equal(found, []string{d.GatewayID}) {
		t.Errorf("az rest: Resource Graph finds %q, want the gateway alone", found)
	}

	checkGatewayDocument(t, w)
}

// signInToAzure gives the secret in a file, which azure-cli reads for an
// argument @FILE: -p with the secret itself would show it to everybody.
func signInToAzure(t *testing.T, w *world) {
	t.Helper()
	withoutTelemetry(t, w)
	type account struct {
		ID, Name, TenantID string
		User               struct{ Name, Type string }
	}
	accounts := reads[[]account](t, w.login(t, w.env["AZURE_CLIENT_SECRET"]).ends(t, 0))
	want := account{ID: w.Subscription.ID, Name: w.Subscription.Name, TenantID: w.env["AZURE_TENANT_ID"]}
	want.User.Name, want.User.Type = w.env["AZURE_CLIENT_ID"], "servicePrincipal"
	if len(accounts) != 1 || accounts[0] != want {
		t.Errorf("az login: %+v, want %+v alone", accounts, want)
	}
}

// withoutTelemetry writes azure-cli's configuration. The uploader of its
// telemetry outlives its command, and would write into a directory that the end
// of the test removes.
func withoutTelemetry(t *testing.T, w *world) {
	t.Helper()
	config := filepath.Join(w.home, "azure", "config")
	if err := os.MkdirAll(filepath.Dir(config), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte("[core]\ncollect_telemetry = no\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w *world) login(t *testing.T, secret string) result {
	t.Helper()
	file := filepath.Join(w.home, "client-secret")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return w.run(t, "az", "login", "--service-principal", "--output", "json",
		"--username", w.env["AZURE_CLIENT_ID"], "--tenant", w.env["AZURE_TENANT_ID"], "--password", "@"+file)
}

// checkGatewayDocument reads the gateway as it is kept: names are there, and
// what Resource Manager never gives back is not.
func checkGatewayDocument(t *testing.T, w *world) {
	t.Helper()
	type named struct {
		Name       string
		Properties map[string]any
	}
	gateway := reads[struct {
		ID, ETag   string
		Tags       map[string]string
		Properties struct {
			ProvisioningState              string
			SSLCertificates, HTTPListeners []named
		}
	}](t, w.run(t, "az", "rest", "--url", w.gateway()+"?api-version=2024-05-01").ends(t, 0))

	if gateway.ID != w.gateway() || gateway.ETag == "" || gateway.Properties.ProvisioningState != "Succeeded" {
		t.Errorf("az rest: gateway %q, ETag %q, state %q", gateway.ID, gateway.ETag, gateway.Properties.ProvisioningState)
	}
	if got := gateway.Tags["arcgis-deployment-domain"]; got != w.domain() {
		t.Errorf("az rest: the gateway's domain tag is %q, want %q", got, w.domain())
	}
	if len(gateway.Properties.SSLCertificates) == 0 {
		t.Fatal("az rest: the gateway has no certificate")
	}
	for _, certificate := range gateway.Properties.SSLCertificates {
		if certificate.Properties["publicCertData"] == nil {
			t.Errorf("az rest: certificate %s has no publicCertData", certificate.Name)
		}
		for _, secret := range []string{"data", "password"} {
			if certificate.Properties[secret] != nil {
				t.Errorf("az rest: certificate %s tells its %s", certificate.Name, secret)
			}
		}
	}
	secure := slices.ContainsFunc(gateway.Properties.HTTPListeners, func(l named) bool {
		return l.Properties["protocol"] == "Https" && l.Properties["sslCertificate"] != nil
	})
	if !secure {
		t.Errorf("az rest: no HTTPS listener with a certificate in %+v", gateway.Properties.HTTPListeners)
	}
}

// checkWrongSecret wants the refusal that Entra ID has for it, in the words
// that azure-cli passes on. It comes first: who has a token is not asked again.
func checkWrongSecret(t *testing.T, w *world) {
	t.Helper()
	withoutTelemetry(t, w)
	refused := w.login(t, "not-the-secret")
	if refused.status == 0 || !strings.Contains(string(refused.stderr), "AADSTS7000215") {
		t.Errorf("az login with a wrong secret: status %d, want AADSTS7000215 in:\n%s", refused.status, refused.stderr)
	}
}

// az runs azure-cli for a list of words.
func (w *world) az(t *testing.T, args ...string) []string {
	t.Helper()
	return reads[[]string](t, w.run(t, "az", append(args, "--output", "json")...).ends(t, 0))
}

func resourceGraphQuery(t *testing.T, query string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
