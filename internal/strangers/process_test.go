package strangers

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// limit is for any single call of a stranger; all are much faster.
const limit = 45 * time.Second

// result is what a program has left.
type result struct {
	command string
	status  int // -1 when a signal ended it
	stdout  []byte
	stderr  []byte
}

// command is a program with the world's environment and nothing else of this
// machine's but where programs are. No secret may be among its arguments,
// which everybody on a machine can read.
func (w *world) command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	for _, arg := range args {
		for secret, value := range w.secrets() {
			if strings.Contains(arg, value) {
				t.Fatalf("%s is an argument of %s", secret, name)
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = 5 * time.Second // for children that keep the streams open
	cmd.Dir = w.home
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.home,
		"AZURE_CONFIG_DIR=" + filepath.Join(w.home, "azure"), "CARTOUCHE_STATE_DIR=" + w.stateDir(),
	}
	for name, value := range w.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// stateDir is where Cartouche keeps its journal.
func (w *world) stateDir() string { return filepath.Join(w.home, "state") }

// run runs a program to its end, whatever that is.
func (w *world) run(t *testing.T, name string, args ...string) result {
	t.Helper()
	return w.start(t, name, args...).wait(t)
}

// process is a program that runs.
type process struct {
	world  *world
	cmd    *exec.Cmd
	stdout bytes.Buffer // to be read when ended is closed
	stderr words
	ended  chan struct{}
}

// words is what a running program has written so far.
type words struct {
	mu   sync.Mutex
	text []byte
}

func (w *words) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, text...)
	return len(text), nil
}

func (w *words) bytes() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.text)
}

func (w *world) start(t *testing.T, name string, args ...string) *process {
	t.Helper()
	p := &process{world: w, cmd: w.command(t, name, args...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the status tells
		close(p.ended)
	}()
	return p
}

// waitFor waits until the program says something on stderr.
func (p *process) waitFor(t *testing.T, text string) {
	t.Helper()
	for !bytes.Contains(p.stderr.bytes(), []byte(text)) {
		select {
		case <-p.ended:
			t.Fatalf("%s ended without saying %q:\n%s", p.cmd, text, p.stderr.bytes())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func (p *process) signal(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// wait waits for the program's end, and looks for secrets in what it has
// written.
func (p *process) wait(t *testing.T) result {
	t.Helper()
	<-p.ended
	r := result{strings.Join(p.cmd.Args, " "), p.cmd.ProcessState.ExitCode(), p.stdout.Bytes(), p.stderr.bytes()}
	for name, value := range p.world.secrets() {
		if bytes.Contains(r.stdout, []byte(value)) || bytes.Contains(r.stderr, []byte(value)) {
			t.Errorf("%s came out in what %q wrote", name, r.command)
		}
	}
	return r
}

// ends fails the test unless the program has ended with this status.
func (r result) ends(t *testing.T, status int) result {
	t.Helper()
	if r.status != status {
		t.Fatalf("%s: status %d, want %d\n%s\n%s", r.command, r.status, status, r.stdout, r.stderr)
	}
	return r
}

// reads decodes the one JSON value on stdout.
func reads[T any](t *testing.T, r result) T {
	t.Helper()
	var value T
	if err := json.Unmarshal(r.stdout, &value); err != nil {
		t.Fatalf("%s: %s in:\n%s\n%s", r.command, err, r.stdout, r.stderr)
	}
	return value
}
