package cli_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/hostile"
	"github.com/cartouche-gis/cartouche/internal/sim/visitor"
)

// stage is what a script plays on: a world, and what is typed next.
type stage struct {
	seen    *transcript
	journal string

	world *sim.World
	// hostile says that names in the world are out to do harm.
	hostile bool
	old     *x509.Certificate
	noted   map[string]*x509.Certificate
	status  int

	answer, stdin string
	passwords     []string
	interrupt     string
	silent        bool
	terminal      bool // for good
	times         int  // how often Ctrl-C is pressed

	keychain account.Keychain
	person   *visitor.Browser
	// meanwhile is what happens when stderr has these words.
	meanwhile     func()
	meanwhileWhen string
}

type stageKey struct{}

func onStage(ts *testscript.TestScript) *stage { return ts.Value(stageKey{}).(*stage) }

// quick is the patience of tests: the same number of looks as it takes, sooner.
var quick = rotation.Patience{
	Write: 30 * time.Second, Proof: 10 * time.Second, Recovery: 40 * time.Second,
	Interval: 30 * time.Millisecond, Backoff: 50 * time.Millisecond, Rounds: 3, Drain: 30 * time.Millisecond, Restart: 10 * time.Second,
}

var quickAtMachines = rollout.Patience{
	Restart: 10 * time.Second, Interval: 30 * time.Millisecond, Backends: 10 * time.Second, Recovery: 40 * time.Second, Drain: 30 * time.Millisecond,
}

func runCartouche(ts *testscript.TestScript, neg bool, args []string) {
	s := onStage(ts)
	interrupts := make(chan os.Signal, 2)
	stdout := &stream{}
	stderr := &stream{hooks: []*hook{{words: s.interrupt, then: func() {
		for range s.times {
			interrupts <- os.Interrupt
		}
	}}, {words: s.meanwhileWhen, then: s.meanwhile}}}
	env := cli.Environment{
		Args: args, Stdin: strings.NewReader(s.answer + s.stdin), StdinIsTerminal: s.answer != "" || s.passwords != nil,
		StdoutIsTerminal: s.terminal, StderrIsTerminal: s.terminal,
		Stdout: stdout, Stderr: stderr,
		Keychain: s.keychain,
		Lookup:   ts.Getenv, Interrupts: interrupts, Patience: quick, Keys: worldtest.RSAKeys, MachinePatience: quickAtMachines, PollInterval: 100 * time.Millisecond, Version: "v0.0.0-test",
	}
	if typed, silent := s.passwords, s.silent; typed != nil {
		env.ReadPassword = func(ctx context.Context, prompt string) (secret.Secret, error) {
			_, _ = io.WriteString(stderr, prompt+"\n")
			if len(typed) == 1 && silent {
				<-ctx.Done()
				return secret.Secret{}, ctx.Err()
			}
			word := typed[0]
			typed = typed[min(1, len(typed)-1):]
			return secret.New(word), nil
		}
	}
	if s.silent {
		env.Stdin, env.StdinIsTerminal = io.MultiReader(strings.NewReader(s.answer), blocked{}), true
	}
	if s.person != nil {
		s.watch(&env, stderr)
	}
	s.answer, s.stdin, s.passwords, s.interrupt, s.silent, s.meanwhileWhen = "", "", nil, "", false, ""
	s.status = cli.Run(context.Background(), env)

	memory, err := os.ReadFile(s.journal)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		ts.Fatalf("read the journal: %v", err)
	}
	wal, _ := os.ReadFile(s.journal + "-wal")
	for _, hook := range stderr.hooks[:2] {
		if hook.words != "" && !hook.done {
			ts.Logf("%s", stderr.String())
			ts.Fatalf("stderr never had the words %q", hook.words)
		}
	}
	remembered, _ := os.ReadFile(filepath.Join(filepath.Dir(s.journal), "account.json"))
	s.seen.add([]byte(stdout.String()), []byte(stderr.String()), memory, wal, remembered)
	_, _ = io.WriteString(ts.Stdout(), stdout.String())
	_, _ = io.WriteString(ts.Stderr(), stderr.String())
	if s.hostile {
		harmless(ts, slices.Contains(args, "--json"), stdout.String(), stderr.String())
	}
	switch {
	case neg && s.status == 0:
		ts.Fatalf("unexpected success")
	case !neg && s.status != 0:
		ts.Fatalf("exit status %d", s.status)
	}
}

// harmless holds that no name of a world acts where it is written.
func harmless(ts *testscript.TestScript, isJSON bool, stdout, stderr string) {
	ts.Check(hostile.InTerminal([]byte(stderr)))
	ts.Check(hostile.InTerminal([]byte(stdout)))
	if isJSON {
		ts.Check(hostile.InJSON([]byte(stdout)))
	}
}

// checkPage holds that no name of a world acts in a page.
func checkPage(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(hostile.InPage([]byte(ts.ReadFile(args[0]))))
}

func checkStatus(ts *testscript.TestScript, _ bool, args []string) {
	if want := args[0]; strconv.Itoa(onStage(ts).status) != want {
		ts.Fatalf("exit status %d, want %s", onStage(ts).status, want)
	}
}

// stream is an output of the program. When the words of a hook have been
// written to it, something happens, once.
type stream struct {
	mu    sync.Mutex
	text  bytes.Buffer
	hooks []*hook
}

type hook struct {
	words string
	then  func()
	done  bool
}

func (w *stream) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.text.Write(p)
	for _, hook := range w.hooks {
		if hook.words != "" && !hook.done && strings.Contains(w.text.String(), hook.words) {
			hook.done = true
			hook.then()
		}
	}
	return n, err
}

func (w *stream) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func startWorld(ts *testscript.TestScript, _ bool, args []string) {
	s := onStage(ts)
	options := sim.Options{World: args[0], Scale: 300, Dir: ts.MkAbs(".")}
	// Handshakes are two fifths of all the time, and RSA is half of theirs.
	options.Current.Key, options.Machines.Key = "p256", "p256"
	if s.hostile = args[0] == "hostile"; s.hostile {
		options.File = hostile.File
	}
	if i := slices.Index(args, "-scripts"); i > 0 {
		options.Scripts, options.Known = true, rehearsal.Known()
		args = slices.Delete(args, i, i+1)
	}
	for rest := args[1:]; len(rest) > 1; rest = rest[2:] {
		switch rest[0] {
		case "-fault":
			fault, err := ground.ParseFault(rest[1])
			ts.Check(err)
			options.Faults = append(options.Faults, fault)
		case "-scale":
			scale, err := strconv.ParseFloat(rest[1], 64)
			ts.Check(err)
			options.Scale = scale
		case "-update": // how long a write of a gateway takes in the world's time
			update, err := time.ParseDuration(rest[1])
			ts.Check(err)
			options.Guesses.Manager.Update = update
		case "-key": // of the external certificates
			options.Current.Key = rest[1]
		case "-version": // of ArcGIS
			options.Version = rest[1]
		case "-busy":
			options.Guesses.Manager.Busy = rest[1]
		default:
			ts.Fatalf("world: unknown %s", rest[0])
		}
	}
	world, err := sim.Start(context.Background(), options)
	ts.Check(err)
	ts.Defer(func() { ts.Check(world.Close()) })
	s.world = world
	ts.Check(world.WriteDir(ts.MkAbs("world")))
	for _, variable := range world.Environment() {
		ts.Setenv(variable.Name, variable.Value)
		if strings.Contains(variable.Name, "SECRET") || strings.Contains(variable.Name, "PASSWORD") {
			s.seen.secret(variable.Name, variable.Value)
		}
	}
	ts.Setenv("GATEWAY", world.Deployments()[0].GatewayID)
	for _, identity := range world.Identities() {
		ts.Setenv("IDENTITY", identity.ID)
	}
	_, _, password := world.NewCertificate()
	s.seen.secret("password of new.pfx", password)
	s.old = s.leaf(ts)
}

// leaf is what the external name serves, seen by a client that shares nothing
// with the program.
func (s *stage) leaf(ts *testscript.TestScript) *x509.Certificate {
	return s.leafOf(ts, s.world.Deployments()[0].Domain)
}

// leafOf is what a name serves. One that the outside does not know is entered
// from inside, and its authority is the company's own.
func (s *stage) leafOf(ts *testscript.TestScript, name string) *x509.Certificate {
	network, roots := s.world.Ground().Outside, s.world.Authority().Roots()
	if len(network.Lookup(name)) == 0 {
		network = s.world.Ground().Inside
	}
	if s.world.PrivateRoot() != nil {
		roots = roots.Clone()
		roots.AddCert(s.world.PrivateRoot())
	}
	conn, err := network.DialContext(context.Background(), "tcp", net.JoinHostPort(name, "443"))
	ts.Check(err)
	defer conn.Close()
	client := tls.Client(conn, &tls.Config{ServerName: name, RootCAs: roots})
	ts.Check(client.Handshake())
	return client.ConnectionState().PeerCertificates[0]
}

func checkServed(ts *testscript.TestScript, _ bool, args []string) {
	s := onStage(ts)
	name, file := s.world.Deployments()[0].Domain, args[0]
	if len(args) > 1 {
		name = args[1]
	}
	got := s.leafOf(ts, name)
	if file == "noted" {
		if s.noted == nil {
			s.noted = map[string]*x509.Certificate{}
		}
		if s.noted[name] == nil {
			s.noted[name] = got
		}
	}
	want := map[string]*x509.Certificate{"old": s.old, "noted": s.noted[name]}[file]
	if want == nil {
		bundle, err := pki.ReadPFX([]byte(ts.ReadFile(file)), secret.New(strings.TrimSpace(ts.ReadFile(file+".password"))))
		ts.Check(err)
		want = bundle.Leaf
	}
	if !got.Equal(want) {
		ts.Fatalf("%s serves %s (until %s), want the leaf of %s (until %s)", name, got.Subject, got.NotAfter, file, want.NotAfter)
	}
}

// goInside puts the program behind the door inside the virtual network.
func goInside(ts *testscript.TestScript, _ bool, _ []string) {
	for _, variable := range onStage(ts).world.InsideEnvironment() {
		ts.Setenv(variable.Name, variable.Value)
	}
}

func checkWrites(ts *testscript.TestScript, _ bool, args []string) {
	if got := strconv.Itoa(onStage(ts).world.Ground().Ledger.Count(ground.GatewayWrite)); got != args[0] {
		ts.Fatalf("%s gateway writes, want %s", got, args[0])
	}
}

func typeMore(ts *testscript.TestScript, _ bool, args []string) {
	onStage(ts).answer += strings.Join(args, " ") + "\n"
}

// beSilent makes standard input a terminal at which nobody types.
func beSilent(ts *testscript.TestScript, _ bool, _ []string) { onStage(ts).silent = true }

func typeAnswer(ts *testscript.TestScript, _ bool, args []string) {
	onStage(ts).answer = strings.Join(args, " ") + "\n"
}

func typePassword(ts *testscript.TestScript, _ bool, args []string) {
	onStage(ts).passwords = args
}

func giveStdin(ts *testscript.TestScript, _ bool, args []string) {
	onStage(ts).stdin = ts.ReadFile(args[0])
}

func planInterrupt(times int) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		s := onStage(ts)
		s.interrupt, s.times = strings.Join(args, " "), times
	}
}

func holdLock(ts *testscript.TestScript, _ bool, _ []string) {
	unlock, err := cli.HoldLock(ts.Getenv, onStage(ts).world.Deployments()[0].GatewayID)
	ts.Check(err)
	ts.Defer(unlock)
}

// envFile sets a variable to the first line of a file.
func envFile(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

func editFile(ts *testscript.TestScript, _ bool, args []string) {
	before := ts.ReadFile(args[0])
	after := strings.Replace(before, args[1], args[2], 1)
	if before == after {
		ts.Fatalf("%s does not hold %s", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(after), 0o600))
}

func saveFile(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(args[1]), 0o600))
}

// checkJSON follows a path of names and numbers ("error.code", "0.name") in
// keepRun puts the id of the run that a command has told as JSON into a variable.
func keepRun(ts *testscript.TestScript, _ bool, args []string) {
	var result struct {
		Run string `json:"run"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &result))
	if result.Run == "" {
		ts.Fatalf("there is no run on stdout")
	}
	ts.Setenv(args[0], result.Run)
}

// the one JSON value on stdout.
func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	decoder.UseNumber()
	var value any
	ts.Check(decoder.Decode(&value))
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		ts.Fatalf("there is more than one JSON value on stdout")
	}
	for key := range strings.SplitSeq(args[0], ".") {
		switch at := value.(type) {
		case map[string]any:
			value = at[key]
		case []any:
			i, err := strconv.Atoi(key)
			if key == "length" {
				value = json.Number(strconv.Itoa(len(at)))
			} else if err == nil && i < len(at) {
				value = at[i]
			} else {
				ts.Fatalf("no element %s", key)
			}
		default:
			value = nil
		}
	}
	got, isText := value.(string)
	if !isText {
		document, err := json.Marshal(value)
		ts.Check(err)
		got = string(document)
	}
	if same := reflect.DeepEqual(got, strings.Join(args[1:], " ")); same == neg {
		ts.Fatalf("%s is %q", args[0], got)
	}
}

// encoded is how a secret would look in base64, as inside of a form or a token.
func encoded(value string) string { return base64.StdEncoding.EncodeToString([]byte(value)) }
