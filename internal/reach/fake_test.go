package reach_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/cartouche-gis/cartouche/internal/agent"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

const (
	vmID      = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm-0"
	accountID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/stg"
)

// fake plays Resource Manager with one machine, and a storage account, for what
// the simulated world cannot be made to do. It trusts whoever asks.
type fake struct {
	t      testing.TB
	client *http.Client

	mu         sync.Mutex
	vm         tree
	commands   map[string]*command
	containers map[string]map[string][]byte
	older      map[string]time.Time // containers of other runs
	owners     map[string]string    // of those
	log        []string             // what was asked, without reads

	// dataRole lets the caller use the data by sign-in, keys by key.
	dataRole, keys bool
	// refuse answers a PUT of a run command instead of taking it, lose takes it
	// and cuts the connection, noBlob loses the whole output.
	refuse       func(w http.ResponseWriter)
	lose, noBlob bool
	// run is what the machine does with a command; nil is what the script does.
	run func(ctx context.Context, c *command) (stdout, stderr string, code int, state string)
	// work is what the program does with a job; nil answers a small report.
	work func(ctx context.Context, job machine.Job) machine.Report
	jobs []machine.Job

	// extensions are the machine's; put hears of one that is put, with its
	// secrets, and gives the state and message that it ends with.
	extensions []tree
	put        func(name string, body tree) (state, message string)
	ended      [2]string

	// instead, if set, may answer a request in the place of Azure.
	instead func(w http.ResponseWriter, r *http.Request) (answered bool)
}

type command struct {
	name       string
	properties tree
	tags       tree
	view       tree
	cancel     context.CancelFunc
	done       chan struct{}
}

func newFake(t testing.TB) *fake {
	f := &fake{t: t, keys: true, commands: map[string]*command{}, containers: map[string]map[string][]byte{}, older: map[string]time.Time{}, vm: tree{
		"id": vmID, "name": "vm-0", "location": "westeurope", "properties": tree{
			"storageProfile": tree{"osDisk": tree{"osType": "Linux"}},
			"instanceView": tree{"statuses": []any{tree{"code": "PowerState/running"}},
				"vmAgent": tree{"statuses": []any{tree{"displayStatus": "Ready", "message": "GuestAgent is running"}}}}}}}
	server := httptest.NewTLSServer(f)
	t.Cleanup(server.Close)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // every name is this one server
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	f.client = &http.Client{Transport: transport}
	return f
}

type anybody struct{}

func (anybody) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "canary-token", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

var testCloud = cloud.Cloud{Name: "test", AuthorityHost: "https://login.test/", ResourceManager: "https://management.test", Audience: "https://management.test/", BlobSuffix: "blob.test"}

func (f *fake) azure() *cloud.ResourceManager {
	rm, err := cloud.NewResourceManager(testCloud, anybody{}, cloud.Options{Client: f.client, PollInterval: time.Second})
	if err != nil {
		f.t.Fatal(err)
	}
	return rm
}

var fakeProgram = []byte("a program, for all that matters here")

// way is the agent's, against this fake; it is closed at the end of the test,
// and must then have left nothing.
func (f *fake) way(change func(*reach.AgentOptions)) reach.Way {
	options := reach.AgentOptions{Azure: f.azure(), Interval: 5 * time.Millisecond,
		Storage: cloud.StorageAccount{ID: accountID, Name: "stg", BlobEndpoint: "https://stg.blob.test"},
		Build: func(context.Context, string, string) (agent.Program, error) {
			sum := sha256.Sum256(fakeProgram)
			return agent.Program{Name: "cartouche-agent-linux-amd64", Content: fakeProgram, SHA256: hex.EncodeToString(sum[:])}, nil
		}}
	if change != nil {
		change(&options)
	}
	way := reach.NewAgent(options)
	f.t.Cleanup(func() {
		if err := way.Close(context.WithoutCancel(f.t.Context())); err != nil {
			f.t.Errorf("Close: %v", err)
		}
		if left := f.left(); len(left) > 0 {
			f.t.Errorf("left behind: %v", left)
		}
	})
	return way
}

// left is what is still there of ours.
func (f *fake) left() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var left []string
	for name := range f.commands {
		if strings.HasPrefix(name, "cartouche-") {
			left = append(left, "run command "+name)
		}
	}
	for name := range f.containers {
		left = append(left, "container "+name)
	}
	return left
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		f.mu.Lock()
		f.log = append(f.log, r.Method+" "+r.URL.Path)
		f.mu.Unlock()
	}
	if f.instead != nil && f.instead(w, r) {
		return
	}
	if strings.HasSuffix(r.Host, ".blob.test") {
		f.blobs(w, r)
		return
	}
	f.manager(w, r)
}

func (f *fake) count(prefix string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(f.log), func(line string) bool { return !strings.HasPrefix(line, prefix) }))
}

func say(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func sayError(w http.ResponseWriter, status int, code, message string) {
	say(w, status, tree{"error": tree{"code": code, "message": message}})
}

func (f *fake) manager(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch path := r.URL.Path; {
	case path == "/operations/extension":
		if f.ended[0] != "Succeeded" {
			say(w, 200, tree{"status": "Failed", "error": tree{"code": "VMExtensionProvisioningError", "message": f.ended[1]}})
			return
		}
		say(w, 200, tree{"status": "Succeeded"})
	case strings.HasPrefix(path, vmID+"/extensions"):
		f.extension(w, r, strings.TrimPrefix(strings.TrimPrefix(path, vmID+"/extensions"), "/"))
	case strings.HasPrefix(path, "/operations/"):
		say(w, 200, tree{"status": "Succeeded"})
	case path == accountID+"/listKeys" && f.keys:
		say(w, 200, tree{"keys": []any{tree{"keyName": "key1", "value": "Y2FuYXJ5LWtleQ==", "permissions": "Full"}}})
	case path == accountID+"/listKeys":
		sayError(w, 403, "AuthorizationFailed", "The client has no authorization.")
	case path == vmID:
		say(w, 200, f.vm)
	case path == vmID+"/runCommands":
		list := []any{}
		for _, c := range f.commands {
			list = append(list, tree{"name": c.name, "tags": c.tags, "properties": tree{"provisioningState": "Succeeded"}})
		}
		say(w, 200, tree{"value": list})
	case strings.HasPrefix(path, vmID+"/runCommands/"):
		f.runCommand(w, r, strings.TrimPrefix(path, vmID+"/runCommands/"))
	default:
		sayError(w, 404, "ResourceNotFound", "There is no "+path)
	}
}

func (f *fake) runCommand(w http.ResponseWriter, r *http.Request, name string) {
	c := f.commands[name]
	switch {
	case r.Method == http.MethodPut && f.refuse != nil:
		f.refuse(w)
	case r.Method == http.MethodPut:
		var body tree
		_ = json.NewDecoder(r.Body).Decode(&body)
		f.start(name, body)
		if f.lose {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Azure-AsyncOperation", "https://management.test/operations/1")
		say(w, 201, tree{"name": name, "properties": tree{"provisioningState": "Creating"}})
	case c == nil:
		sayError(w, 404, "ResourceNotFound", "There is no run command "+name)
	case r.Method == http.MethodDelete:
		c.cancel()
		delete(f.commands, name)
		w.WriteHeader(200)
	default:
		say(w, 200, tree{"name": c.name, "tags": c.tags, "properties": tree{"provisioningState": "Succeeded", "instanceView": c.view}})
	}
}

func (f *fake) extension(w http.ResponseWriter, r *http.Request, name string) {
	if name == "" {
		list := []any{}
		for _, e := range f.extensions {
			list = append(list, e)
		}
		say(w, 200, tree{"value": list})
		return
	}
	if r.Method == http.MethodPut {
		var body tree
		_ = json.NewDecoder(r.Body).Decode(&body)
		// What the extension does takes place outside of Resource Manager.
		f.mu.Unlock()
		state, message := f.put(name, body)
		f.mu.Lock()
		f.ended = [2]string{state, message}
		w.Header().Set("Azure-AsyncOperation", "https://management.test/operations/extension")
		say(w, 200, tree{"name": name, "properties": tree{"provisioningState": "Updating"}})
		return
	}
	say(w, 200, tree{"name": name, "properties": tree{"provisioningState": f.ended[0]}})
}

func (f *fake) start(name string, body tree) {
	ctx, cancel := context.WithCancel(context.Background())
	c := &command{name: name, properties: body["properties"].(tree), cancel: cancel, done: make(chan struct{}), view: tree{"executionState": "Running"}}
	c.tags, _ = body["tags"].(tree)
	f.commands[name] = c
	run := f.run
	if run == nil {
		run = f.script
	}
	go func() {
		defer close(c.done)
		stdout, stderr, code, state := run(ctx, c)
		f.mu.Lock()
		defer f.mu.Unlock()
		if to, _ := c.properties["outputBlobUri"].(string); to != "" && !f.noBlob {
			address, _ := url.Parse(to)
			container, blob, _ := strings.Cut(strings.TrimPrefix(address.Path, "/"), "/")
			if f.containers[container] != nil {
				f.containers[container][blob] = []byte(stdout)
			}
		}
		c.view = tree{"executionState": state, "exitCode": code, "output": last4096(stdout), "error": last4096(stderr), "endTime": time.Now().UTC().Format(time.RFC3339)}
	}()
}

func last4096(text string) string { return text[max(0, len(text)-4096):] }

func (c *command) parameter(name string) string {
	list, _ := c.properties["protectedParameters"].([]any)
	for _, item := range list {
		if p := item.(tree); p["name"] == name {
			return p["value"].(string)
		}
	}
	return ""
}

// address is a parameter that is an address; a machine with Windows gets it in base64.
func (c *command) address(name string) string {
	value := c.parameter(name)
	if decoded, err := base64.StdEncoding.DecodeString(value); err == nil {
		return string(decoded)
	}
	return value
}

// script does what the script does: fetch, compare, run.
func (f *fake) script(ctx context.Context, c *command) (string, string, int, string) {
	fetch := func(parameter string) []byte {
		request, _ := http.NewRequestWithContext(ctx, http.MethodGet, c.address(parameter), nil)
		response, err := f.client.Do(request)
		if err != nil {
			return nil
		}
		defer response.Body.Close()
		content, _ := io.ReadAll(response.Body)
		return content
	}
	content, job := fetch(agent.ParameterURL), fetch(agent.ParameterJob)
	if content == nil || job == nil {
		return "", "cartouche: download-refused: the download was refused\n", 93, "Failed"
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != c.parameter(agent.ParameterSHA256) {
		return "", "cartouche: hash-differs: it is another program\n", 94, "Failed"
	}
	var stdout, stderr strings.Builder
	code := agent.Run(ctx, bytes.NewReader(job), strings.NewReader(c.parameter(agent.ParameterKey)), &stdout, &stderr, func(ctx context.Context, job machine.Job) machine.Report {
		f.mu.Lock()
		f.jobs = append(f.jobs, job)
		work := f.work
		f.mu.Unlock()
		if work != nil {
			return work(ctx, job)
		}
		return machine.Report{Format: machine.Format, Host: job.Host}
	})
	return stdout.String(), stderr.String(), code, "Succeeded"
}

func sayBlobError(w http.ResponseWriter, status int, code string) {
	w.Header().Set("x-ms-error-code", code)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "\ufeff<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>This is %s.\nRequestId:77\nTime:now</Message></Error>", code, code)
}

// blobs is the account: signatures are looked at, not verified.
func (f *fake) blobs(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := r.URL.Query()
	w.Header().Set("x-ms-request-id", "3f2c1d90-501e-0008-6b7c-2a1f4b000000") // of every answer
	container, blob, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch by := r.Header.Get("Authorization"); {
	case strings.HasPrefix(by, "Bearer ") && !f.dataRole:
		sayBlobError(w, 403, "AuthorizationPermissionMismatch")
		return
	case by == "" && (q.Get("sig") == "" || q.Get("spr") != "https" || !strings.Contains(q.Get("sp"), "r") || q.Get("sr") != "b" && q.Get("sr") != "c"):
		sayBlobError(w, 403, "AuthenticationFailed")
		return
	}
	switch {
	case q.Get("comp") == "userdelegationkey":
		stamp := time.Now().UTC().Format(time.RFC3339)
		fmt.Fprintf(w, "<UserDelegationKey><SignedOid>o</SignedOid><SignedTid>t</SignedTid><SignedStart>%s</SignedStart><SignedExpiry>%s</SignedExpiry><SignedService>b</SignedService><SignedVersion>2025-01-05</SignedVersion><Value>Y2FuYXJ5</Value></UserDelegationKey>", stamp, stamp)
	case q.Get("comp") == "list" && container == "":
		fmt.Fprint(w, "<EnumerationResults><Containers>")
		for name, at := range f.older {
			fmt.Fprintf(w, "<Container><Name>%s</Name><Properties><Last-Modified>%s</Last-Modified><Etag>e</Etag></Properties><Metadata><cartouche>old</cartouche><cartouche_owner>%s</cartouche_owner></Metadata></Container>", name, at.UTC().Format(http.TimeFormat), f.owners[name])
		}
		fmt.Fprint(w, "</Containers><NextMarker/></EnumerationResults>")
	case q.Get("restype") == "container" && r.Method == http.MethodPut:
		if r.Header.Get("x-ms-blob-public-access") != "" {
			f.t.Error("the container is public")
		}
		f.containers[container] = map[string][]byte{}
		w.WriteHeader(201)
	case q.Get("restype") == "container" && r.Method == http.MethodDelete:
		delete(f.containers, container)
		delete(f.older, container)
		w.WriteHeader(202)
	case f.containers[container] == nil:
		sayBlobError(w, 404, "ContainerNotFound")
	case r.Method == http.MethodPut:
		f.containers[container][blob], _ = io.ReadAll(r.Body)
		w.WriteHeader(201)
	case r.Method == http.MethodGet:
		content, there := f.containers[container][blob]
		if !there {
			sayBlobError(w, 404, "BlobNotFound")
			return
		}
		_, _ = w.Write(content)
	case r.Method == http.MethodDelete:
		delete(f.containers[container], blob)
		w.WriteHeader(202)
	default:
		sayBlobError(w, 400, "UnsupportedHttpVerb")
	}
}
