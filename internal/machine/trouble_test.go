package machine_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

// A password goes to nobody whose certificate is not known; what is served is
// seen all the same, and the sentence says which it is.
func TestNoPasswordForAStranger(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var heard []string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, r.Method+" "+r.URL.Path+" "+string(body))
	}))
	defer server.Close()
	job := jobAt(t, server, machine.Server)
	job.Tasks = []machine.Task{{Kind: machine.Remove, Port: job.Components[0].Port, Alias: "x"}}
	report := (&machine.Worker{}).Do(t.Context(), job)

	fingerprint := pki.Fingerprint(server.Certificate())
	result, seen := report.Tasks[0], report.Components[0]
	for what, said := range map[string]string{"task": result.Detail, "component": seen.Trouble} {
		if !strings.Contains(said, fingerprint) || !strings.Contains(said, "No password was sent") {
			t.Errorf("%s: %s", what, said)
		}
	}
	if result.Code != machine.CodeUnverified || seen.TroubleCode != machine.CodeUnverified || len(seen.Chain) != 1 {
		t.Errorf("task %s, component %s, %d certificates", result.Code, seen.TroubleCode, len(seen.Chain))
	}
	for _, request := range heard {
		if strings.Contains(request, "POST") || strings.Contains(request, "canary") {
			t.Errorf("heard %s", request)
		}
	}

	// Any spelling of its fingerprint lets it in; that of another does not.
	for _, pin := range []string{fingerprint, strings.ToUpper(fingerprint), colons(fingerprint)} {
		job.Pins = []string{pin}
		if got := (&machine.Worker{}).Do(t.Context(), job).Tasks[0].Code; got == machine.CodeUnverified {
			t.Errorf("pinned as %s: %s", pin, got)
		}
	}
	job.Pins, job.Roots = nil, [][]byte{server.Certificate().Raw}
	if got := (&machine.Worker{}).Do(t.Context(), job).Tasks[0].Code; got == machine.CodeUnverified {
		t.Error("a root of the job is not enough")
	}
}

// A certificate of a known authority for another machine's name is a stranger's,
// unless the job says that this is a name of the machine, too.
func TestTheNameCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Server, "11.5", func(s *site.Spec) { s.Machines[0].Names = []string{"alias.example.net"} })
	if seen := b.seeAs("alias.example.net"); seen.TroubleCode != machine.CodeUnverified {
		t.Errorf("%s: %s", seen.TroubleCode, seen.Trouble)
	}
	for name, code := range map[string]string{"10.1.2.3": machine.CodeUnverified, "m1.example.net": ""} {
		b.job.Names = []string{"10.4.5.6", name}
		if seen := b.seeAs("alias.example.net"); seen.TroubleCode != code {
			t.Errorf("also called %s: %q: %s", name, seen.TroubleCode, seen.Trouble)
		}
	}
	// A name vouches for nobody whose authority is not known.
	b.job.Roots = nil
	if seen := b.seeAs("alias.example.net"); seen.TroubleCode != machine.CodeUnverified {
		t.Errorf("without the root: %s", seen.TroubleCode)
	}
}

func colons(hex string) string {
	var parts []string
	for i := 0; i < len(hex); i += 2 {
		parts = append(parts, hex[i:i+2])
	}
	return strings.Join(parts, ":")
}

// jobAt is a job at a server of this computer.
func jobAt(t *testing.T, server *httptest.Server, product machine.Product) machine.Job {
	t.Helper()
	var port int
	if _, err := fmt.Sscanf(server.URL, "https://127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	return machine.Job{
		Format: machine.Format, Host: "127.0.0.1", Admin: "siteadmin", Password: secret.New("canary"),
		Components: []machine.Component{{Product: product, Port: port}},
		Interval:   10 * time.Millisecond, Patience: 500 * time.Millisecond,
	}
}

func TestWhatIsNoJob(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Server, "11.5")
	for name, change := range map[string]func(*machine.Job){
		"another format": func(j *machine.Job) { j.Format = machine.Format + 1 },
		"no machine":     func(j *machine.Job) { j.Host = "" },
		"port twice":     func(j *machine.Job) { j.Components = append(j.Components, j.Components[0]) },
		"no port":        func(j *machine.Job) { j.Components = []machine.Component{{Product: machine.Server}} },
	} {
		job := b.job
		change(&job)
		if report := b.worker.Do(t.Context(), job); report.Trouble == "" || len(report.Components) != 0 {
			t.Errorf("%s: %+v", name, report)
		}
	}
	b.fails(machine.CodeBadJob, machine.Task{Kind: "dance"})
	b.fails(machine.CodeBadJob, machine.Task{Kind: machine.Remove})
	b.fails(machine.CodeBadJob, machine.Task{Kind: machine.Install, Alias: "x"})
	b.fails(machine.CodeBadJob, machine.Task{Kind: machine.Activate, Alias: "x", Expect: "abc"})
	b.fails(machine.CodeBadJob, machine.Task{Kind: machine.Trust, Alias: "x", Certificate: []byte("none")})
	b.fails(machine.CodeNoSuchComponent, machine.Task{Kind: machine.Remove, Alias: "x", Port: 7443})
	b.fails(machine.CodeNoSuchComponent, machine.Task{Kind: machine.ValidateFederation})
	b.fails(machine.CodeNotInstalled, activate("nothing", b.old))
	wrong := install(t, "x", b.issue("m1.example.net"))
	wrong.Expect = pki.Fingerprint(b.old.Leaf)
	b.fails(machine.CodeBadJob, wrong)
	for _, kind := range []machine.TaskKind{machine.ReplaceStore, machine.RestartService, machine.Bind} {
		b.fails(machine.CodeNeedsAgent, machine.Task{Kind: kind})
	}
}

// Without a login the wire is looked at, and that is not a failure.
func TestTheWireAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Server, "11.5")
	b.job.Admin = ""
	b.job.Components = append(b.job.Components, machine.Component{Product: machine.DataStore, Port: 2443})
	report := b.do()
	if seen := report.Components[0]; seen.TroubleCode != machine.CodeNoCredentials || !seen.Healthy || served(t, seen) != pki.Fingerprint(b.old.Leaf) {
		t.Errorf("%s, healthy %v", seen.TroubleCode, seen.Healthy)
	}
	if seen := report.Components[1]; seen.WireTrouble == "" || seen.Healthy {
		t.Errorf("nothing is at 2443, and it was seen as %+v", seen)
	}
}

// An alias that is removed must hold what the caller thinks it holds.
func TestRemovingSomethingElse(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Portal, "11.5")
	next := b.issue("m1.example.net")
	b.must(machine.TaskDone, install(t, "new", next))
	task := remove("New")
	task.Expect = pki.Fingerprint(b.old.Leaf)
	b.fails(machine.CodeAliasTaken, task)
	task.Expect = pki.Fingerprint(next.Leaf)
	b.must(machine.TaskDone, task)
	b.must(machine.TaskAlready, task)
}

// What a machine echoes of a job is not in its report.
func TestNoSecretInAReport(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case strings.HasSuffix(r.URL.Path, "/generateToken"):
			_, _ = io.WriteString(w, `{"token":"t0ken","expires":1}`)
		case strings.HasSuffix(r.URL.Path, "/admin"):
			_, _ = io.WriteString(w, `{"fullVersion":"11.5.0"}`)
		case strings.HasSuffix(r.URL.Path, "/machines"):
			_, _ = io.WriteString(w, `{"machines":[{"machineName":"M"}]}`)
		default:
			text, _ := json.Marshal(string(body) + " " + fmt.Sprint(r.Header))
			_, _ = io.WriteString(w, `{"status":"error","messages":[`+string(text)+`],"code":404}`)
		}
	}))
	defer server.Close()
	b := newBench(t, site.Server, "11.5")
	job := jobAt(t, server, machine.Notebook)
	job.Pins = []string{pki.Fingerprint(server.Certificate())}
	task := install(t, "x", b.issue("m1.example.net"))
	task.Port = job.Components[0].Port
	job.Tasks = []machine.Task{task}
	report := (&machine.Worker{}).Do(t.Context(), job)
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	if report.Tasks[0].State != machine.TaskFailed {
		t.Errorf("%+v", report.Tasks[0])
	}
	for _, word := range []string{"canary", "t0ken", "Alnum0nly"} {
		if strings.Contains(string(text), word) {
			t.Errorf("%q is in %s", word, text)
		}
	}
}

// scripted is a Server that gives one answer for each path's end, and serves
// one certificate from the start.
func scripted(t *testing.T, with *authority.Issued, answers map[string][]string) (machine.Job, func(string) int) {
	t.Helper()
	var mu sync.Mutex
	asked := map[string]int{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		end := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		queue := answers[end]
		if len(queue) == 0 {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, queue[min(asked[end], len(queue)-1)])
		asked[end]++
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{with.TLS()}}
	server.StartTLS()
	t.Cleanup(server.Close)
	job := jobAt(t, server, machine.Server)
	job.Pins = []string{pki.Fingerprint(with.Leaf)}
	return job, func(end string) int {
		mu.Lock()
		defer mu.Unlock()
		return asked[end]
	}
}

// script is what a Server says in which "old" is active and "new" holds a
// certificate.
func script(of *authority.Issued) map[string][]string {
	return map[string][]string{
		"generateToken":   {`{"token":"t"}`},
		"admin":           {`{"fullVersion":"11.5.0"}`},
		"machines":        {`{"machines":[{"machineName":"M"}]}`},
		"M":               {`{"webServerCertificateAlias":"old"}`},
		"sslcertificates": {`{"certificates":["old","new"]}`},
		"new":             {fmt.Sprintf(`{"entryType":"PrivateKeyEntry","sha256Fingerprint":%q}`, pki.Fingerprint(of.Leaf))},
		"edit":            {`{"status":"success"}`},
		"healthcheck":     {`{"success":true}`},
		"delete":          {`{"status":"success"}`},
	}
}

func one(t *testing.T, job machine.Job, task machine.Task) machine.TaskResult {
	t.Helper()
	task.Port = job.Components[0].Port
	job.Tasks = []machine.Task{task}
	return (&machine.Worker{}).Do(t.Context(), job).Tasks[0]
}

// A web server that answers success and never changes is not taken for one that did.
func TestSuccessWithoutEffect(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Server, "11.5")
	next := b.issue("m1.example.net")
	job, asked := scripted(t, b.old, script(next))
	if result := one(t, job, activate("new", next)); result.Code != machine.CodeWrongLeafServed || !result.Unsure || result.Before != "old" || asked("edit") != 1 {
		t.Errorf("%+v after %d edits", result, asked("edit"))
	}
	if result := one(t, job, remove("new")); result.Code != machine.CodeRefused {
		t.Errorf("%+v", result)
	}
}

// The wanted certificate is served, and the next start would serve another.
func TestServedAndNotConfigured(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Server, "11.5")
	next := b.issue("m1.example.net")
	job, _ := scripted(t, next, script(next))
	if result := one(t, job, activate("new", next)); result.Code != machine.CodeRefused || !strings.Contains(result.Detail, "next start would serve old") {
		t.Errorf("%+v", result)
	}
}

// The answer to an assignment is lost and nothing has changed: it is repeated
// once, since it is the same whether it is done once or twice.
func TestALostAssignmentIsRepeatedOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Server, "11.5")
	next := b.issue("m1.example.net")
	answers := script(next)
	answers["edit"] = []string{"<html>starting</html>", `{"status":"success"}`}
	job, asked := scripted(t, b.old, answers)
	if result := one(t, job, activate("new", next)); result.State != machine.TaskFailed || asked("edit") != 2 {
		t.Errorf("%+v after %d edits, want 2", result, asked("edit"))
	}
}

// A password that is wrong after a restart is tried twice and not until
// somebody locks the account.
func TestAPasswordThatIsWrongAfterTheRestart(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Server, "11.5")
	next := b.issue("m1.example.net")
	answers := script(next)
	answers["generateToken"] = append(answers["generateToken"], `{"status":"error","messages":["Invalid username or password"],"code":401}`)
	job, asked := scripted(t, next, answers)
	if result := one(t, job, activate("new", next)); result.Code != machine.CodeWrongCredentials || !result.Unsure || asked("generateToken") != 3 {
		t.Errorf("%+v after %d sign-ins, want 3", result, asked("generateToken"))
	}
}
