package sim_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	armruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// raw is a document; the SDK's pollers want a named type.
type raw map[string]any

// pipeline is the unmodified Azure SDK behind the world's proxy.
func pipeline(t *testing.T, w *sim.World) runtime.Pipeline {
	t.Helper()
	options := policy.ClientOptions{Transport: client(t, w), Cloud: cloudOf(w)}
	credential, err := azidentity.NewClientSecretCredential(variable(w, "AZURE_TENANT_ID"), variable(w, "AZURE_CLIENT_ID"), variable(w, "AZURE_CLIENT_SECRET"),
		&azidentity.ClientSecretCredentialOptions{ClientOptions: options})
	if err != nil {
		t.Fatal(err)
	}
	p, err := armruntime.NewPipeline("cartouche-test", "v0", credential, runtime.PipelineOptions{}, &arm.ClientOptions{ClientOptions: options, DisableRPRegistration: true})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// cloudOf is what the SDK knows of the world's cloud.
func cloudOf(w *sim.World) cloud.Configuration {
	if variable(w, "CARTOUCHE_CLOUD") == "usgov" {
		return cloud.AzureGovernment
	}
	return cloud.AzurePublic
}

// send takes a path of the public cloud or a whole address.
func send(t *testing.T, p runtime.Pipeline, method, path string, body any) *http.Response {
	t.Helper()
	if strings.HasPrefix(path, "/") {
		path = "https://management.azure.com" + path
	}
	request, err := runtime.NewRequest(t.Context(), method, path+"?api-version=2024-05-01")
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		if err := runtime.MarshalAsJSON(request, body); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := p.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if !runtime.HasStatusCode(answer, http.StatusOK, http.StatusAccepted) {
		t.Fatal(runtime.NewResponseError(answer))
	}
	return answer
}

// stage puts the world's new certificate on the gateway and switches to it.
func stage(t *testing.T, w *sim.World, p runtime.Pipeline) (raw, error) {
	t.Helper()
	id := w.Deployments()[0].GatewayID
	document := raw{}
	if err := runtime.UnmarshalAsJSON(send(t, p, http.MethodGet, id, nil), &document); err != nil {
		t.Fatal(err)
	}
	_, pfx, password := w.NewCertificate()
	properties := document["properties"].(map[string]any)
	properties["sslCertificates"] = append(properties["sslCertificates"].([]any),
		map[string]any{"name": "new", "properties": map[string]any{"data": base64.StdEncoding.EncodeToString(pfx), "password": password}})
	for _, item := range properties["httpListeners"].([]any) {
		listener := item.(map[string]any)["properties"].(map[string]any)
		if listener["protocol"] == "Https" {
			listener["sslCertificate"] = map[string]any{"id": id + "/sslCertificates/new"}
		}
	}
	poller, err := runtime.NewPoller[raw](send(t, p, http.MethodPut, id, document), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return poller.PollUntilDone(t.Context(), &runtime.PollUntilDoneOptions{Frequency: time.Second})
}

// served is the serial number of the leaf under the external name.
func served(t *testing.T, w *sim.World) string {
	t.Helper()
	conn, err := w.Ground().Outside.DialContext(t.Context(), "tcp", w.Deployments()[0].Domain+":443")
	if err != nil {
		t.Fatal(err)
	}
	secured := tls.Client(conn, &tls.Config{ServerName: w.Deployments()[0].Domain, RootCAs: w.Authority().Roots()})
	defer secured.Close()
	if err := secured.Handshake(); err != nil {
		t.Fatal(err)
	}
	return secured.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func TestTheSDKChangesTheServedCertificate(t *testing.T) {
	w := start(t, sim.Options{World: "single", Scale: 200})
	p := pipeline(t, w)
	before := served(t, w)
	document, err := stage(t, w, p)
	if err != nil {
		t.Fatal(err)
	}
	if state := document["properties"].(map[string]any)["provisioningState"]; state != "Succeeded" {
		t.Errorf("the poller's last document is %v", state)
	}
	issued, _, _ := w.NewCertificate()
	if after := served(t, w); after == before || after != issued.Leaf.SerialNumber.String() {
		t.Errorf("serves %s, was %s, want %s", after, before, issued.Leaf.SerialNumber)
	}
	if n := w.Ground().Ledger.Count(ground.GatewayWrite); n != 1 {
		t.Errorf("%d gateway writes, want 1", n)
	}
}

func TestAFailedOperationKeepsTheOldCertificate(t *testing.T) {
	w := start(t, sim.Options{World: "single", Scale: 200, Faults: []ground.Fault{{Name: "failed-operation", Step: "gateway-put"}}})
	before := served(t, w)
	if _, err := stage(t, w, pipeline(t, w)); err == nil || !strings.Contains(err.Error(), "ApplicationGatewayOperationFailed") {
		t.Errorf("the poller says %v", err)
	}
	if after := served(t, w); after != before {
		t.Errorf("serves %s, want the old %s", after, before)
	}
}

func TestARevokedTokenMakesTheSDKGetANewOne(t *testing.T) {
	w := start(t, sim.Options{World: "single"})
	p := pipeline(t, w)
	send(t, p, http.MethodGet, w.Deployments()[0].GatewayID, nil)
	w.Ground().Faults.Add(ground.Fault{Name: "unauthorized", Step: "gateway-get"})
	send(t, p, http.MethodGet, w.Deployments()[0].GatewayID, nil)
	if n := w.Ground().Ledger.Count(ground.FaultHappened); n != 1 {
		t.Errorf("the fault happened %d times", n)
	}
}

func TestBackendsAreHealthyInEveryWorld(t *testing.T) {
	for _, name := range sim.Worlds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, sim.Options{World: name, Scale: 200})
			p := pipeline(t, w)
			for _, deployment := range w.Deployments() {
				if deployment.GatewayID == "" {
					continue // V1 has none: TestV1HasNothingToUpdate
				}
				healthy(t, p, cloudOf(w).Services[cloud.ResourceManager].Endpoint+deployment.GatewayID)
			}
		})
	}
}

// healthy looks at what a gateway says of its backends.
func healthy(t *testing.T, p runtime.Pipeline, gateway string) {
	t.Helper()
	var got struct {
		Pools []struct {
			Settings []struct {
				Servers []struct{ Address, Health string } `json:"servers"`
			} `json:"backendHttpSettingsCollection"`
		} `json:"backendAddressPools"`
	}
	poller, err := runtime.NewPoller[raw](send(t, p, http.MethodPost, gateway+"/backendhealth", nil), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := poller.PollUntilDone(t.Context(), &runtime.PollUntilDoneOptions{Frequency: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	encoded, _ := json.Marshal(answer)
	if err := json.Unmarshal(encoded, &got); err != nil {
		t.Fatal(err)
	}
	servers := 0
	for _, pool := range got.Pools {
		for _, setting := range pool.Settings {
			for _, server := range setting.Servers {
				servers++
				if server.Health != "Healthy" && server.Health != "Up" {
					t.Errorf("%s: %s is %s", gateway, server.Address, server.Health)
				}
			}
		}
	}
	if servers == 0 {
		t.Errorf("%s: no server in %s", gateway, encoded)
	}
}

func TestTheDirectoryIsReadByAShell(t *testing.T) {
	w := start(t, sim.Options{World: "single"})
	dir := filepath.Join(t.TempDir(), "a world's place") // needs quotes
	if err := w.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "sh", "-c", `set -a; . "$0"; set +a; printf '%s\n' "$HTTPS_PROXY" "$SSL_CERT_FILE" "$AZURE_CLIENT_SECRET" "$CARTOUCHE_SERVICE_ACCOUNT"`, filepath.Join(dir, "env"))
	out, err := command.Output()
	if err != nil {
		t.Skipf("no POSIX shell: %v", err)
	}
	want := fmt.Sprintf("%s\n%s\n%s\n%s\n", variable(w, "HTTPS_PROXY"), filepath.Join(dir, "ca.pem"), variable(w, "AZURE_CLIENT_SECRET"), variable(w, "CARTOUCHE_SERVICE_ACCOUNT"))
	if string(out) != want {
		t.Errorf("the shell reads\n%swant\n%s", out, want)
	}
	description, err := os.ReadFile(filepath.Join(dir, "world.json"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, password := w.NewCertificate()
	for _, secret := range []string{variable(w, "AZURE_CLIENT_SECRET"), variable(w, "CARTOUCHE_SITE_ADMIN_PASSWORD"), password} {
		if bytes.Contains(description, []byte(secret)) {
			t.Error("world.json holds a secret")
		}
	}
	for _, name := range []string{"env", "new.pfx", "new.pfx.password"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
			t.Errorf("%s may be read by others: %v", name, info.Mode())
		}
	}
}

func TestTheWorldTakesTheNamesItIsGiven(t *testing.T) {
	w := start(t, sim.Options{World: "single", Domain: "maps.city.example", SecondaryDomain: "maps.intern.example"})
	issued, _, _ := w.NewCertificate()
	for _, name := range []string{"maps.city.example", "maps.intern.example"} {
		if err := issued.Leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	served(t, w)
}

func TestCloseRemovesWhatStartMade(t *testing.T) {
	w, err := sim.Start(context.Background(), sim.Options{World: "single"})
	if err != nil {
		t.Fatal(err)
	}
	ca := variable(w, "SSL_CERT_FILE")
	if _, err := os.Stat(ca); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(ca); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", ca, err)
	}
}

func TestAnUnknownWorldNamesTheOthers(t *testing.T) {
	if _, err := sim.Start(t.Context(), sim.Options{World: "flat"}); err == nil || !strings.Contains(err.Error(), strings.Join(sim.Worlds(), ", ")) {
		t.Errorf("%v", err)
	}
}

func unmarshal(response *http.Response, into any) error {
	return runtime.UnmarshalAsJSON(response, into)
}
