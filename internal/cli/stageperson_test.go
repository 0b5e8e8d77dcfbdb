package cli_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/visitor"
)

// keptToken finds a refresh token in the cache of MSAL. One that is cut by the
// end of a part is found up to there.
var keptToken = regexp.MustCompile(`"secret":"([^"]{20,})`)

// drawer is a keychain in memory, whose tokens the canary looks for elsewhere.
type drawer struct {
	mu      sync.Mutex
	entries map[[2]string]string
	seen    *transcript
}

func (d *drawer) Get(set, name string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if value, ok := d.entries[[2]string{set, name}]; ok {
		return value, nil
	}
	return "", account.ErrNotKept
}

func (d *drawer) Set(set, name, value string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries[[2]string{set, name}] = value
	if text, err := base64.StdEncoding.DecodeString(value); err == nil {
		for _, kept := range keptToken.FindAllSubmatch(text, -1) {
			d.seen.secret("refresh token in the keychain", string(kept[1]))
		}
	}
	return nil
}

func (d *drawer) Delete(set, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.entries, [2]string{set, name})
	return nil
}

func (d *drawer) DeleteAll(set string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range d.entries {
		if key[0] == set {
			delete(d.entries, key)
		}
	}
	return nil
}

// giveKeychain gives the computer a keychain, or takes it out of reach; with ! it
// must be empty.
func giveKeychain(ts *testscript.TestScript, neg bool, args []string) {
	s := onStage(ts)
	if neg {
		if left := len(s.keychain.(*drawer).entries); left != 0 {
			ts.Fatalf("%d entries are left in the keychain", left)
		}
		return
	}
	if len(args) > 0 { // out-of-reach
		s.keychain = nil
		return
	}
	s.keychain = &drawer{entries: map[[2]string]string{}, seen: s.seen}
}

// beThere: USER is a person of the world, or "" for none.
func beThere(ts *testscript.TestScript, _ bool, args []string) {
	s := onStage(ts)
	if args[0] == "nobody" {
		s.person = nil
		return
	}
	door, err := url.Parse(ts.Getenv("HTTPS_PROXY"))
	ts.Check(err)
	transport := &http.Transport{Proxy: http.ProxyURL(door), TLSClientConfig: &tls.Config{RootCAs: s.world.Authority().Roots()}}
	s.person = &visitor.Browser{
		User: args[0], Password: ts.Getenv("CARTOUCHE_WORLD_PASSWORD"),
		Client: &http.Client{Transport: transport},
	}
	for _, arg := range args[1:] {
		if arg == "-decline" {
			s.person.Decline = true
		} else {
			s.person.Password = arg
		}
	}
}

// code finds the device code and its address in what the program shows.
var code = regexp.MustCompile(`with the code (\S+), at:[\sa-z",:]+(https://[^\s"]+)`)

// watch lets the person see what the program shows.
func (s *stage) watch(env *cli.Environment, stderr *stream) {
	person := *s.person
	env.OpenBrowser = func(_ context.Context, address string) error {
		// What the person is refused, the program says.
		go func() { _ = person.Open(context.Background(), address) }()
		return nil
	}
	stderr.hooks = append(stderr.hooks, &hook{words: "devicelogin", then: func() {
		if shown := code.FindStringSubmatch(stderr.text.String()); shown != nil {
			go func() { _ = person.EnterCode(context.Background(), shown[2], shown[1]) }()
		}
	}})
}

func planMeanwhile(ts *testscript.TestScript, _ bool, args []string) {
	s := onStage(ts)
	words, what, found := strings.Cut(strings.Join(args, " "), " -- ")
	if !found {
		ts.Fatalf("meanwhile WORDS -- WHAT")
	}
	s.meanwhileWhen = words
	s.meanwhile = map[string]func(){
		"expire": func() { s.world.ExpireTokens() },
		"revoke": func() { s.world.RevokeRefresh(); s.world.ExpireTokens() },
	}[what]
	if text, isFault := strings.CutPrefix(what, "fault "); isFault {
		fault, err := ground.ParseFault(text)
		ts.Check(err)
		s.meanwhile = func() { s.world.Ground().Faults.Add(fault) }
	}
	if s.meanwhile == nil {
		ts.Fatalf("meanwhile: unknown %s", what)
	}
}

// signInBy makes the environment that of another way to sign in.
func signInBy(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range []string{"AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE"} {
		ts.Setenv(name, "")
	}
	variables, err := onStage(ts).world.SignInEnvironment(args[0])
	ts.Check(err)
	for _, variable := range variables {
		ts.Setenv(variable.Name, variable.Value)
	}
}

// endSignIn withdraws everybody's sign-in.
func endSignIn(ts *testscript.TestScript, _ bool, _ []string) {
	onStage(ts).world.RevokeRefresh()
	onStage(ts).world.ExpireTokens()
}

// subscriptionOf sets a variable to the id of a subscription of the world.
func subscriptionOf(ts *testscript.TestScript, _ bool, args []string) {
	for _, subscription := range onStage(ts).world.Subscriptions() {
		if subscription.Name == args[1] {
			ts.Setenv(args[0], subscription.ID)
			return
		}
	}
	ts.Fatalf("no subscription %s", args[1])
}
