package sim_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// rolesWorld is a world whose machines have their certificates from the storage
// account, with a container's signature.
func rolesWorld(t *testing.T) (a *azure, container, signature string) {
	t.Helper()
	w := start(t, sim.Options{World: "roles", Scale: 600, Current: sim.CurrentCertificate{Key: "p256"}})
	a = asOperator(t, w)
	account := ""
	for _, id := range w.Manager().IDs("microsoft.storage/storageaccounts") {
		if strings.HasSuffix(id, "/alldeploystg") {
			account = id
		}
	}
	keys := a.call(http.MethodPost, account+"/listKeys", nil).body["keys"].([]any)
	key := ok(service.NewSharedKeyCredential("alldeploystg", keys[0].(map[string]any)["value"].(string)))(t)
	values := sas.BlobSignatureValues{Protocol: sas.ProtocolHTTPS, ExpiryTime: time.Now().Add(4 * time.Hour), ContainerName: "gisall-stageartifacts", Permissions: "r"}
	return a, "https://alldeploystg.blob.core.windows.net/gisall-stageartifacts", "?" + encoded(ok(values.SignWithSharedKey(key))(t))
}

// configure puts a machine's extension once more, as Cloud Builder does.
func (a *azure) configure(machine, name, container, signature, password string) (reply, string) {
	a.t.Helper()
	id := machine + "/extensions/" + name
	document := a.call(http.MethodGet, id, nil).body
	properties := document["properties"].(map[string]any)
	properties["settings"].(map[string]any)["configurationArguments"].(map[string]any)["IsUpdatingCertificates"] = true
	credential := func(user, password string) map[string]any {
		return map[string]any{"userName": user, "password": password}
	}
	properties["protectedSettings"] = map[string]any{"configurationUrlSasToken": signature, "configurationArguments": map[string]any{
		"ServiceCredential":                 credential("arcgis", variable(a.w, "CARTOUCHE_SERVICE_ACCOUNT_PASSWORD")),
		"SiteAdministratorCredential":       credential(variable(a.w, "CARTOUCHE_SITE_ADMIN"), variable(a.w, "CARTOUCHE_SITE_ADMIN_PASSWORD")),
		"ServerInternalCertificatePassword": credential("Placeholder", password), "PortalInternalCertificatePassword": credential("Placeholder", password),
		"DeploymentArtifactCredentials": credential(container, signature),
	}}
	put := a.call(http.MethodPut, id, document)
	state := a.settle(put)
	return put, state
}

// machineID is a machine by its name.
func machineID(t *testing.T, w *sim.World, name string) string {
	t.Helper()
	for _, d := range w.Deployments() {
		for _, m := range d.Machines {
			if m.Name == name {
				return m.ID
			}
		}
	}
	t.Fatalf("no machine %s", name)
	return ""
}

func TestTheDSCExtensionChangesCertificates(t *testing.T) {
	t.Parallel()
	a, container, signature := rolesWorld(t)
	w := a.w
	machine, fqdn := machineID(t, w, "allServer-0"), w.Host(hostOf(w, "allServer-0")).Name()
	issued := ok(w.Authority().Issue(authority.Spec{Names: []string{fqdn}, Key: "p256"}))(t)
	pfx := ok(issued.PFX("sesame-open"))(t)
	w.Storage().Put("alldeploystg", "gisall-stageartifacts", "Certs/SSLCertificateForServer.pfx", pfx)
	if _, state := a.configure(machine, "ServerDSCConfiguration", container, signature, "sesame-open"); state != "Succeeded" {
		t.Fatalf("operation %s: %s", state, a.call(http.MethodGet, machine+"/extensions/ServerDSCConfiguration?api-version=2024-07-01&$expand=instanceView", nil).raw)
	}
	if leaf := shown(t, w.Ground().Inside, fqdn+":6443", fqdn); !leaf.Equal(issued.Leaf) {
		t.Errorf("it serves %s", leaf.Subject)
	}
	restarts := 0
	for _, event := range w.Ground().Ledger.Events() {
		if event.Kind == ground.MachineRestart && strings.EqualFold(event.Object, fqdn) {
			restarts++
		}
	}
	if restarts < 2 {
		t.Errorf("%d restarts; the configuration goes a detour by a temporary alias", restarts)
	}
	if holding := w.Holding("sesame-open", variable(w, "CARTOUCHE_SITE_ADMIN_PASSWORD"), signature[len(signature)-20:]); len(holding) > 0 {
		t.Errorf("secrets in %q", holding)
	}
}

func hostOf(w *sim.World, name string) string {
	for _, d := range w.Deployments() {
		for _, m := range d.Machines {
			if m.Name == name {
				return m.FQDN
			}
		}
	}
	return ""
}

func TestWhatADSCExtensionDoesNotSay(t *testing.T) {
	t.Parallel()
	a, container, signature := rolesWorld(t)
	fqdn := hostOf(a.w, "allPortal-Pri")
	before := shown(t, a.w.Ground().Inside, fqdn+":7443", fqdn)
	// No PFX is there, and the old one is taken: it succeeds and changes nothing.
	machine := machineID(t, a.w, "allPortal-Pri")
	if _, state := a.configure(machine, "PortalDSCConfiguration", container, signature, a.w.InternalPassword()); state != "Succeeded" {
		t.Errorf("operation %s", state)
	}
	if now := shown(t, a.w.Ground().Inside, fqdn+":7443", fqdn); !now.Equal(before) {
		t.Error("it serves another certificate")
	}
	// A signature that opens nothing, and a password that is none.
	put, state := a.configure(machine, "PortalDSCConfiguration", container, "?sv=2020-12-06", a.w.InternalPassword())
	if got := a.call(http.MethodGet, put.header.Get("Azure-AsyncOperation"), nil); state != "Failed" || got.text("error", "code") != "VMExtensionProvisioningError" || !strings.Contains(got.raw, "DSC.zip") {
		t.Errorf("%s %s", state, got.raw)
	}
	if _, state := a.configure(machine, "PortalDSCConfiguration", container, signature, "Placeholder"); state != "Failed" {
		t.Errorf("without a password it is %s", state)
	}
	view := a.call(http.MethodGet, machine+"/extensions/PortalDSCConfiguration?api-version=2024-07-01&$expand=instanceView", nil)
	if !strings.Contains(view.raw, "ProvisioningState/failed/1") || view.text("properties", "provisioningState") != "Failed" {
		t.Errorf("%s", view.raw)
	}
}

func TestMachinesHaveTheExtensionOfTheirRole(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{World: "roles", Current: sim.CurrentCertificate{Key: "p256"}})
	for name, want := range map[string]string{
		"allServer-0/ServerDSCConfiguration": "ServerConfiguration", "allDataStr-Pri/DataStoreDSCConfiguration": "DataStoreConfiguration",
		"aimServer-1/DSCConfiguration": "GISServerMultiTierConfiguration", "anbServer-0/NBDSCConfiguration": "NotebookServerSingleTierConfiguration",
	} {
		machine, extension, _ := strings.Cut(name, "/")
		text, _ := json.Marshal(w.Manager().Document(machineID(t, w, machine) + "/extensions/" + extension))
		if !strings.Contains(string(text), `"function":"`+want+`"`) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestToolsOfAWindowsMachine(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{World: "roles", Scale: 600, Scripts: true, Current: sim.CurrentCertificate{Key: "p256"}})
	run := func(machine, program string, args ...string) (string, int) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		stdout, stderr, code, err := w.Computer(machine).Exec(ctx, program, args...)
		if err != nil {
			t.Fatal(err)
		}
		return stdout + stderr, code
	}
	if out, code := run("anbServer-0", `C:\Windows\System32\netsh.exe`, "http", "show", "sslcert"); code != 0 || !strings.Contains(out, ":443") {
		t.Errorf("%d %s", code, out)
	}
	if _, code := run("ageServer-0", "sc", "query", "nothing"); code != 1060 {
		t.Errorf("%d", code)
	}
	if out, code := run("ageServer-0", "sc", "query", "ArcGISGeoEvent"); code != 0 || !strings.Contains(out, "4  RUNNING") {
		t.Errorf("%d %s", code, out)
	}
	run("ageServer-0", "sc", "stop", "ArcGISGeoEvent")
	run("ageServer-0", "sc", "start", "ArcGISGeoEvent")
	for range 500 {
		if out, _ := run("ageServer-0", "sc", "query", "ArcGISGeoEvent"); strings.Contains(out, "4  RUNNING") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := w.Ground().Ledger.Count(ground.ServiceRestart); n != 1 {
		t.Errorf("%d restarts of services, want 1", n)
	}
	// Without --prompt no it asks, and nobody answers.
	if out, code := run("allDataStr-Pri", `C:\x\tools\replacesslcertificate.bat`, "nothing.pfx", "x", "new", "--option", "webserver"); code != 1 || !strings.Contains(out, "Do you want to continue") {
		t.Errorf("%d %s", code, out)
	}
	if out, code := run("allDataStr-Pri", `C:\x\tools\replacesslcertificate.bat`, "nothing.pfx", "x", "new", "--option", "webserver", "--prompt", "no"); code != 1 || !strings.Contains(out, "does not exist") {
		t.Errorf("%d %s", code, out)
	}
}
