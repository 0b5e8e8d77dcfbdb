package agent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

const password = "hunter2-of-the-site-administrator"

// shop is where the program is fetched.
type shop struct {
	*httptest.Server
	program Program
	answer  http.HandlerFunc

	mu   sync.Mutex
	jobs map[string][]byte // sealed, by path
}

func (s *shop) job(path string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	job, there := s.jobs[path]
	return job, there
}

// input is what the script needs to do a job.
func (s *shop) input(t *testing.T, job machine.Job) Input {
	t.Helper()
	sealed, key := input(t, job)
	path := "/job/" + key.Reveal()[:8]
	s.mu.Lock()
	s.jobs[path] = sealed
	s.mu.Unlock()
	return Input{URL: secret.New(s.url()), SHA256: s.program.SHA256, Job: secret.New(s.URL + path + "?sig=of-the-day"), Key: key}
}

func openShop(t *testing.T) *shop {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the script for Linux runs on Linux")
	}
	program, err := Build(t.Context(), runtime.GOOS, runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{program: program}
	s.jobs = map[string][]byte{}
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		if job, there := s.job(r.URL.Path); there {
			w.Write(job)
			return
		}
		if r.URL.Query().Get("sig") != "of-the-day" {
			http.Error(w, "AuthenticationFailed", http.StatusForbidden)
			return
		}
		w.Write(program.Content)
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.answer(w, r) }))
	t.Cleanup(s.Close)
	return s
}

func (s *shop) url() string { return s.URL + "/agent?sig=of-the-day&se=2026" }

func input(t *testing.T, job machine.Job) (sealed []byte, key secret.Secret) {
	t.Helper()
	job.Format, job.Password = machine.Format, secret.New(password)
	sealed, key, err := machine.Seal(job)
	if err != nil {
		t.Fatal(err)
	}
	return sealed, key
}

// script is a run of the script as Run Command starts it.
type script struct {
	*exec.Cmd
	temp           string
	stdout, stderr bytes.Buffer
}

func newScript(t *testing.T, input Input, environment ...string) *script {
	t.Helper()
	s := &script{temp: t.TempDir()}
	file := filepath.Join(t.TempDir(), "script.sh")
	if err := os.WriteFile(file, []byte(Script("linux")), 0o700); err != nil {
		t.Fatal(err)
	}
	s.Cmd = exec.Command(file)
	s.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + s.temp, "HOME=" + s.temp}, environment...)
	for name, value := range input.Parameters("linux") {
		s.Env = append(s.Env, name+"="+value.Reveal())
	}
	s.Stdout, s.Stderr = &s.stdout, &s.stderr
	s.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	t.Cleanup(func() {
		if left, _ := filepath.Glob(filepath.Join(s.temp, "*")); len(left) != 0 {
			t.Errorf("left behind: %q", left)
		}
		for _, stream := range []string{s.stdout.String(), s.stderr.String()} {
			if strings.Contains(stream, password) || !input.Key.Empty() && strings.Contains(stream, input.Key.Reveal()) || strings.Contains(stream, "of-the-day") {
				t.Error("a secret came out")
			}
		}
	})
	return s
}

func (s *script) exitCode(t *testing.T) int {
	t.Helper()
	err := s.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return s.ProcessState.ExitCode()
}

func TestTheScriptRunsTheAgentAndLeavesNothing(t *testing.T) {
	t.Parallel()
	shop := openShop(t)
	for _, tool := range []string{"curl", "wget"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(tool); err != nil {
				t.Skipf("%s is not installed", tool)
			}
			given := shop.input(t, machine.Job{Host: "gis1.example.com"})
			script := newScript(t, given, "PATH="+only(t, tool))
			if code := script.exitCode(t); code != 0 {
				t.Fatalf("exit code %d: %s", code, script.stderr.String())
			}
			report, err := machine.DecodeReport(script.stdout.Bytes(), given.Key)
			if err != nil || report.Host != "gis1.example.com" {
				t.Errorf("got %+v, %v", report, err)
			}
		})
	}
}

// only is a PATH that has the ordinary programs, and of curl and wget this one.
func only(t *testing.T, tool string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{tool, "sh", "mktemp", "chmod", "rm", "mkdir", "sha256sum", "head", "tr", "wc"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTheScriptSaysWhyItDidNothing(t *testing.T) {
	t.Parallel()
	shop := openShop(t)
	for _, c := range []struct {
		name   string
		change func(*Input)
		want   string
		about  string // is in the sentence
	}{
		{"expired", func(i *Input) { i.URL = secret.New(shop.URL + "/agent?sig=of-the-day-before") }, DownloadRefused, "403"},
		{"nobody there", func(i *Input) { i.URL = secret.New("http://127.0.0.1:1/agent") }, DownloadRefused, "127.0.0.1"},
		{"another program", func(i *Input) { i.SHA256 = strings.Repeat("0", 64) }, HashDiffers, shop.program.SHA256},
		{"no job to have", func(i *Input) { i.Job = secret.New(shop.URL + "/no-job?sig=of-the-day-before") }, DownloadRefused, "403"},
		{"no key", func(i *Input) { i.Key = secret.Secret{} }, NoParameters, "agent_key"},
		{"no job", func(i *Input) { i.Job = i.URL }, BadJob, "not the one that was sent"},
		{"no such user", func(i *Input) { i.User = "nobody-at-all" }, NoSuchUser, "nobody-at-all"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			given := shop.input(t, machine.Job{Host: "gis1.example.com"})
			c.change(&given)
			script := newScript(t, given)
			exit := script.exitCode(t)
			code, sentence := Complaint(script.stderr.String())
			if code != c.want || exit != exitCodes[c.want] || !strings.Contains(sentence, c.about) {
				t.Errorf("exit code %d, %q, %q; all: %s", exit, code, sentence, script.stderr.String())
			}
		})
	}
}

func TestTheScriptSaysThatTheDiskIsFull(t *testing.T) {
	t.Parallel()
	shop := openShop(t)
	job := shop.input(t, machine.Job{Host: "gis1.example.com"})
	for _, tool := range []string{"curl", "wget"} {
		script := newScript(t, job, "PATH="+only(t, tool))
		// A file of more than so many blocks cannot be written; a signal about it is ignored.
		script.Path, script.Args = "/bin/sh", []string{"sh", "-c", `trap '' XFSZ; ulimit -f 100; "$0"`, script.Path}
		exit := script.exitCode(t)
		if code, _ := Complaint(script.stderr.String()); code != DiskFull || exit != exitCodes[DiskFull] {
			t.Errorf("%s: exit code %d: %s", tool, exit, script.stderr.String())
		}
	}
	script := newScript(t, job)
	script.Env = append(script.Env, "TMPDIR=/nowhere", "HOME=/nowhere", "PATH="+only(t, "curl"))
	script.Path, script.Args = "/bin/sh", []string{"sh", "-c", `ulimit -f 0; trap '' XFSZ; "$0"`, script.Path} // no file can be written anywhere
	exit := script.exitCode(t)
	if code, sentence := Complaint(script.stderr.String()); code != DiskFull || !strings.Contains(sentence, "/nowhere") {
		t.Errorf("exit code %d: %s", exit, script.stderr.String())
	}
}

// TestNothingOfAJobIsInAnArgumentList looks at every process of the script
// while the program is fetched and while it works.
func TestNothingOfAJobIsInAnArgumentList(t *testing.T) {
	t.Parallel()
	shop := openShop(t)
	port, works := mute(t)
	job := shop.input(t, machine.Job{Host: "127.0.0.1", Components: []machine.Component{{Product: machine.GeoEvent, Port: port}}})
	fetched := make(chan struct{})
	var script *script
	look := func(when string) int {
		looked := 0
		for _, line := range processes(t, script.Process.Pid) {
			looked++
			for _, hidden := range []string{job.Key.Reveal(), "of-the-day", password} {
				if strings.Contains(line, hidden) {
					t.Errorf("%s: %.80s has a secret", when, line)
				}
			}
		}
		return looked
	}
	answer := shop.answer
	shop.answer = func(w http.ResponseWriter, r *http.Request) {
		if looked := look("fetching"); looked < 2 {
			t.Errorf("only %d processes were seen", looked)
		}
		answer(w, r)
		if _, job := shop.job(r.URL.Path); job {
			close(fetched)
		}
	}
	script = newScript(t, job)
	if err := script.Start(); err != nil {
		t.Fatal(err)
	}
	<-fetched
	<-works
	look("working")
	script.Process.Signal(syscall.SIGTERM)
	script.Wait()
}

func TestTheScriptEndsWithASignal(t *testing.T) {
	t.Parallel()
	shop := openShop(t)
	for name, send := range map[string]func(pid int) error{
		"to the shell alone":    func(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) },
		"to all of its process": func(pid int) error { return syscall.Kill(-pid, syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port, works := mute(t)
			job := shop.input(t, machine.Job{Host: "127.0.0.1", Components: []machine.Component{{Product: machine.GeoEvent, Port: port}}})
			script := newScript(t, job)
			if err := script.Start(); err != nil {
				t.Fatal(err)
			}
			<-works
			if err := send(script.Process.Pid); err != nil {
				t.Fatal(err)
			}
			script.Wait()
			if code := script.ProcessState.ExitCode(); code != 143 {
				t.Errorf("exit code %d: %s", code, script.stderr.String())
			}
			if _, err := machine.DecodeReport(script.stdout.Bytes(), job.Key); err != nil {
				t.Errorf("what became of the job is not said: %v", err)
			}
			if left := processes(t, script.Process.Pid); len(left) != 0 {
				t.Errorf("these live on: %q", left)
			}
		})
	}
}

// What ends the script ends the program too, and takes the folder away, even
// where no trap is asked: Azure cancels by SIGKILL to the process group, and when
// the time is up it kills the script alone.
func TestNothingOutlivesTheScript(t *testing.T) {
	t.Parallel()
	shop := openShop(t)
	for _, user := range []string{"", "nobody"} {
		for name, send := range map[string]func(pid int) error{
			"the script is killed":    func(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) },
			"its group is killed":     func(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) },
			"the script is told so":   func(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) },
			"the program's own limit": func(int) error { return nil },
		} {
			t.Run(user+" "+name, func(t *testing.T) {
				t.Parallel()
				if _, err := exec.LookPath("runuser"); user != "" && (err != nil || os.Geteuid() != 0) {
					t.Skip("only root can run a program as another user, by runuser")
				}
				port, works := mute(t)
				job := machine.Job{Host: "127.0.0.1", Components: []machine.Component{{Product: machine.GeoEvent, Port: port}}}
				if strings.Contains(name, "limit") || user != "" && name == "the script is killed" { // runuser lives on, till the program ends
					job.Limit = time.Second
				}
				given := shop.input(t, job)
				given.User = user
				script := newScript(t, given)
				if err := os.Chmod(filepath.Dir(script.temp), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := script.Start(); err != nil {
					t.Fatal(err)
				}
				select {
				case <-works:
				case <-time.After(20 * time.Second):
					script.Process.Kill()
					t.Fatalf("the program never worked: %s", script.stderr.String())
				}
				if user != "" && !runsAs(t, script.Process.Pid, "nobody") {
					t.Error("the program does not run as nobody")
				}
				if err := send(script.Process.Pid); err != nil {
					t.Fatal(err)
				}
				script.Wait()
				left := processes(t, script.Process.Pid)
				for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); left = processes(t, script.Process.Pid) {
					if folders, _ := filepath.Glob(script.temp + "/*"); len(left) == 0 && len(folders) == 0 {
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
				t.Errorf("these live on: %q", left)
			})
		}
	}
}

// runsAs tells whether a program of the group that has a sealed job runs as a user.
func runsAs(t *testing.T, group int, name string) bool {
	t.Helper()
	out, err := exec.Command("ps", "-eo", "pgid,user,args").Output()
	if err != nil {
		t.Skip("no ps")
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) == 4 && fields[0] == fmt.Sprint(group) && fields[1] == name && strings.HasSuffix(fields[3], "/job") {
			return true
		}
	}
	return false
}

// mute is a port that takes connections and says nothing; works is closed when
// the agent is there.
func mute(t *testing.T) (port int, works <-chan struct{}) {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	arrived := make(chan struct{})
	go func() {
		if conn, err := socket.Accept(); err == nil {
			close(arrived)
			t.Cleanup(func() { conn.Close() })
		}
	}()
	return socket.Addr().(*net.TCPAddr).Port, arrived
}

// A machine may fetch a program and not run it: a policy, another processor.
func TestAProgramThatDoesNotRunIsToldAsThat(t *testing.T) {
	t.Parallel()
	shop := openShop(t)
	given := shop.input(t, machine.Job{Host: "gis1.example.com"})
	content := []byte("\x7fELF\x02\x01\x01 of another processor")
	sum := sha256.Sum256(content)
	given.URL, given.SHA256 = secret.New(shop.URL+"/other?sig=of-the-day"), hex.EncodeToString(sum[:])
	shop.mu.Lock()
	shop.jobs["/other"] = content
	shop.mu.Unlock()
	script := newScript(t, given)
	exit := script.exitCode(t)
	if code, sentence := Complaint(script.stderr.String()); code != NotStarted || exit != exitCodes[NotStarted] || sentence == "" {
		t.Errorf("exit code %d: %s", exit, script.stderr.String())
	}
}

// wget says nothing when it is quiet.
func TestARefusedDownloadHasASentenceWhateverFetches(t *testing.T) {
	t.Parallel()
	shop := openShop(t)
	for _, tool := range []string{"curl", "wget"} {
		given := shop.input(t, machine.Job{Host: "gis1.example.com"})
		given.URL = secret.New(shop.URL + "/agent?sig=of-the-day-before")
		script := newScript(t, given, "PATH="+only(t, tool))
		script.exitCode(t)
		if code, sentence := Complaint(script.stderr.String()); code != DownloadRefused || len(sentence) < 10 {
			t.Errorf("%s: %q, %q", tool, code, sentence)
		}
	}
}

// processes are the argument lists of a process group, and what its members
// were given in their environments.
func processes(t *testing.T, group int) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		var state string
		var parent, its int
		fmt.Sscan(string(stat[bytes.LastIndexByte(stat, ')')+1:]), &state, &parent, &its)
		if its != group || state == "Z" {
			continue
		}
		line, err := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if err != nil {
			continue
		}
		// What the script itself was started with is Run Command's doing.
		if filepath.Base(filepath.Dir(file)) != fmt.Sprint(group) {
			environment, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "environ"))
			line = append(line, environment...)
		}
		lines = append(lines, string(line))
	}
	return lines
}
