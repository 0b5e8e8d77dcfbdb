package strangers

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// world is a running `cartouche sim ha` and what it has written to its
// directory.
type world struct {
	dir string
	env map[string]string // D/env
	description

	home string // of the strangers, and Cartouche's state
}

// description is what the tests use of world.json.
type description struct {
	Subscription struct{ ID, Name string }
	Deployments  []deployment
	New          struct{ SHA256 string }
}

type deployment struct {
	ID, Prefix, Domain, ResourceGroup, GatewayID string

	Machines []struct{ ID string }
}

func (d deployment) machineIDs() []string {
	var ids []string
	for _, machine := range d.Machines {
		ids = append(ids, machine.ID)
	}
	return ids
}

func (w *world) domain() string  { return w.Deployments[0].Domain }
func (w *world) gateway() string { return w.Deployments[0].GatewayID }
func (w *world) pfx() string     { return filepath.Join(w.dir, "new.pfx") }

// passwordFile holds the password of pfx.
func (w *world) passwordFile() string { return filepath.Join(w.dir, "new.pfx.password") }

// names are the variables that a stranger can count on.
var names = []string{
	"AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_SUBSCRIPTION_ID", "AZURE_TENANT_ID",
	"CARTOUCHE_PORTAL_PFX_PASSWORD", "CARTOUCHE_SERVER_PFX_PASSWORD",
	"CARTOUCHE_SERVICE_ACCOUNT", "CARTOUCHE_SERVICE_ACCOUNT_PASSWORD", "CARTOUCHE_SITE_ADMIN", "CARTOUCHE_SITE_ADMIN_PASSWORD",
	"CARTOUCHE_WORLD_PASSWORD", "CARTOUCHE_WORLD_USER",
	"HTTPS_PROXY", "HTTP_PROXY", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE",
}

// startWorld starts the world ha.
func startWorld(t *testing.T) *world {
	t.Helper()
	return startWorldNamed(t, "ha")
}

// startWorldNamed starts the simulator as a process and waits until it has
// written env. At the end of the test it is stopped as by Ctrl-C.
func startWorldNamed(t *testing.T, name string, flags ...string) *world {
	t.Helper()
	w := &world{dir: filepath.Join(t.TempDir(), "world"), home: t.TempDir()}
	cmd := exec.Command(program, append([]string{"sim", name, "--dir", w.dir}, flags...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.home}
	var output bytes.Buffer // both streams: os/exec writes one at a time
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { stop(t, cmd.Process, ended, w, &output) })

	env := filepath.Join(w.dir, "env")
	for began := time.Now(); !exists(env); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the simulator ended before it was ready: %v", err)
		default:
		}
		if time.Since(began) > 30*time.Second {
			t.Fatalf("the simulator has not written %s within 30 s", env)
		}
	}
	w.env = readEnv(t, env)
	if got := slices.Sorted(maps.Keys(w.env)); !slices.Equal(got, names) {
		t.Fatalf("env has %q, want %q", got, names)
	}
	if err := json.Unmarshal(readFile(t, filepath.Join(w.dir, "world.json")), &w.description); err != nil {
		t.Fatal(err)
	}
	return w
}

// stop sends Ctrl-C to the simulator, which must end in order.
func stop(t *testing.T, process *os.Process, ended <-chan error, w *world, output *bytes.Buffer) {
	_ = process.Signal(os.Interrupt) // an error when it has ended, which shows below
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the simulator ended with %v, want status 0:\n%s", err, output)
		}
	case <-time.After(10 * time.Second):
		_ = process.Kill()
		t.Errorf("the simulator did not end within 10 s of SIGINT:\n%s", output)
		return
	}
	for name, value := range w.secrets() {
		if strings.Contains(output.String(), value) {
			t.Errorf("%s came out in what the simulator wrote", name)
		}
	}
	if exists(filepath.Join(w.dir, "env")) {
		t.Error("env is still there after the simulator has ended, and would mislead")
	}
}

// secrets are the values that may not be seen anywhere, by name.
func (w *world) secrets() map[string]string {
	out := map[string]string{}
	for name, value := range w.env {
		if strings.HasSuffix(name, "_SECRET") || strings.HasSuffix(name, "_PASSWORD") {
			out[name] = value
		}
	}
	password, err := os.ReadFile(w.passwordFile())
	if err == nil {
		out["password of new.pfx"] = strings.TrimSpace(string(password))
	}
	return out
}

// plainLine is a line that means the same to a shell and to a program that
// splits at "=": nothing is quoted.
var plainLine = regexp.MustCompile(`^[A-Z_]+=[^\s'"\\$]+$`)

func readEnv(t *testing.T, path string) map[string]string {
	t.Helper()
	env := map[string]string{}
	for line := range strings.Lines(string(readFile(t, path))) {
		line = strings.TrimSuffix(line, "\n")
		if !plainLine.MatchString(line) {
			name, _, _ := strings.Cut(line, "=")
			t.Fatalf("env: the line of %q is no plain NAME=value", name)
		}
		name, value, _ := strings.Cut(line, "=")
		env[name] = value
	}
	return env
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
