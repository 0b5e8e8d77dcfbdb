package cli_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// The canaries fly in processes of their own: only there a temporary directory,
// an argument or the environment of a child is the program's alone.
const (
	asProgram = "CARTOUCHE_TEST_PROGRAM"  // any value: be the program, not its tests
	keychain  = "CARTOUCHE_TEST_KEYCHAIN" // the file that stands for the keychain
	panicking = "CARTOUCHE_TEST_PANIC"    // the password that is typed, and panicked with
	leaking   = "CARTOUCHE_TEST_LEAK"     // the secret that is leaked on purpose, in the way of the first argument
)

// program is cmd/cartouche with less patience, a keychain in a file and a umask
// that hides nothing.
func program() int {
	withoutUmask()
	worldtest.Cheap()
	if value := os.Getenv(leaking); value != "" {
		return leak(os.Args[1], value)
	}
	interrupts := make(chan os.Signal, 2)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	env := cli.Environment{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Lookup: os.Getenv, Interrupts: interrupts,
		Patience: rotation.Patience{
			Write: 30 * time.Second, Proof: 10 * time.Second, Recovery: 20 * time.Second,
			Interval: 30 * time.Millisecond, Backoff: 50 * time.Millisecond, Rounds: 2, Drain: 30 * time.Millisecond, Restart: 10 * time.Second,
		},
		MachinePatience: rollout.Patience{
			Restart: 10 * time.Second, Interval: 30 * time.Millisecond, Backends: 10 * time.Second, Recovery: 20 * time.Second, Drain: 30 * time.Millisecond,
		},
		PollInterval: 50 * time.Millisecond, Keys: worldtest.RSAKeys, Version: "v0.0.0-test",
		// Whoever opens a browser hands it an address, which others may see.
		OpenBrowser: func(_ context.Context, address string) error { return fmt.Errorf("no browser for %s", address) },
	}
	if file := os.Getenv(keychain); file != "" {
		env.Keychain = fileKeychain(file)
	}
	if password := os.Getenv(panicking); password != "" {
		env.StdinIsTerminal = true
		env.ReadPassword = func(context.Context, string) (secret.Secret, error) { panic(errors.New("not " + password)) }
	}
	return cli.Run(context.Background(), env)
}

// fileKeychain stands for what the operating system keeps.
type fileKeychain string

func (f fileKeychain) read() map[string]string {
	entries := map[string]string{}
	if data, err := os.ReadFile(string(f)); err == nil {
		_ = json.Unmarshal(data, &entries)
	}
	return entries
}

func (f fileKeychain) write(entries map[string]string) error {
	data, err := json.Marshal(entries)
	if err != nil {
		return err
	}
	return os.WriteFile(string(f), data, 0o600)
}

func (f fileKeychain) Get(set, name string) (string, error) {
	value, kept := f.read()[set+"\n"+name]
	if !kept {
		return "", account.ErrNotKept
	}
	return value, nil
}

func (f fileKeychain) Set(set, name, value string) error {
	entries := f.read()
	entries[set+"\n"+name] = value
	return f.write(entries)
}

func (f fileKeychain) Delete(set, name string) error {
	entries := f.read()
	delete(entries, set+"\n"+name)
	return f.write(entries)
}

func (f fileKeychain) DeleteAll(set string) error {
	entries := f.read()
	for key := range entries {
		if strings.HasPrefix(key, set+"\n") {
			delete(entries, key)
		}
	}
	return f.write(entries)
}

// watched is what others on the computer could see of a process while it ran.
type watched struct {
	arguments map[string]bool   // of it and of those it started
	inherited map[string]bool   // the environment of those it started
	files     map[string]string // what was in its temporary directory, whenever
	open      map[string]bool   // files and directories there that others may read

	parents map[string]string // of every process on the computer, as it was when it was first seen
}

// watch looks at a process and its temporary directory again and again until
// done is closed. Arguments and environment are those of proc(5).
func watch(process int, temporary string, done <-chan struct{}) *watched {
	w := &watched{arguments: map[string]bool{}, inherited: map[string]bool{}, files: map[string]string{}, open: map[string]bool{}}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		w.processes(process)
		w.directory(temporary)
		select {
		case <-done:
			w.directory(temporary)
			return w
		case <-tick.C:
		}
	}
}

// processes looks at one and at all that come from it.
func (w *watched) processes(first int) {
	parents := map[string]string{}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range all {
		process := filepath.Base(folder)
		if parents[process] = w.parents[process]; parents[process] != "" {
			continue
		}
		stat, _ := os.ReadFile(folder + "/stat")
		// The name, in brackets, may hold anything; after it come state and parent.
		if fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])); len(fields) > 1 {
			parents[process] = fields[1]
		}
	}
	w.parents = parents
	own, _ := os.ReadFile("/proc/" + strconv.Itoa(first) + "/cmdline")
	for process := range parents {
		folder, depth := "/proc/"+process, 0
		for at := process; at != strconv.Itoa(first); at = parents[at] {
			if depth++; parents[at] == "" || depth > 50 {
				folder = "" // of somebody else
				break
			}
		}
		if folder == "" {
			continue
		}
		line, err := os.ReadFile(folder + "/cmdline")
		if err == nil {
			w.arguments[string(line)] = true
		}
		if bytes.Equal(line, own) {
			continue // the first itself, or a child that is not yet another program: it has the first's own memory
		}
		if environment, err := os.ReadFile(folder + "/environ"); err == nil && depth > 0 {
			w.inherited[withoutProxy(string(environment))] = true
		}
	}
}

func (w *watched) directory(root string) {
	closed := "\x00" // a directory that nobody else enters
	_ = filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || path == root {
			return nil // gone meanwhile
		}
		info, err := entry.Info()
		if err != nil {
			return nil
		}
		switch open := info.Mode().Perm()&0o077 != 0; {
		case strings.HasPrefix(path, closed):
		case entry.IsDir() && !open:
			closed = path + "/"
		case open && info.Mode()&os.ModeSymlink == 0:
			w.open[fmt.Sprint(info.Mode(), " ", path)] = true
		}
		if info.Mode().IsRegular() {
			if content, err := os.ReadFile(path); err == nil && len(content) >= len(w.files[path]) {
				w.files[path] = string(content)
			}
		}
		return nil
	})
}

// withoutProxy leaves out what all programs of a computer are told, password and all.
func withoutProxy(environment string) string {
	variables := strings.Split(environment, "\x00")
	return strings.Join(slices.DeleteFunc(variables, func(v string) bool { return strings.HasPrefix(v, "HTTP") && strings.Contains(v, "_PROXY=") }), "\n")
}

// leakWays are the ways of [leak], with where the secret is found.
var leakWays = map[string]string{
	"stdout":      "stdout of",
	"stderr":      "stderr of",
	"argument":    "arguments of a process",
	"environment": "environment of a process",
	"temporary":   "the temporary file",
	"state":       "the file",
	"address":     "the address of GET management.azure.com",
	"header":      "X-Canary of GET management.azure.com",
	"document":    "the body of PUT management.azure.com",
	"parameter":   "the body of PUT management.azure.com",
}

// leak gives a secret away, as a mistake in the program would, and ends well.
func leak(way, value string) int {
	send := func(method, address, body, header string) error {
		network, err := egress.FromEnvironment(os.Getenv)
		if err != nil {
			return err
		}
		request, err := http.NewRequest(method, "https://management.azure.com/subscriptions/"+address, strings.NewReader(body))
		if err != nil {
			return err
		}
		request.Header.Set("X-Canary", header)
		answer, err := network.HTTPClient(10 * time.Second).Do(request)
		if err == nil {
			answer.Body.Close()
		}
		return err
	}
	wide := strings.Join(strings.Split(value, ""), "\x00") + "\x00"
	err := map[string]func() error{
		"stdout":   func() error { _, err := fmt.Println("it is", hex.EncodeToString([]byte(value))); return err },
		"stderr":   func() error { _, err := fmt.Fprintln(os.Stderr, "in UTF-16:", wide); return err },
		"argument": func() error { return exec.Command("sh", "-c", "sleep 0.2", value).Run() },
		"environment": func() error {
			child := exec.Command("sleep", "0.2")
			child.Env = []string{"PASSWORD=" + value}
			return child.Run()
		},
		"temporary": func() error {
			file, err := os.CreateTemp("", "")
			if err != nil {
				return err
			}
			defer os.Remove(file.Name())
			_, err = file.WriteString("{\"password\":\"" + base64.StdEncoding.EncodeToString([]byte("x:"+value)) + "\"}")
			time.Sleep(200 * time.Millisecond)
			return errors.Join(err, file.Close())
		},
		"state":   func() error { return os.WriteFile(os.Getenv("CARTOUCHE_STATE_DIR")+"/note", []byte(value), 0o600) },
		"address": func() error { return send("GET", url.PathEscape(value), "", "") },
		"header":  func() error { return send("GET", "x", "", base64.StdEncoding.EncodeToString([]byte(value))) },
		"document": func() error {
			body, _ := json.Marshal(map[string]any{"tags": map[string]string{"note": value}})
			return send("PUT", "x", string(body), "")
		},
		"parameter": func() error {
			body, _ := json.Marshal(map[string]any{"properties": map[string]any{"parameters": []any{map[string]string{"name": "password", "value": value}}}})
			return send("PUT", "x", string(body), "")
		},
	}[way]()
	if err != nil {
		fmt.Fprintln(os.Stderr, way, "failed")
		return 1
	}
	return 0
}
