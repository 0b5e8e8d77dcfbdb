package rehearsal_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/agent"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/computer"
)

// rehearse is a world in which the agent can be started, and where its program
// is fetched.
type rehearse struct {
	*sim.World
	program agent.Program
	url     string

	mu   sync.Mutex
	jobs map[string][]byte // sealed, by path
}

// lay seals a job and lays it where it is fetched.
func (r *rehearse) lay(t *testing.T, job machine.Job) (url, key secret.Secret) {
	t.Helper()
	sealed, key, err := machine.Seal(job)
	if err != nil {
		t.Fatal(err)
	}
	path := "/job/" + key.Reveal()[:8]
	r.mu.Lock()
	defer r.mu.Unlock()
	r.jobs[path] = sealed
	return secret.New(strings.Replace(r.url, "/agent", path, 1)), key
}

func start(t *testing.T, world string) *rehearse {
	t.Helper()
	w, err := sim.Start(t.Context(), sim.Options{World: world, Scale: 300, Scripts: true, Known: rehearsal.Known(), Current: sim.CurrentCertificate{Key: "p256"}, Machines: sim.MachineState{Key: "p256"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left := w.LeftBehind(); len(left) != 0 {
			t.Errorf("left behind: %q", left)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	program := agent.Program{Content: []byte("MZ"), SHA256: sha256Of([]byte("MZ"))} // it is not run on Windows
	if world == "gitops" {
		if program, err = agent.Build(t.Context(), runtime.GOOS, runtime.GOARCH); err != nil {
			t.Fatal(err)
		}
	}
	rehearsed := &rehearse{World: w, program: program, jobs: map[string][]byte{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rehearsed.mu.Lock()
		job, there := rehearsed.jobs[r.URL.Path]
		rehearsed.mu.Unlock()
		if there {
			w.Write(job)
			return
		}
		if r.URL.RawQuery != "sig=s3cr3t" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Write(program.Content)
	}))
	t.Cleanup(server.Close)
	rehearsed.url = server.URL + "/agent?sig=s3cr3t"
	return rehearsed
}

func sha256Of(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// run starts the agent on a machine as Run Command does.
func (r *rehearse) run(t *testing.T, name, url, sha256 string, job machine.Job) (computer.Outcome, secret.Secret) {
	t.Helper()
	c := r.Computer(name)
	if c == nil {
		t.Fatalf("no computer %s", name)
	}
	job.Format, job.Host, job.Interval = machine.Format, c.FQDN(), 20*time.Millisecond
	address, key := r.lay(t, job)
	goos := strings.ToLower(c.OS())
	parameters := agent.Input{URL: secret.New(url), SHA256: sha256, Job: address, Key: key}.Parameters(goos)
	// Where the program is fetched is not in the world.
	script := computer.Script{Text: agent.Script(goos), Parameters: []computer.Parameter{{Name: "no_proxy", Value: "127.0.0.1"}}}
	for name, value := range parameters {
		script.Parameters = append(script.Parameters, computer.Parameter{Name: name, Value: value.Reveal()})
	}
	outcome, err := c.Run(t.Context(), script)
	if err != nil {
		t.Fatal(err)
	}
	return outcome, key
}

// do has a job done and gives its report.
func (r *rehearse) do(t *testing.T, name string, job machine.Job) machine.Report {
	t.Helper()
	outcome, key := r.run(t, name, r.url, r.program.SHA256, job)
	report, err := machine.DecodeReport([]byte(outcome.Stdout), key)
	if err != nil || outcome.ExitCode != 0 {
		t.Fatalf("exit code %d, %v: %s", outcome.ExitCode, err, outcome.Stderr)
	}
	return report
}

func identity(t *testing.T, name string) (*x509.Certificate, machine.Task) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pfx, password, err := pki.WritePFX(&pki.Bundle{Leaf: leaf, Key: key}, pki.ForArcGIS)
	if err != nil {
		t.Fatal(err)
	}
	return leaf, machine.Task{Alias: "tls-new", PFX: secret.New(string(pfx)), PFXPassword: password, Expect: sha256Of(der)}
}

func at(product machine.Product, port int) machine.Job {
	return machine.Job{Components: []machine.Component{{Product: product, Port: port}}}
}

func servedBy(t *testing.T, report machine.Report) string {
	t.Helper()
	if len(report.Components) == 0 || len(report.Components[0].Chain) == 0 {
		t.Fatalf("nothing is served: %+v", report)
	}
	return sha256Of(report.Components[0].Chain[0])
}

func wantTask(t *testing.T, report machine.Report, state machine.TaskState) machine.TaskResult {
	t.Helper()
	if len(report.Tasks) != 1 || report.Tasks[0].State != state {
		t.Fatalf("want %s, got %+v, %s", state, report.Tasks, report.Trouble)
	}
	return report.Tasks[0]
}

func TestTheAgentReplacesADataStoresCertificate(t *testing.T) {
	t.Parallel()
	for world, name := range map[string]string{"roles": "allDataStr-Pri", "gitops": "primary"} {
		t.Run(world, func(t *testing.T) {
			t.Parallel()
			needsShell(t, world)
			w := start(t, world)
			_, task := identity(t, w.Computer(name).FQDN())
			task.Kind, task.Port = machine.ReplaceStore, 2443
			job := at(machine.DataStore, 2443)
			before := servedBy(t, w.do(t, name, job))
			job.Tasks = []machine.Task{task}
			report := w.do(t, name, job)
			if done := wantTask(t, report, machine.TaskDone); done.BeforeLeaf != before || servedBy(t, report) != task.Expect {
				t.Errorf("got %+v", done)
			}
			wantTask(t, w.do(t, name, job), machine.TaskAlready)
			if holding := w.Holding(task.PFXPassword.Reveal()); len(holding) != 0 {
				t.Errorf("a password is in %q", holding)
			}
		})
	}
}

func needsShell(t *testing.T, world string) {
	t.Helper()
	if world != "gitops" {
		return
	}
	if runtime.GOOS != "linux" {
		t.Skip("scripts for Linux run on Linux")
	}
	_, curl := exec.LookPath("curl")
	_, wget := exec.LookPath("wget")
	if curl != nil && wget != nil {
		t.Skip("neither curl nor wget is installed")
	}
}

func TestTheAgentRestartsServicesOnWindows(t *testing.T) {
	t.Parallel()
	w := start(t, "roles")
	for _, c := range []struct {
		name    string
		product machine.Product
		port    int
	}{{"ageServer-0", machine.GeoEvent, 6143}, {"awfServer-0", machine.WorkflowManager, 13443}} {
		job := at(c.product, c.port)
		job.Tasks = []machine.Task{{Kind: machine.RestartService, Port: c.port}}
		report := w.do(t, c.name, job)
		if done := wantTask(t, report, machine.TaskDone); !done.Restarted {
			t.Errorf("%s: got %+v", c.name, done)
		}
		job.Tasks[0].Expect = servedBy(t, report)
		wantTask(t, w.do(t, c.name, job), machine.TaskAlready)
	}
}

func TestTheAgentBindsIISAndBack(t *testing.T) {
	t.Parallel()
	w := start(t, "roles")
	const name = "anbServer-0"
	_, task := identity(t, w.Computer(name).FQDN())
	task.Kind, task.Port = machine.Bind, 443
	job := at(machine.WebAdaptor, 443)
	job.Tasks = []machine.Task{task}
	report := w.do(t, name, job)
	done := wantTask(t, report, machine.TaskDone)
	if servedBy(t, report) != task.Expect || len(report.Bindings) == 0 || report.Bindings[0].Thumbprint == done.Before {
		t.Errorf("got %+v, %+v", done, report.Bindings)
	}
	wantTask(t, w.do(t, name, job), machine.TaskAlready)
	job.Tasks = []machine.Task{{Kind: machine.Bind, Port: 443, Alias: done.Before, Expect: done.BeforeLeaf}}
	report = w.do(t, name, job)
	if wantTask(t, report, machine.TaskDone); servedBy(t, report) != done.BeforeLeaf {
		t.Error("the old certificate is not back")
	}
}

func TestTheRehearsalComplainsAsTheScriptDoes(t *testing.T) {
	t.Parallel()
	for world, name := range map[string]string{"single": "bmServer-0", "gitops": "primary"} {
		t.Run(world, func(t *testing.T) {
			t.Parallel()
			needsShell(t, world)
			w := start(t, world)
			for want, c := range map[string]struct{ url, sha256 string }{
				agent.NoParameters:    {"", w.program.SHA256},
				agent.DownloadRefused: {strings.Replace(w.url, "s3cr3t", "expired", 1), w.program.SHA256},
				agent.HashDiffers:     {w.url, strings.Repeat("0", 64)},
			} {
				outcome, _ := w.run(t, name, c.url, c.sha256, machine.Job{})
				code, sentence := agent.Complaint(outcome.Stderr)
				if code != want || sentence == "" || outcome.ExitCode == 0 || outcome.Stdout != "" {
					t.Errorf("want %s, got %+v", want, outcome)
				}
				if strings.Contains(outcome.Stderr, "s3cr3t") {
					t.Errorf("%s: the signed address came out", want)
				}
			}
		})
	}
}

func TestNothingIsDoneForARunCommandThatHasEnded(t *testing.T) {
	t.Parallel()
	w := start(t, "roles")
	c := w.Computer("allDataStr-Pri")
	job := at(machine.DataStore, 2443)
	job.Format, job.Host = machine.Format, c.FQDN()
	_, task := identity(t, c.FQDN())
	task.Kind, task.Port = machine.ReplaceStore, 2443
	job.Tasks = []machine.Task{task}
	address, key := w.lay(t, job)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	parameters := map[string]string{}
	for name, value := range (agent.Input{URL: secret.New(w.url), SHA256: w.program.SHA256, Job: address, Key: key}).Parameters("windows") {
		parameters[name] = value.Reveal()
	}
	outcome := rehearsal.Known()[computer.Hash(agent.Script("windows"))](ctx, c, parameters)
	if code, _ := agent.Complaint(outcome.Stderr); code != agent.DownloadRefused {
		t.Errorf("got %+v", outcome)
	}
}
