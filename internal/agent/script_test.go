package agent

import (
	"bytes"
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
	"syscall"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

const password = "hunter2-of-the-site-administrator"

// shop is where the program is fetched.
type shop struct {
	*httptest.Server
	program Program
	answer  http.HandlerFunc
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
	s.answer = func(w http.ResponseWriter, r *http.Request) {
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

func input(t *testing.T, job machine.Job) secret.Secret {
	t.Helper()
	job.Format, job.Password = machine.Format, secret.New(password)
	encoded, err := machine.Encode(job)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// script is a run of the script as Run Command starts it.
type script struct {
	*exec.Cmd
	temp           string
	stdout, stderr bytes.Buffer
}

func newScript(t *testing.T, url, sha256 string, input secret.Secret, environment ...string) *script {
	t.Helper()
	s := &script{temp: t.TempDir()}
	file := filepath.Join(t.TempDir(), "script.sh")
	if err := os.WriteFile(file, []byte(Script("linux")), 0o700); err != nil {
		t.Fatal(err)
	}
	s.Cmd = exec.Command(file)
	s.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + s.temp, "HOME=" + s.temp}, environment...)
	parameters, err := Parameters("linux", secret.New(url), sha256, input)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range parameters {
		s.Env = append(s.Env, name+"="+value.Reveal())
	}
	s.Stdout, s.Stderr = &s.stdout, &s.stderr
	s.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	t.Cleanup(func() {
		if left, _ := filepath.Glob(filepath.Join(s.temp, "*")); len(left) != 0 {
			t.Errorf("left behind: %q", left)
		}
		for _, stream := range []string{s.stdout.String(), s.stderr.String()} {
			if strings.Contains(stream, password) || strings.Contains(stream, "of-the-day") {
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
			script := newScript(t, shop.url(), shop.program.SHA256, input(t, machine.Job{Host: "gis1.example.com"}), "PATH="+only(t, tool))
			if code := script.exitCode(t); code != 0 {
				t.Fatalf("exit code %d: %s", code, script.stderr.String())
			}
			report, err := machine.DecodeReport(script.stdout.Bytes())
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
	for _, name := range []string{tool, "sh", "mktemp", "chmod", "rm", "sha256sum", "head", "tr", "wc"} {
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
	job := input(t, machine.Job{Host: "gis1.example.com"})
	for _, c := range []struct {
		name, url, sha256 string
		input             secret.Secret
		want              string
		about             string // is in the sentence
	}{
		{"expired", shop.URL + "/agent?sig=of-the-day-before", shop.program.SHA256, job, DownloadRefused, "403"},
		{"nobody there", "http://127.0.0.1:1/agent", shop.program.SHA256, job, DownloadRefused, "127.0.0.1"},
		{"another program", shop.url(), strings.Repeat("0", 64), job, HashDiffers, shop.program.SHA256},
		{"no input", shop.url(), shop.program.SHA256, secret.Secret{}, NoParameters, "agent_input"},
		{"no job", shop.url(), shop.program.SHA256, secret.New("nonsense"), BadJob, "base64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			script := newScript(t, c.url, c.sha256, c.input)
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
	job := input(t, machine.Job{Host: "gis1.example.com"})
	for _, tool := range []string{"curl", "wget"} {
		script := newScript(t, shop.url(), shop.program.SHA256, job, "PATH="+only(t, tool))
		// A file of more than so many blocks cannot be written; a signal about it is ignored.
		script.Path, script.Args = "/bin/sh", []string{"sh", "-c", `trap '' XFSZ; ulimit -f 100; "$0"`, script.Path}
		exit := script.exitCode(t)
		if code, _ := Complaint(script.stderr.String()); code != DiskFull || exit != exitCodes[DiskFull] {
			t.Errorf("%s: exit code %d: %s", tool, exit, script.stderr.String())
		}
	}
	script := newScript(t, shop.url(), shop.program.SHA256, job)
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
	job := input(t, machine.Job{Host: "127.0.0.1", Components: []machine.Component{{Product: machine.GeoEvent, Port: port}}})
	fetched := make(chan struct{})
	var script *script
	look := func(when string) int {
		looked := 0
		for _, line := range processes(t, script.Process.Pid) {
			looked++
			for _, hidden := range []string{job.Reveal(), "of-the-day", password} {
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
		close(fetched)
	}
	script = newScript(t, shop.url(), shop.program.SHA256, job)
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
			job := input(t, machine.Job{Host: "127.0.0.1", Components: []machine.Component{{Product: machine.GeoEvent, Port: port}}})
			script := newScript(t, shop.url(), shop.program.SHA256, job)
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
			if _, err := machine.DecodeReport(script.stdout.Bytes()); err != nil {
				t.Errorf("what became of the job is not said: %v", err)
			}
			if left := processes(t, script.Process.Pid); len(left) != 0 {
				t.Errorf("these live on: %q", left)
			}
		})
	}
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

// processes are the argument lists of a process group.
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
		if line, err := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline")); err == nil {
			lines = append(lines, string(line))
		}
	}
	return lines
}
