package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cli"
)

// served is `cartouche serve` that runs, with a person at its terminal.
type served struct {
	opened chan string // addresses, as the browser gets them
	enter  *io.PipeWriter
	stop   context.CancelFunc
	status chan int
	out    *lockedBuffer
	err    *lockedBuffer
}

// lockedBuffer is written by the program while the test reads.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func serve(t *testing.T, args ...string) *served {
	t.Helper()
	typed, enter := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	s := &served{opened: make(chan string, 4), enter: enter, stop: stop, status: make(chan int, 1), out: &lockedBuffer{}, err: &lockedBuffer{}}
	state := t.TempDir()
	env := cli.Environment{
		Args: append([]string{"serve"}, args...), Stdin: typed, StdinIsTerminal: true, Stdout: s.out, Stderr: s.err,
		Lookup: func(name string) string {
			return map[string]string{"CARTOUCHE_STATE_DIR": state, "LANG": "C.UTF-8"}[name]
		},
		OpenBrowser: func(_ context.Context, address string) error {
			s.opened <- address
			return nil
		},
	}
	go func() { s.status <- cli.Run(ctx, env) }()
	t.Cleanup(stop)
	return s
}

// address is the next one that the browser gets, by its number: not every
// computer's resolver knows names under localhost, as browsers do.
func (s *served) address(t *testing.T) *url.URL {
	t.Helper()
	select {
	case text := <-s.opened:
		address, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(address.Hostname(), ".localhost") && address.Hostname() != "127.0.0.1" {
			t.Errorf("address %s", address)
		}
		address.Host = "127.0.0.1:" + address.Port()
		return address
	case status := <-s.status:
		t.Fatalf("ended with %d: %s", status, s.err)
	case <-time.After(time.Minute):
		t.Fatalf("no address: %s %s", s.out, s.err)
	}
	return nil
}

func (s *served) ends(t *testing.T, want int) {
	t.Helper()
	select {
	case status := <-s.status:
		if status != want {
			t.Errorf("status %d, want %d: %s", status, want, s.err)
		}
	case <-time.After(time.Minute):
		t.Fatalf("it did not end: %s", s.err)
	}
}

func TestServeLetsInWhoHasTheAddress(t *testing.T) {
	t.Parallel()
	s := serve(t, "--world", "single")
	first := s.address(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	person, stranger := &http.Client{Jar: jar}, &http.Client{}
	status := func(client *http.Client, address string) (int, string) {
		answer, err := client.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	if got, body := status(person, first.String()); got == http.StatusUnauthorized || got == http.StatusForbidden {
		t.Errorf("the person is not let in: %d %s", got, body)
	}
	if got, body := status(stranger, first.String()); got != http.StatusForbidden || !strings.Contains(body, "not good any more") {
		t.Errorf("the address was good twice: %d %s", got, body)
	}
	base := "http://" + first.Host
	if got, body := status(stranger, base+"/"); got != http.StatusUnauthorized || !strings.Contains(body, "press Enter") {
		t.Errorf("a stranger: %d %s", got, body)
	}
	if _, err := io.WriteString(s.enter, "\n"); err != nil {
		t.Fatal(err)
	}
	second := s.address(t)
	if second.String() == first.String() {
		t.Error("Enter opens the same address again")
	}
	if got, _ := status(&http.Client{Jar: jar}, second.String()); got == http.StatusForbidden {
		t.Error("the new address is not good")
	}
	s.stop()
	s.ends(t, 0)
	if _, err := stranger.Get(base + "/"); err == nil {
		t.Error("it still answers")
	}
	for _, want := range []string{"The pages are open", "single", first.Query().Get("token")} {
		if !strings.Contains(s.out.String(), want) {
			t.Errorf("%q is not said:\n%s", want, s.out)
		}
	}
	if strings.Contains(s.err.String(), "token=") {
		t.Errorf("a token among the messages:\n%s", s.err)
	}
}

func TestServeJSON(t *testing.T) {
	t.Parallel()
	s := serve(t, "--json")
	address := s.address(t)
	s.stop()
	s.ends(t, 0)
	var value struct {
		Address string
		Port    int
		World   *string
	}
	if err := json.Unmarshal([]byte(s.out.String()), &value); err != nil {
		t.Fatalf("%v: %s", err, s.out)
	}
	if value.World != nil || !strings.HasSuffix(value.Address, "?"+address.RawQuery) {
		t.Errorf("value %+v", value)
	}
}

func TestServeRefuses(t *testing.T) {
	t.Parallel()
	taken := serve(t)
	port := taken.address(t).Port()
	for _, c := range []struct{ args, says string }{
		{"--port " + port, "another program listens on port " + port},
		{"--port 70000", "no port 70000"},
		{"--idle 1s", "between a minute and a day"},
		{"--fault wrong-leaf@edge", "add --world"},
		{"--sign-key serve_test.go", "neither a private key of SSH"},
		{"--world atlantis", "atlantis"},
		{"--world single --fault nothing", "nothing"},
		{"extra", "extra"},
	} {
		status, _, stderr := run(t, nil, append([]string{"serve", "--no-browser"}, strings.Fields(c.args)...)...)
		if status != 2 || !strings.Contains(stderr, c.says) {
			t.Errorf("serve %s: status %d, %q is not in %s", c.args, status, c.says, stderr)
		}
	}
	taken.stop()
	taken.ends(t, 0)
}

// TestServeLeavesNothing: the world's memory goes with the world.
func TestServeLeavesNothing(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	s := serve(t, "--world", "single")
	s.address(t)
	s.stop()
	s.ends(t, 0)
	left, err := os.ReadDir(temporary)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range left {
		t.Errorf("%s is left", file.Name())
	}
}
