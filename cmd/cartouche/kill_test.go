//go:build unix

package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

var (
	kills = flag.Int("kills", 4, "how often the program is killed, besides once in clean and once at machines")
	seed  = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the instants at which it is killed")
)

// site is what everything here is about: a name of the world ha.
const site = "maps.example.com"

// released is the program as people have it, built once.
var released = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "cartouche-killed-")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "cartouche")
	output, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, output)
	}
	return program, nil
})

// A lane is a world in a process of its own, and a person with a state directory.
type lane struct {
	program string
	dir     string
	env     []string
	proxy   string
	roots   *x509.CertPool
	world   *exec.Cmd

	// leaves are the fingerprints that clients may get.
	old, renewed string
	stop         chan struct{}
	watched      chan string
	count        int
	log          bytes.Buffer
}

// openLane starts a world and waits until it says that it answers.
func openLane(t *testing.T, name string) (*lane, error) {
	program, err := released()
	if err != nil {
		return nil, err
	}
	l := &lane{program: program, dir: filepath.Join(t.TempDir(), name), stop: make(chan struct{}), watched: make(chan string, 1)}
	l.world = exec.Command(program, "sim", "ha", "--dir", filepath.Join(l.dir, "world"), "--scale", "600", "--json")
	l.world.Stderr = &l.log
	out, err := l.world.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := l.world.Start(); err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		_ = l.world.Process.Signal(syscall.SIGTERM)
		_ = l.world.Wait()
	})
	var where struct{ Env, Proxy string }
	if err := json.NewDecoder(out).Decode(&where); err != nil {
		return nil, fmt.Errorf("the world does not answer: %w\n%s", err, l.log.String())
	}
	l.proxy = where.Proxy
	file, err := os.Open(where.Env)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	l.env = []string{"HOME=" + l.dir, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "CARTOUCHE_STATE_DIR=" + filepath.Join(l.dir, "state")}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), "=")
		l.env = append(l.env, name+"="+strings.Trim(value, "'"))
	}
	pem, err := os.ReadFile(filepath.Join(l.dir, "world", "ca.pem"))
	if err != nil {
		return nil, err
	}
	l.roots = x509.NewCertPool()
	l.roots.AppendCertsFromPEM(pem)
	if l.renewed, err = leafOf(l.file("new.pfx"), l.file("new.pfx.password")); err != nil {
		return nil, err
	}
	if l.old, err = l.served(); err != nil {
		return nil, err
	}
	if _, err := l.witness(http.MethodPost, "?leaf="+l.renewed); err != nil {
		return nil, err
	}
	go l.watch()
	return l, nil
}

// witness asks the observer that belongs to the world, who sees the instants that
// lie between two connections, too.
func (l *lane) witness(method, path string) (violations []string, err error) {
	through, err := url.Parse(l.proxy)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(method, "http://world.invalid/witness"+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := (&http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(through), DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var said struct{ Violations []string }
	err = json.NewDecoder(answer.Body).Decode(&said)
	if answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the witness answers %s", answer.Status)
	}
	return said.Violations, err
}

func (l *lane) file(name string) string { return filepath.Join(l.dir, "world", name) }

// leafOf is the fingerprint of the certificate in a .pfx file.
func leafOf(path, passwordPath string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	password, err := os.ReadFile(passwordPath)
	if err != nil {
		return "", err
	}
	_, leaf, _, err := pkcs12.DecodeChain(data, strings.TrimSpace(string(password)))
	if err != nil {
		return "", err
	}
	return fingerprint(leaf), nil
}

func fingerprint(leaf *x509.Certificate) string {
	sum := sha256.Sum256(leaf.Raw)
	return hex.EncodeToString(sum[:])
}

// served is what a client gets through the proxy, who insists on a valid chain.
func (l *lane) served() (string, error) {
	through, err := url.Parse(l.proxy)
	if err != nil {
		return "", err
	}
	conn, err := net.DialTimeout("tcp", through.Host, 5*time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "CONNECT %s:443 HTTP/1.1\r\nHost: %[1]s:443\r\n\r\n", site)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the proxy answers %s", answer.Status)
	}
	client := tls.Client(conn, &tls.Config{ServerName: site, RootCAs: l.roots})
	if err := client.Handshake(); err != nil {
		return "", err
	}
	return fingerprint(client.ConnectionState().PeerCertificates[0]), nil
}

// watch connects again and again, as clients do, until the lane ends. What they
// get must be the old or the new certificate at every instant.
func (l *lane) watch() {
	trouble := ""
	for {
		leaf, err := l.served()
		l.count++
		switch {
		case err != nil:
			trouble = "a client got no certificate: " + err.Error()
		case leaf != l.old && leaf != l.renewed:
			trouble = "a client got neither the old nor the new certificate but " + leaf
		}
		select {
		case <-l.stop:
			l.watched <- trouble
			return
		case <-time.After(50 * time.Millisecond):
			if trouble != "" {
				l.watched <- trouble
				return
			}
		}
	}
}

// unwatched ends the watch and tells what was wrong.
func (l *lane) unwatched() error {
	close(l.stop)
	if trouble := <-l.watched; trouble != "" {
		return errors.New(trouble)
	}
	violations, err := l.witness(http.MethodGet, "")
	if err == nil && len(violations) > 0 {
		err = fmt.Errorf("the world's witness saw: %s", strings.Join(violations, "; "))
	}
	return err
}

// heard collects what a process says, and tells when certain words were said.
type heard struct {
	mu    sync.Mutex
	text  bytes.Buffer
	words string
	once  sync.Once
	said  chan struct{}
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text.Write(p)
	if h.words != "" && strings.Contains(h.text.String(), h.words) {
		h.once.Do(func() { close(h.said) })
	}
	return len(p), nil
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// ended is how a process came to its end.
type ended struct {
	status int // -1 when it was killed
	stdout []byte
	stderr string
	took   time.Duration
}

// run runs a command. A signal is sent when words were said on stderr, or
// otherwise after a while; again tells whether it is sent a second time.
func (l *lane) run(at instant, args ...string) (ended, error) {
	var stdout bytes.Buffer
	stderr := &heard{words: at.words, said: make(chan struct{})}
	command := exec.Command(l.program, append(args, "--json")...)
	command.Env, command.Dir, command.Stdout, command.Stderr = l.env, l.dir, &stdout, stderr
	if at.setup != nil {
		at.setup(command)
	}
	began := time.Now()
	if err := command.Start(); err != nil {
		return ended{}, err
	}
	exited := make(chan error, 1)
	go func() { exited <- command.Wait() }()
	var after <-chan time.Time
	if at.signal != 0 && at.words == "" {
		after = time.After(at.after)
	}
	stuck := time.After(3 * time.Minute)
	for {
		select {
		case <-after:
			after = nil
			_ = command.Process.Signal(at.signal)
		case <-stderr.said:
			stderr.said = nil
			if at.signal != 0 {
				time.Sleep(at.after)
				_ = command.Process.Signal(at.signal)
			}
			if at.twice {
				for len(exited) == 0 && !strings.Contains(stderr.String(), "interrupted") {
					time.Sleep(time.Millisecond)
				}
				_ = command.Process.Signal(at.signal)
			}
		case <-exited:
			return ended{command.ProcessState.ExitCode(), stdout.Bytes(), stderr.String(), time.Since(began)}, nil
		case <-stuck:
			_ = command.Process.Kill()
			return ended{}, fmt.Errorf("cartouche %s does not end:\n%s", strings.Join(args, " "), stderr)
		}
	}
}

// instant is when a signal is sent.
type instant struct {
	signal syscall.Signal
	// words on stderr, or else a time after the start; both: a time after the words.
	words string
	after time.Duration
	twice bool
	setup func(*exec.Cmd)
}

func (i instant) String() string {
	if i.words != "" {
		return fmt.Sprintf("%s after %q", i.after, i.words)
	}
	return i.after.String()
}

var apply = []string{"apply", site, "--pfx", "world/new.pfx", "--password-file", "world/new.pfx.password", "--yes"}

// history is what the journal says.
func (l *lane) history() ([]kept, error) {
	end, err := l.run(instant{}, "history")
	if err != nil || end.status != 0 {
		return nil, fmt.Errorf("history: status %d, %v\n%s", end.status, err, end.stderr)
	}
	var runs []kept
	return runs, json.Unmarshal(end.stdout, &runs)
}

type kept struct{ ID, Outcome string }

// killed runs a command, kills it, runs the same again, and holds what that says
// against what clients get.
func (l *lane) killed(at instant, want string, args ...string) error {
	first, err := l.run(at, args...)
	if err != nil {
		return err
	}
	if _, err := l.served(); err != nil {
		return fmt.Errorf("after the kill clients get nothing: %w", err)
	}
	runs, err := l.history()
	if err != nil {
		return fmt.Errorf("after the kill: %w", err)
	}
	var inDoubt []string
	for _, run := range runs {
		if run.Outcome == "in doubt" {
			inDoubt = append(inDoubt, run.ID)
		}
	}
	if first.status >= 0 && len(inDoubt) > 0 {
		return fmt.Errorf("it ended by itself with %d and is in doubt all the same", first.status)
	}
	again, err := l.run(instant{}, args...)
	if err != nil {
		return err
	}
	var result struct {
		Outcome string
		Error   *struct{ Message string }
	}
	if err := json.Unmarshal(again.stdout, &result); err != nil {
		return fmt.Errorf("again: status %d, %w\n%s%s", again.status, err, again.stdout, again.stderr)
	}
	if again.status != 0 || !slices.Contains([]string{"verified", "nothing-to-do", "cleaned"}, result.Outcome) {
		return fmt.Errorf("again: status %d, %s (%+v)\n%s\nthe killed run said:\n%s", again.status, result.Outcome, result.Error, again.stderr, first.stderr)
	}
	for _, id := range inDoubt {
		if !strings.Contains(again.stderr, id) || !strings.Contains(again.stderr, "has no end") || !strings.Contains(again.stderr, "is written down as") {
			return fmt.Errorf("again: it does not say what it found of run %s:\n%s", id, again.stderr)
		}
	}
	if leaf, err := l.served(); err != nil || leaf != want {
		return fmt.Errorf("again: %s is said and clients get %s, want %s (%v)", result.Outcome, leaf, want, err)
	}
	runs, err = l.history()
	if err != nil {
		return err
	}
	for _, run := range runs {
		if run.Outcome == "in doubt" {
			return fmt.Errorf("run %s is in doubt for ever", run.ID)
		}
	}
	return nil
}

// words are moments of a run that are over too soon to be met by chance.
var moments = []string{"writing to the gateway", "took the change", "carried the change out", "handshakes in look 1", "all with the expected certificate"}

// TestKilled kills the program while it renews a certificate, and while it takes
// that back, at instants that are spread over the whole run. Whatever it was
// doing, clients get the old or the new certificate all the time, and the same
// command again says what it found and finishes.
func TestKilled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills processes for a quarter of a minute")
	}
	t.Logf("seed %d; again: go test ./cmd/cartouche -run TestKilled -seed %[1]d -kills %d", *seed, *kills)
	side := min(5, (*kills+1)/2) // lanes side by side: they mostly wait, but their worlds cost
	var group sync.WaitGroup
	var mu sync.Mutex
	inTheMiddle, done, others := 0, 0, 0
	for n := range side {
		share := *kills / side
		if n < *kills%side {
			share++
		}
		random := rand.New(rand.NewPCG(*seed, uint64(n)))
		group.Go(func() {
			l, err := openLane(t, fmt.Sprint("lane", n))
			if err != nil {
				t.Error(err)
				return
			}
			for i := range share {
				args, want := apply, l.renewed
				if i%2 == 1 {
					args, want = []string{"undo", "--yes"}, l.old
				}
				at := instant{signal: syscall.SIGKILL, after: time.Duration(random.Int64N(int64(5 * time.Second)))}
				if random.IntN(3) > 0 {
					at.words, at.after = moments[random.IntN(len(moments))], time.Duration(random.Int64N(int64(300*time.Millisecond)))
				}
				if err := l.killed(at, want, args...); err != nil {
					t.Errorf("lane %d, kill %d of %s (%s): %v", n, i+1, args[0], at, err)
					break
				}
				mu.Lock()
				done++
				mu.Unlock()
			}
			if err := l.unwatched(); err != nil {
				t.Errorf("lane %d: %v", n, err)
			}
			mu.Lock()
			inTheMiddle += l.count
			mu.Unlock()
		})
	}
	more := []func(*lane, *rand.Rand) error{cleanKilled, insideKilled}
	for n, lane := range more {
		group.Go(func() {
			l, err := openLane(t, fmt.Sprint("more", n))
			if err == nil {
				err = lane(l, rand.New(rand.NewPCG(*seed, uint64(side+n))))
			}
			if err == nil {
				err = l.unwatched()
			}
			if err != nil {
				t.Errorf("lane more%d: %v", n, err)
				return
			}
			mu.Lock()
			others++
			mu.Unlock()
		})
	}
	group.Wait()
	t.Logf("of clean and of a replacement at machines: %d of %d kills survived", others, len(more))
	t.Logf("%d of %d kills survived, %d handshakes of clients meanwhile", done, *kills, inTheMiddle)
}

// cleanKilled kills clean when the gateway has taken its write, or before.
func cleanKilled(l *lane, random *rand.Rand) error {
	if end, err := l.run(instant{}, apply...); err != nil || end.status != 0 {
		return fmt.Errorf("apply: %d, %v\n%s", end.status, err, end.stderr)
	}
	if _, err := l.witness(http.MethodPost, "/clean"); err != nil {
		return err
	}
	at := instant{signal: syscall.SIGKILL, words: `"phase":"clean"`, after: time.Duration(random.Int64N(int64(300 * time.Millisecond)))}
	return l.killed(at, l.renewed, "clean", site, "--soak", "0", "--yes")
}

// insideKilled kills a replacement of the machines' certificates while they are
// prepared. To finish it takes minutes, since the gateway drains each machine as
// it is set to; so the next command only has to say what it finds. What a run at
// machines does after it was cut off at every request is in package matrix.
func insideKilled(l *lane, random *rand.Rand) error {
	env, err := os.Open(l.file("env-inside"))
	if err != nil {
		return err
	}
	defer env.Close()
	for lines := bufio.NewScanner(env); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), "=")
		l.env = append(l.env, name+"="+strings.Trim(value, "'"))
	}
	at := instant{signal: syscall.SIGKILL, words: `"phase":"prepare"`, after: time.Duration(random.Int64N(int64(200 * time.Millisecond)))}
	if _, err := l.run(at, "apply", site, "--internal", "issue", "--reach", "direct", "--yes"); err != nil {
		return err
	}
	runs, err := l.history()
	if err != nil || len(runs) == 0 || runs[0].Outcome != "in doubt" {
		return fmt.Errorf("history: %v, %v; want the run in doubt", runs, err)
	}
	end, err := l.run(instant{}, "plan", site, "--internal", "issue", "--reach", "direct")
	if err != nil || end.status != 0 || !strings.Contains(end.stderr, "has no end") {
		return fmt.Errorf("plan: status %d, %v\n%s", end.status, err, end.stderr)
	}
	if runs, err = l.history(); err != nil || !strings.HasPrefix(runs[0].Outcome, "found: ") || runs[0].Outcome == "found: verified" {
		return fmt.Errorf("history: %v, %v; want the run found, and not verified", runs, err)
	}
	return nil
}
