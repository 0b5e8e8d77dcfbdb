package reach_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

const artifacts = "gisrg-stageartifacts"

// dscExtension is an extension as Cloud Builder left it.
func dscExtension(name, function string) tree {
	return tree{"id": vmID + "/extensions/" + name, "name": name, "type": "Microsoft.Compute/virtualMachines/extensions", "location": "westeurope",
		"tags": tree{"displayName": name},
		"properties": tree{"publisher": "microsoft.powershell", "type": "DSC", "typeHandlerVersion": "2.77", "autoUpgradeMinorVersion": true, "provisioningState": "Succeeded",
			"settings": tree{"wmfVersion": "latest",
				"configuration":          tree{"url": "https://stg.blob.test/" + artifacts + "/DSC.zip", "script": function + ".ps1", "function": function},
				"advancedOptions":        tree{"forcePullAndApply": false},
				"configurationArguments": tree{"Version": "12.0", "ServerContext": "server", "ServerMachineNames": "vm-0,vm-1", "ExternalDNSHostName": "gis.example.com", "DebugMode": false}}}}
}

func newDSCFake(t *testing.T) *fake {
	f := newFake(t)
	f.vm["properties"].(tree)["storageProfile"] = tree{"osDisk": tree{"osType": "Windows"}}
	f.containers[artifacts] = map[string][]byte{"DSC.zip": []byte("zip"), "Certs/SSLCertificateForServer.pfx": []byte("the old pfx")}
	f.extensions = []tree{{"name": "AzureMonitorWindowsAgent", "properties": tree{"publisher": "Microsoft.Azure.Monitor", "type": "AzureMonitorWindowsAgent"}},
		dscExtension("DataStoreDSCConfiguration", "DataStoreConfiguration"), dscExtension("ServerDSCConfiguration", "ServerConfiguration")}
	f.put = func(string, tree) (string, string) { return "Succeeded", "" }
	return f
}

func (f *fake) dsc(change func(*reach.DSCOptions)) reach.Way {
	options := reach.DSCOptions{Azure: f.azure(), Storage: cloud.StorageAccount{ID: accountID, Name: "stg", BlobEndpoint: "https://stg.blob.test"},
		Deployment: deployment.Deployment{ID: "d", Version: "12.0", Domain: "gis.example.com", Machines: []deployment.Machine{{ID: vmID, Name: "vm-0", DeploymentID: "d"}}},
		Service:    reach.Login{User: "arcgis", Password: secret.New("canary-service")}, ServerPassword: secret.New("canary-internal")}
	if change != nil {
		change(&options)
	}
	return reach.NewDSC(options)
}

func pinning() machine.Job {
	job := observing()
	job.Tasks = []machine.Task{{Kind: machine.Trust, Port: 6443, Alias: "appgw-externaldnscercert", Certificate: []byte("new leaf")}}
	return job
}

func replacing() machine.Job {
	job := pinning()
	job.Tasks = append(job.Tasks,
		machine.Task{Kind: machine.Install, Port: 6443, Alias: "ApplicationGateway", PFX: secret.New("the new pfx"), PFXPassword: secret.New("canary-pfx")},
		machine.Task{Kind: machine.Activate, Port: 6443, Alias: "applicationgateway"})
	return job
}

// fetch reads a file as the configuration does: container, name, signature.
func (f *fake) fetch(protected tree, name string) string {
	credential := protected["configurationArguments"].(tree)["DeploymentArtifactCredentials"].(tree)
	response, err := f.client.Get(credential["userName"].(string) + "/" + name + credential["password"].(string))
	if err != nil {
		f.t.Error(err)
		return ""
	}
	defer response.Body.Close()
	content, _ := io.ReadAll(response.Body)
	return string(content)
}

func TestTheExtensionIsPutAsItWasWithNewCertificates(t *testing.T) {
	f := newDSCFake(t)
	var sent tree
	f.put = func(name string, body tree) (string, string) {
		if name != "ServerDSCConfiguration" {
			t.Errorf("put %s", name)
		}
		sent = body
		protected := body["properties"].(tree)["protectedSettings"].(tree)
		if got := f.fetch(protected, "gis.example.com.cer"); got != "new leaf" {
			t.Errorf("the public certificate is %q", got)
		}
		if got := f.fetch(protected, "Certs/SSLCertificateForServer.pfx"); got != "the new pfx" {
			t.Errorf("the pfx is %q", got)
		}
		if token := protected["configurationUrlSasToken"].(string); !strings.HasPrefix(token, "?") || strings.Contains(token, "sp=rw") {
			t.Errorf("the signature of the configuration is %.20q", token)
		}
		return "Succeeded", ""
	}
	report, err := f.dsc(nil).Do(t.Context(), vm0, replacing())
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range report.Tasks {
		if task.State != machine.TaskDone || !task.Restarted {
			t.Errorf("task %+v", task)
		}
	}
	properties := sent["properties"].(tree)
	arguments := properties["protectedSettings"].(tree)["configurationArguments"].(tree)
	delete(arguments, "DeploymentArtifactCredentials")
	if diff := cmp.Diff(tree{
		"ServiceCredential":                 tree{"userName": "arcgis", "password": "canary-service"},
		"SiteAdministratorCredential":       tree{"userName": "siteadmin", "password": canary},
		"ServerInternalCertificatePassword": tree{"userName": "Placeholder", "password": "canary-pfx"},
	}, arguments); diff != "" {
		t.Errorf("protected arguments (-want +got):\n%s", diff)
	}
	delete(properties, "protectedSettings")
	want := dscExtension("ServerDSCConfiguration", "ServerConfiguration")
	public := want["properties"].(tree)["settings"].(tree)["configurationArguments"].(tree)
	public["IsUpdatingCertificates"], public["PublicKeySSLCertificateFileName"] = true, "gis.example.com.cer"
	delete(want["properties"].(tree), "provisioningState")
	for _, made := range []string{"id", "name", "type"} {
		delete(want, made)
	}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("what is kept (-want +got):\n%s", diff)
	}
	if text, _ := json.Marshal(sent); strings.Contains(string(text), "canary") {
		t.Errorf("a secret is in what is kept: %s", text)
	}
	f.artifactsAsBefore()
}

// artifactsAsBefore looks that nothing of ours is in the container, and what
// was there is there again.
func (f *fake) artifactsAsBefore() {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	names := slices.Sorted(maps.Keys(f.containers[artifacts]))
	if !slices.Equal(names, []string{"Certs/SSLCertificateForServer.pfx", "DSC.zip"}) || string(f.containers[artifacts][names[0]]) != "the old pfx" {
		f.t.Errorf("the artifact container has %v", names)
	}
}

func TestWhatDSCCannotDoIsSaidBeforeAnythingIsTouched(t *testing.T) {
	noFunction := func(function string) func(*fake) {
		return func(f *fake) { f.extensions = []tree{dscExtension("DSC", function)} }
	}
	version := func(text string) func(*reach.DSCOptions) {
		return func(o *reach.DSCOptions) { o.Deployment.Version = text }
	}
	task := func(kind machine.TaskKind, port int, alias string) machine.Job {
		job := observing()
		job.Tasks = []machine.Task{{Kind: kind, Port: port, Alias: alias}}
		return job
	}
	rows := []struct {
		name   string
		set    func(*fake)
		change func(*reach.DSCOptions)
		job    machine.Job
		says   string
	}{
		{"look", nil, nil, observing(), "cannot look"},
		{"trust an authority", nil, nil, task(machine.Trust, 6443, "root"), "no other"},
		{"an alias of one's own", nil, nil, task(machine.Install, 6443, "tls-2026"), "tls-2026"},
		{"install without activating", nil, nil, task(machine.Install, 6443, "applicationgateway"), "at once"},
		{"remove", nil, nil, task(machine.Remove, 6443, "x"), "remove"},
		{"a data store", nil, nil, task(machine.Trust, 2443, "AppGW-ExternalDNSCerCert"), "port 2443"},
		{"version 11.5", nil, version("11.5"), pinning(), "file share"},
		{"no password of the internal certificate", nil, func(o *reach.DSCOptions) { o.ServerPassword = secret.Secret{} }, pinning(), "password of that"},
		{"no extension", func(f *fake) { f.extensions = nil }, nil, pinning(), "no DSC extension"},
		{"an extension of another role", noFunction("DataStoreConfiguration"), nil, pinning(), "DataStoreConfiguration"},
		{"an extension from elsewhere", func(f *fake) {
			e := dscExtension("DSC", "ServerConfiguration")
			e["properties"].(tree)["settings"].(tree)["configuration"].(tree)["url"] = "https://other.blob.test/x/DSC.zip"
			f.extensions = []tree{e}
		}, nil, pinning(), "other.blob.test"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := newDSCFake(t)
			if row.set != nil {
				row.set(f)
			}
			_, err := f.dsc(row.change).Do(t.Context(), vm0, row.job)
			if e := wantError(t, err, reach.NotThisWay, false); !strings.Contains(e.Sentence, row.says) {
				t.Errorf("says %q, want %q in it", e.Sentence, row.says)
			}
			if writes := f.count("P") + f.count("DELETE"); writes > 0 {
				t.Errorf("%v", f.log)
			}
		})
	}
	t.Run("no service account", func(t *testing.T) {
		_, err := newDSCFake(t).dsc(func(o *reach.DSCOptions) { o.Service = reach.Login{} }).Do(t.Context(), vm0, pinning())
		wantError(t, err, reach.RunAsRefused, false)
	})
	t.Run("a notebook server of several machines", func(t *testing.T) {
		f := newDSCFake(t)
		noFunction("NotebookServerMultiTierConfiguration")(f)
		at := vm0
		at.Components = []machine.Component{{Product: machine.Notebook, Port: 11443}}
		job := pinning()
		job.Tasks[0].Port = 11443
		_, err := f.dsc(nil).Do(t.Context(), at, job)
		if e := wantError(t, err, reach.NotThisWay, false); !strings.Contains(e.Sentence, "changes nothing") {
			t.Errorf("says %q", e.Sentence)
		}
	})
}

func TestAFailedExtensionIsToldInItsOwnWords(t *testing.T) {
	f := newDSCFake(t)
	f.put = func(string, tree) (string, string) {
		return "Failed", "VM has reported a failure when processing extension 'ServerDSCConfiguration'. Error message: \"DSC Configuration 'ServerConfiguration' completed with error(s).\""
	}
	_, err := f.dsc(nil).Do(t.Context(), vm0, pinning())
	if e := wantError(t, err, reach.ExtensionFailed, true); !strings.Contains(e.Sentence, "completed with error(s)") {
		t.Errorf("says %q", e.Sentence)
	}
	f.artifactsAsBefore()
}

// DSC goes on when nobody waits any more, so its files stay until Close.
func TestWhoStopsWaitingForDSCIsToldThatItGoesOn(t *testing.T) {
	f := newDSCFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.put = func(string, tree) (string, string) { cancel(); return "Succeeded", "" }
	way := f.dsc(nil)
	_, err := way.Do(ctx, vm0, pinning())
	if e := wantError(t, err, reach.Cancelled, true); !strings.Contains(e.Sentence, "goes on") {
		t.Errorf("says %q", e.Sentence)
	}
	if f.containers[artifacts]["gis.example.com.cer"] == nil {
		t.Error("the file was taken away while the configuration may still need it")
	}
	if err := way.Close(context.WithoutCancel(ctx)); err != nil {
		t.Fatal(err)
	}
	f.artifactsAsBefore()
}

// When the operation does not tell how it ended, the extension itself is asked.
func TestTheExtensionIsAskedWhereItsOperationDoesNotTell(t *testing.T) {
	aPage := func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>Please sign in</html>") }
	forbidden := func(w http.ResponseWriter) { sayError(w, 403, "AuthorizationFailed", "no") }
	for name, row := range map[string]struct {
		operation func(http.ResponseWriter)
		state     string
		well      bool
	}{
		"a page, and it went well":    {aPage, "Succeeded", true},
		"forbidden, and it went well": {forbidden, "Succeeded", true},
		"forbidden, and it failed":    {forbidden, "Failed", false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newDSCFake(t)
			f.put = func(string, tree) (string, string) { return row.state, "its own words" }
			f.instead = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/operations/extension" {
					return false
				}
				row.operation(w)
				return true
			}
			_, err := f.dsc(nil).Do(t.Context(), vm0, pinning())
			if row.well && err != nil {
				t.Error(err)
			}
			if !row.well {
				wantError(t, err, reach.ExtensionFailed, true)
			}
			f.artifactsAsBefore()
		})
	}
}

// What could not be taken away after one machine is not taken for what was there
// before, when the next one comes.
func TestAFileThatStayedOnceIsTakenAwayAtTheEnd(t *testing.T) {
	f := newDSCFake(t)
	f.put = func(string, tree) (string, string) { return "Succeeded", "" }
	refused := false
	f.instead = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodDelete || refused {
			return false
		}
		refused = true
		sayBlobError(w, 409, "LeaseIdMissing")
		return true
	}
	way := f.dsc(nil)
	for range 2 {
		if _, err := way.Do(t.Context(), vm0, pinning()); err != nil {
			t.Fatal(err)
		}
	}
	if err := way.Close(t.Context()); err != nil || !refused {
		t.Fatal(err, refused)
	}
	f.artifactsAsBefore()
}

// A proxy's page must not be kept aside as the file that was there, and put back
// as such.
func TestAPageIsNoFileThatWasThere(t *testing.T) {
	f := newDSCFake(t)
	f.put = func(string, tree) (string, string) { t.Error("it was put"); return "Succeeded", "" }
	f.instead = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, ".cer") {
			return false
		}
		_, _ = io.WriteString(w, "<html>Please sign in</html>")
		return true
	}
	_, err := f.dsc(nil).Do(t.Context(), vm0, pinning())
	if err == nil || !strings.Contains(err.Error(), "not one of Azure Storage") {
		t.Error(err)
	}
	f.artifactsAsBefore()
}
