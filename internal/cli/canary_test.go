package cli_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"encoding/pem"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/secret/secrettest"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/visitor"
)

// any is a status that is not looked at.
const anyStatus = -1

// flight is one run of the program with secrets wherever they can be given.
type flight struct {
	args   string // $NAME is a file or a name of the world
	status int
	env    map[string]string
	stdin  string
	// fault happens in the world from now on, and in this flight.
	fault string
	// interrupt is Ctrl-C when these words were said.
	interrupt string
	// before and afterwards are done around it.
	before     func(*mine)
	afterwards func(*mine)
}

// pfx and its like are the flags that most commands need.
const (
	newPFX = " --pfx $GIVEN/new.pfx --password-file $GIVEN/new.pfx.password"
)

// flights are all commands and all exit statuses; TestEveryCommandHasACanary holds
// them against the tree of commands. Each group has a world, and its flights
// follow each other.
var flights = []struct {
	name   string
	world  sim.Options
	inside bool
	person bool
	list   []flight
}{
	{name: "outside", world: sim.Options{World: "single"}, list: []flight{
		{args: "version"},
		{args: "check $GIVEN/new.pfx --password-file $GIVEN/new.pfx.password --for $DOMAIN"},
		{args: "check $GIVEN/new.pfx --password-file -", stdin: "not the password", status: 3},
		{args: "check $GIVEN/new.pfx", status: 2},
		{args: "check $GIVEN/new.pfx", env: map[string]string{panicking: panicPassword}, status: 1},
		{args: "check $DOMAIN", status: anyStatus},
		{args: "deployments"},
		{args: "deployments", env: map[string]string{"AZURE_CLIENT_SECRET": wrongSecret}, status: 4},
		{args: "show $DOMAIN"},
		{args: "plan $DOMAIN" + newPFX + " --save $OUT/plan.json"},
		{args: "rehearse $DOMAIN" + newPFX + " --save $OUT/shape.json --scale 300"},
		{args: "rehearse --from $OUT/shape.json --save $OUT/masked.json --mask"},
		{args: "apply --plan $OUT/plan.json --password-file $GIVEN/new.pfx.password --yes"},
		{args: "verify $DOMAIN"},
		{args: "history"},
		{args: "history --json"},
		{args: "undo --sign-key $GIVEN/sign.key --sign-passphrase-file $GIVEN/sign.key.passphrase --yes"},
		{args: "evidence"},
		{args: "evidence verify --json"},
		{args: "undo --sign-key $GIVEN/sign.key --yes", env: map[string]string{"CARTOUCHE_SIGN_PASSPHRASE": wrongSecret}, status: 2},
		{args: "clean $DOMAIN --yes", status: anyStatus},
		{args: "unlock $DOMAIN --yes", status: anyStatus},
		{args: "apply $DOMAIN" + newPFX + " --yes", before: (*mine).lock, status: 8, afterwards: (*mine).unlock},
		{args: "apply $DOMAIN" + newPFX + " --yes", fault: "wrong-leaf@edge", status: 5},
		{args: "apply $DOMAIN" + newPFX + " --yes", interrupt: "the gateway took the change", status: 130},
		{args: "apply $DOMAIN" + newPFX + " --yes", fault: "wrong-leaf@edge*-1", status: 6},
		{args: "verify $DOMAIN", status: 7, afterwards: (*mine).calm},
		{args: "plan $DOMAIN --pfx $GIVEN/new.pfx", env: map[string]string{"CARTOUCHE_PFX_PASSWORD": wrongSecret}, status: 3},
	}},
	{name: "vault", world: sim.Options{World: "ha"}, list: []flight{
		{args: "vaults"},
		{args: "certificates --vault entvault"},
		{args: "upload --vault entvault --certificate canary" + newPFX + " --yes"},
		{args: "upload --vault entvault --certificate other" + newPFX, status: 2},
		{args: "apply $DOMAIN --vault entvault --certificate canary --yes"},
		{args: "undo --yes"},
	}},
	{name: "inside", world: sim.Options{World: "single"}, inside: true, list: []flight{
		{args: "show $DOMAIN"},
		{args: "plan $DOMAIN --internal issue"},
		{args: "apply $DOMAIN --internal issue --ca-out $GIVEN/kept.pfx --yes", afterwards: (*mine).learnAuthority},
		{args: "apply $DOMAIN --internal ca --ca $GIVEN/kept.pfx --yes"},
		{args: "undo --yes"},
		{args: "clean $DOMAIN --internal --yes", status: anyStatus},
	}},
	{name: "agent", world: sim.Options{World: "ha", Scripts: true}, list: []flight{
		{args: "show $DOMAIN --reach agent"},
		{args: "apply $DOMAIN --internal issue --reach agent --yes", interrupt: "side by side; nothing restarts", status: 130},
	}},
	{name: "dsc", world: sim.Options{World: "ha", Version: "12.0"}, list: []flight{
		{args: "apply $DOMAIN" + newPFX + " --reach dsc --yes"},
	}},
	{name: "person", world: sim.Options{World: "twin"}, person: true, list: []flight{
		{args: "login --sign-in device-code"},
		{args: "account"},
		{args: "account tenants"},
		{args: "account subscriptions"},
		{args: "deployments"},
		{args: "logout"},
		{args: "deployments", status: anyStatus},
	}},
	{name: "worlds of its own", world: sim.Options{World: "single"}, list: []flight{
		{args: "demo" + newPFX, status: anyStatus},
		{args: "sim single --dir $GIVEN/sim", interrupt: "In another terminal", status: anyStatus},
		{args: "serve --no-browser --sign-key $GIVEN/sign.key --sign-passphrase-file $GIVEN/sign.key.passphrase", interrupt: "The address is good once", status: anyStatus},
		{args: "", status: anyStatus},
	}},
}

// What is given to the program beside the secrets of a world. Each has signs that
// JSON, addresses and forms write otherwise.
const (
	panicPassword = `canary-panic/7+é"&`
	wrongSecret   = `canary-wrong/3+é"&`
	pfxPassword   = `canary-pfx/9+é"&`
	caPassword    = `canary-authority/5+é"&`
	proxyPassword = `canary-proxy/1+é"&`
	signPassword  = `canary-sign/2+é"&`
)

// TestCanaries runs every command, to every end that it can come to, with secrets
// of every kind, at its most talkative, and looks for them wherever others may
// look: in what it writes on the terminal, in its journal, its plans and its
// temporary files (while it runs, too), among the running processes, in the
// addresses, headers and documents that Azure gets.
func TestCanaries(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what others see of a process is read from /proc")
	}
	for _, group := range flights {
		t.Run(group.name, func(t *testing.T) {
			if group.name == "agent" || group.name == "dsc" || group.name == "inside" {
				worldtest.Long(t)
			}
			t.Parallel()
			m := openMine(t, group.world, group.inside, group.person)
			for _, f := range group.list {
				m.fly(f)
			}
			m.search()
		})
	}
}

// TestEveryCommandHasACanary holds the table against the tree of commands, and
// against the exit statuses.
func TestEveryCommandHasACanary(t *testing.T) {
	flown, statuses := map[string]bool{}, map[int]bool{}
	for _, group := range flights {
		for _, f := range group.list {
			flown[cli.CommandOf(strings.Fields(f.args))] = true
			statuses[f.status] = true
		}
	}
	for _, command := range cli.Commands() {
		if !flown[command] {
			t.Errorf("no canary has gone through %q: add it to the table of flights", command)
		}
	}
	for status, meaning := range cli.Statuses() {
		if !statuses[status] {
			t.Errorf("no canary has come to the exit status %d (%s)", status, meaning)
		}
	}
}

var allCanaries = flag.Bool("all-canaries", false, "canaries through every fault of the simulator, not only through one of each kind")

// TestCanariesThroughFaults runs a command into every fault that the simulator
// knows: each way to fail is a way to say too much.
func TestCanariesThroughFaults(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what others see of a process is read from /proc")
	}
	const (
		external = "apply $DOMAIN" + newPFX + " --yes"
		internal = "apply $DOMAIN --internal issue --yes"
	)
	groups := []struct {
		name   string
		where  func(step string) bool
		world  sim.Options
		inside bool
		args   string
		// usually is how many of them without -all-canaries.
		usually int
	}{
		{"vault", oneOf("any request to a vault"), sim.Options{World: "ha"}, false, "apply $DOMAIN --vault entvault --certificate maps --yes", 1},
		{"machine", oneOf("any request to a storage account", "machine-child-put", "run-command", "script"), sim.Options{World: "ha", Scripts: true}, false, "show $DOMAIN --reach agent", 0},
		{"azure", oneOf("any request to Azure", "gateway-put", "edge"), sim.Options{World: "single"}, false, external, 2},
		{"stores", oneOf("store-validate", "store-tool", "restart-service"), sim.Options{World: "roles", Scripts: true}, false, internal + " --reach agent", 0},
		{"site", func(string) bool { return true }, sim.Options{World: "single"}, true, internal, 0},
	}
	done := map[string]bool{}
	for _, group := range groups {
		var faults []string
		for _, doc := range sim.Faults() {
			step, _, _ := strings.Cut(doc.Steps, ",")
			if fault := doc.Name + "@" + doc.Steps; group.where(step) && !done[fault] {
				done[fault] = true
				if strings.HasPrefix(step, "any ") {
					step = "*"
				}
				faults = append(faults, doc.Name+"@"+step)
			}
		}
		if !*allCanaries {
			faults = faults[:min(group.usually, len(faults))]
		}
		if len(faults) == 0 {
			continue
		}
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			m := openMine(t, group.world, group.inside, false)
			var struck []string
			for _, fault := range faults {
				before := m.world.Ground().Ledger.Count(ground.FaultHappened)
				// What a flight that succeeded has renewed would leave the next one nothing to do.
				m.fly(flight{args: group.args, fault: fault, status: anyStatus, before: (*mine).newFile, afterwards: (*mine).calm})
				if m.world.Ground().Ledger.Count(ground.FaultHappened) > before {
					struck = append(struck, fault)
				} else if *allCanaries {
					t.Logf("%s did not strike:\n%s", fault, m.said)
				}
			}
			if len(struck) == 0 {
				t.Error("no fault has struck")
			}
			m.search()
			t.Logf("struck: %s", strings.Join(struck, ", "))
		})
	}
}

func oneOf(steps ...string) func(string) bool {
	return func(step string) bool { return slices.Contains(steps, step) }
}

// TestTheCanariesAreHeard leaks a secret in every way that there is, and every one
// is found.
func TestTheCanariesAreHeard(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what others see of a process is read from /proc")
	}
	t.Parallel()
	m := openMine(t, sim.Options{World: "single"}, false, false)
	for way, want := range leakWays {
		m.found, m.tap.records = nil, nil
		m.check(os.RemoveAll(filepath.Join(m.state, "note"))) // of the way before
		m.fly(flight{args: way, env: map[string]string{leaking: wrongSecret}})
		got := strings.Join(leaksIn(slices.Concat(m.found, m.tap.records), m.secrets), "\n")
		if !strings.Contains(got, "the password "+wrongSecret+" came out in "+want) {
			t.Errorf("%s: found %q", way, got)
		}
	}
}

// mine is a world with a program in it, and everything that came out of it.
type mine struct {
	*testing.T
	world                  *sim.World
	tap                    *tap
	given, state, out, tmp string
	variables              map[string]string
	person                 *visitor.Browser

	mu      sync.Mutex
	secrets map[string]string // by value
	found   []record
	release func()
	flown   int
	said    string // the last of what the last flight said
	seen    int    // processes
}

func openMine(t *testing.T, options sim.Options, inside, person bool) *mine {
	t.Helper()
	m := &mine{T: t, given: t.TempDir(), state: t.TempDir(), out: t.TempDir(), tmp: t.TempDir(), secrets: map[string]string{}, variables: map[string]string{}}
	options.Scale, options.Machines.Key, options.Current.Key, options.Dir = 300, "p256", "p256", t.TempDir()
	if options.Scripts {
		options.Known = rehearsal.Known()
	}
	m.world = worldtest.Start(t, options)
	m.newFile()
	m.signKey()

	variables := m.world.Environment()
	if inside {
		variables = m.world.InsideEnvironment()
	}
	for _, v := range variables {
		m.variables[v.Name] = v.Value
		if strings.Contains(v.Name, "SECRET") || strings.Contains(v.Name, "PASSWORD") {
			m.learn(v.Name, v.Value)
		}
	}
	door := m.variables["HTTPS_PROXY"]
	m.tap = openTap(t, m.world, door, proxyPassword, m.learn)
	for _, password := range []string{panicPassword, wrongSecret, pfxPassword, caPassword, proxyPassword, signPassword} {
		m.learn("password "+password, password)
	}
	m.variables["HTTPS_PROXY"], m.variables["HTTP_PROXY"] = m.tap.url(), m.tap.url()
	for name, value := range map[string]string{
		"NO_PROXY": "", "LANG": "C.UTF-8", "HOME": m.out, "GOCACHE": goCache(), "PATH": os.Getenv("PATH"), "TMPDIR": m.tmp, "CARTOUCHE_STATE_DIR": m.state, "CARTOUCHE_CA_PASSWORD": caPassword, "CARTOUCHE_CA_OUT_PASSWORD": caPassword, asProgram: "1",
	} {
		m.variables[name] = value
	}
	if options.Scripts {
		m.variables["HOME"] = os.Getenv("HOME") // where go finds the modules of the agent
	}
	if person {
		for _, name := range []string{"AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_SUBSCRIPTION_ID"} {
			delete(m.variables, name)
		}
		m.variables[keychain] = filepath.Join(m.given, "keychain")
		through, err := url.Parse(door)
		m.check(err)
		m.person = &visitor.Browser{
			User: m.variables["CARTOUCHE_WORLD_USER"], Password: m.variables["CARTOUCHE_WORLD_PASSWORD"],
			Client: &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(through), TLSClientConfig: &tls.Config{RootCAs: m.world.Authority().Roots()}}},
		}
	}
	return m
}

// goCache is where go keeps what it has built: without a release, the agent is
// built from its source, once.
func goCache() string {
	if named := os.Getenv("GOCACHE"); named != "" {
		return named
	}
	directory, _ := os.UserCacheDir()
	return filepath.Join(directory, "go-build")
}

func (m *mine) check(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

// newFile issues the certificate that is to be served next.
func (m *mine) newFile() {
	deployment := m.world.Deployments()[0]
	spec := authority.Spec{Names: []string{deployment.Domain}}
	if deployment.SecondaryDomain != "" {
		spec.Names = append(spec.Names, deployment.SecondaryDomain)
	}
	issued, err := m.world.Authority().Issue(spec)
	m.check(err)
	m.learnKey("new.pfx", issued.Key)
	m.pfx("new.pfx", pfxPassword, issued)
}

func (m *mine) pfx(name, password string, issued *authority.Issued) {
	file, err := issued.PFX(password)
	m.check(err)
	m.check(os.WriteFile(filepath.Join(m.given, name), file, 0o600))
	m.check(os.WriteFile(filepath.Join(m.given, name+".password"), []byte(password+"\n"), 0o600))
}

// signKey gives an encrypted SSH key, to sign evidence with.
func (m *mine) signKey() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	m.check(err)
	m.learnKey("sign.key", key)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(signPassword))
	m.check(err)
	m.check(os.WriteFile(filepath.Join(m.given, "sign.key"), pem.EncodeToMemory(block), 0o600))
	m.check(os.WriteFile(filepath.Join(m.given, "sign.key.passphrase"), []byte(signPassword+"\n"), 0o600))
}

// learn adds a secret. What is shorter than eight signs is found by chance.
func (m *mine) learn(name, value string) {
	if len(value) < 8 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.secrets[value] = name
}

func (m *mine) learnKey(name string, key any) {
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		scalar, err := key.Bytes()
		if err != nil {
			m.Fatal(err)
		}
		m.learn("key of "+name, string(scalar))
	case *rsa.PrivateKey:
		m.learn("key of "+name, string(key.D.Bytes()))
		m.learn("key of "+name, string(key.Primes[0].Bytes()))
		m.learn("key of "+name, string(key.Primes[1].Bytes()))
	default:
		m.Fatalf("a key of type %T", key)
	}
}

// learnAuthority learns the key of the authority that was kept.
func (m *mine) learnAuthority() {
	file, err := os.ReadFile(filepath.Join(m.given, "kept.pfx"))
	m.check(err)
	kept, err := pki.ReadAuthority(file, nil, secret.New(caPassword))
	m.check(err)
	m.learnKey("the authority", kept.Key)
}

func (m *mine) lock() {
	var err error
	m.release, err = cli.HoldLock(func(name string) string { return m.variables[name] }, m.world.Deployments()[0].GatewayID)
	m.check(err)
}

func (m *mine) unlock() { m.release() }

func (m *mine) calm() { m.world.Ground().Faults.Clear() }

// fly runs the program once. --verbose is always on: it is the most that the
// program says.
func (m *mine) fly(f flight) {
	m.Helper()
	self, err := os.Executable()
	m.check(err)
	if f.before != nil {
		f.before(m)
	}
	if f.fault != "" {
		fault, err := ground.ParseFault(f.fault)
		m.check(err)
		m.world.Ground().Faults.Add(fault)
	}
	program := exec.Command(self, strings.Fields(m.expand(f.args)+" --verbose")...)
	program.Dir, program.Stdin = m.out, strings.NewReader(f.stdin)
	for name, value := range m.variables {
		if _, other := f.env[name]; !other {
			program.Env = append(program.Env, name+"="+value)
		}
	}
	for name, value := range f.env {
		program.Env = append(program.Env, name+"="+value)
	}
	stdout, stderr := &stream{}, &stream{}
	var once sync.Once
	interrupt := func() { once.Do(func() { _ = program.Process.Signal(os.Interrupt) }) }
	stdout.hooks = []*hook{{words: f.interrupt, then: interrupt}}
	stderr.hooks = []*hook{{words: f.interrupt, then: interrupt}, {words: "devicelogin", then: func() { m.enterCode(stderr.text.String()) }}}
	program.Stdout, program.Stderr = stdout, stderr
	m.check(program.Start())
	kill := time.AfterFunc(5*time.Minute, func() { _ = program.Process.Signal(syscall.SIGKILL) })
	done, seen := make(chan struct{}), make(chan *watched, 1)
	go func() { seen <- watch(program.Process.Pid, m.tmp, done) }()
	_ = program.Wait()
	kill.Stop()
	close(done)
	status := program.ProcessState.ExitCode()
	if f.status != anyStatus && status != f.status || status < 0 {
		m.Errorf("cartouche %s: exit status %d, want %d\n%s%s", f.args, status, f.status, stdout, stderr)
	}
	if f.interrupt != "" && !stderr.hooks[0].done && !stdout.hooks[0].done {
		m.Errorf("cartouche %s: it never said %q\n%s", f.args, f.interrupt, stderr)
	}
	m.flown++
	said := stderr.String()
	m.said = fmt.Sprintf("exit status %d: ...%s", status, said[max(0, len(said)-2000):])
	m.keep("stdout of cartouche "+f.args, stdout.String())
	m.keep("stderr of cartouche "+f.args, stderr.String())
	m.keepWatched(f.args, <-seen)
	if f.afterwards != nil {
		f.afterwards(m)
	}
}

func (m *mine) enterCode(shown string) {
	if m.person == nil {
		return
	}
	if found := code.FindStringSubmatch(shown); found != nil {
		go func() { _ = m.person.EnterCode(context.Background(), found[2], found[1]) }()
	}
}

func (m *mine) expand(text string) string {
	return strings.NewReplacer("$GIVEN", m.given, "$OUT", m.out, "$DOMAIN", m.world.Deployments()[0].Domain).Replace(text)
}

func (m *mine) keep(where, text string) { m.found = append(m.found, record{where: where, text: text}) }

func (m *mine) keepWatched(args string, seen *watched) {
	m.seen += len(seen.arguments)
	for line := range seen.arguments {
		m.keep("arguments of a process of cartouche "+args, line)
	}
	for environment := range seen.inherited {
		m.keep("environment of a process that cartouche "+args+" started", environment)
	}
	for path, content := range seen.files {
		m.keep("the temporary file "+path+" of cartouche "+args, content)
	}
	for path := range seen.open {
		m.Errorf("cartouche %s: others may read %s", args, path)
	}
	left, err := os.ReadDir(m.tmp)
	m.check(err)
	for _, entry := range left {
		m.Errorf("cartouche %s: %s is left in the temporary directory", args, entry.Name())
		m.check(os.RemoveAll(filepath.Join(m.tmp, entry.Name())))
	}
	for _, root := range []string{m.state, m.out} {
		files := &watched{files: map[string]string{}, open: map[string]bool{}}
		files.directory(root)
		for path, content := range files.files {
			m.keep("the file "+path+" after cartouche "+args, content)
		}
		for path := range files.open {
			m.Errorf("cartouche %s: others may read %s", args, path)
		}
	}
}

// search looks for every secret in everything.
func (m *mine) search() {
	m.Helper()
	m.tap.mu.Lock()
	records, requests, unnamed := slices.Concat(m.found, m.tap.records), m.tap.requests, m.tap.unnamed
	m.tap.mu.Unlock()
	size := 0
	for _, r := range records {
		size += len(r.text)
	}
	for _, leak := range leaksIn(records, m.secrets) {
		m.Error(leak)
	}
	if m.seen == 0 {
		m.Error("the processes were never seen")
	}
	if unnamed > 0 {
		m.Errorf("%d requests came to the proxy without its password", unnamed)
	}
	m.Logf("%d flights, %d requests to Azure, %d secrets looked for in %d KB", m.flown, requests, len(m.secrets), size>>10)
}

// leaksIn names each secret with the first place where it came out.
func leaksIn(records []record, secrets map[string]string) []string {
	search := secrettest.NewSearch(secrets)
	found, seen := map[string]string{}, map[string]bool{}
	for _, r := range records {
		if seen[r.text] && !r.blob {
			continue // as a journal, which is there after every flight
		}
		seen[r.text] = true
		search.In(r.text, func(name string) {
			if found[name] == "" && !(r.blob && name == signature) {
				found[name] = fmt.Sprintf("the %s came out in %s", name, r.where)
			}
		})
	}
	return slices.Sorted(maps.Values(found))
}
