package cli_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/secret/secrettest"
)

var update = flag.Bool("update", false, "rewrite the golden parts of the scripts")

// TestScripts runs the program as users do, one script for each behaviour, in
// this process and against a world of the simulator. Besides testscript's own
// commands there are:
//
//	world NAME [-fault F]... [-scale N] [-update D] [-busy HOW] [-scripts]   start a world; its environment is the script's
//	world hostile                     ... one whose names are out to do harm: from then on whatever is written must be harmless
//	page FILE                         a page in which no name of the world acts
//	pfx FILE key=value...             issue a certificate of the world's authority into FILE
//	[!] cartouche ARGS                run the program
//	[!] cartouche-again               run the command that stands in the last line of stdout, as a shell reads it
//	status N                          the exit status of the last run
//	served FILE                       the external name serves exactly the leaf of this PFX
//	served old                        ... or what it served when the world began
//	served FILE NAME                  the same of another name; "noted" is what it served at the first "noted"
//	inside                            the program is inside the virtual network from now on
//	restarts N                        how many restarts of machines it has seen
//	nothing-left                      no run command, process, file or password is left at its machines
//	writes N                          how many gateway writes the world has seen
//	answer LINE                       standard input is a terminal for the next run, and this is typed
//	type LINE                         ... and this, as a further line
//	silent                            standard input is a terminal where nobody types, or nothing more; nor the last password
//	terminal                          from now on stdout and stderr are terminals (TERM=dumb keeps them plain)
//	password WORD...                  what is typed at the next password prompts, the last at all that follow
//	stdin-is FILE                     standard input of the next run is a file, no terminal
//	interrupt WORDS                   Ctrl-C in the next run when its stderr has these words
//	interrupt-twice WORDS             ... and at once again
//	keychain                          from now on the computer has a keychain
//	person USER [PASSWORD] [-decline] from now on somebody signs in wherever they are asked
//	meanwhile WORDS -- expire|revoke  tokens end in the next run when its stderr has these words
//	meanwhile WORDS -- fault F        ... or a fault is there from then on
//	end-sign-in                       everybody's sign-in is withdrawn
//	subscription-of VARIABLE NAME     a variable becomes the id of a subscription of the world
//	sign-in-by WAY                    certificate, workload or managed instead of the secret
//	hold-lock                         another run works on the gateway
//	tamper WHAT                       change the world behind the program's back
//	renew VAULT NAME FILE             this PFX becomes the newest version of a certificate in a vault
//	versions VAULT NAME [N]           how many it has; VERSION is the newest, FIRST the oldest
//	json PATH VALUE                   a value in the one JSON value on stdout
//	unset-world                       the world stays, its environment does not
//	env-file NAME FILE, save FILE TEXT, edit FILE OLD NEW
func TestScripts(t *testing.T) {
	seen := &transcript{}
	t.Run("scripts", func(t *testing.T) {
		testscript.Run(t, testscript.Params{
			Dir:                "testdata/script",
			UpdateScripts:      *update,
			RequireUniqueNames: true,
			Setup: func(env *testscript.Env) error {
				// Nothing of the computer's own environment; a proxy or a
				// service principal of the developer must not be used.
				env.Vars = append(env.Vars, "HOME="+env.WorkDir, "CARTOUCHE_STATE_DIR="+env.WorkDir+"/state", "LANG=C.UTF-8", "NO_PROXY=", "no_proxy=")
				env.Defer(func() { evidenceHolds(t, env.WorkDir+"/state/evidence") })
				env.Values[stageKey{}] = &stage{seen: seen, journal: env.WorkDir + "/state/journal.db"}
				return nil
			},
			Condition: func(name string) (bool, error) {
				if name != "all" {
					return false, fmt.Errorf("unknown condition %q", name)
				}
				return worldtest.All(), nil
			},
			Cmds: map[string]func(*testscript.TestScript, bool, []string){
				"cartouche":       runCartouche,
				"cartouche-again": runAgain,
				"terminal":        beTerminal,
				"status":          checkStatus,
				"world":           startWorld,
				"unset-world":     leaveWorld,
				"inside":          goInside,
				"pfx":             issuePFX,
				"served":          checkServed,
				"writes":          checkWrites,
				"restarts":        checkRestarts,
				"nothing-left":    checkNothingLeft,
				"answer":          typeAnswer,
				"password":        typePassword,
				"type":            typeMore,
				"silent":          beSilent,
				"stdin-is":        giveStdin,
				"interrupt":       planInterrupt(1),
				"interrupt-twice": planInterrupt(2),
				"keychain":        giveKeychain,
				"person":          beThere,
				"meanwhile":       planMeanwhile,
				"sign-in-by":      signInBy,
				"end-sign-in":     endSignIn,
				"subscription-of": subscriptionOf,
				"hold-lock":       holdLock,
				"env-file":        envFile,
				"edit":            editFile,
				"save":            saveFile,
				"tamper":          tamper,
				"renew":           renewInVault,
				"versions":        checkVersions,
				"page":            checkPage,
				"json":            checkJSON,
				"run":             keepRun,
			},
		})
	})
	seen.checkForSecrets(t)
}

// transcript is everything that the program has written in all scripts, and
// every secret of all worlds.
type transcript struct {
	mu      sync.Mutex
	text    bytes.Buffer
	secrets map[string]string
	runs    int
}

func (s *transcript) add(text ...[]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs++
	for _, t := range text {
		s.text.Write(t)
	}
}

func (s *transcript) secret(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secrets == nil {
		s.secrets = map[string]string{}
	}
	s.secrets[value] = name
}

// accessToken is a JSON Web Token: header, claims, signature.
var accessToken = regexp.MustCompile(`eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+`)

// checkForSecrets is the canary: no password of any world may have come out.
func (s *transcript) checkForSecrets(t *testing.T) {
	if s.runs == 0 || len(s.secrets) == 0 {
		return // a single script was asked for that has no world
	}
	for _, leak := range s.leaks() {
		t.Error(leak + " came out in what the program wrote")
	}
	t.Logf("searched %d bytes of %d runs for %d secrets", s.text.Len(), s.runs, len(s.secrets))
}

// leaks names the secrets that came out, however they are spelled.
func (s *transcript) leaks() []string {
	names := map[string]bool{}
	text := s.text.Bytes()
	secrettest.NewSearch(s.secrets).In(string(text), func(name string) { names["the "+name] = true })
	found := slices.Sorted(maps.Keys(names))
	// Access tokens are never kept, so only their form is known.
	if token := accessToken.Find(text); token != nil {
		found = append(found, fmt.Sprintf("a token (%.30s...)", token))
	}
	return found
}

func TestTheCanaryFindsASecret(t *testing.T) {
	for text, want := range map[string]string{
		"error: open-sesame is wrong":                                       "the password",
		"Authorization: Basic " + encoded("open-sesame"):                    "the password",
		"Bearer eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJhcm0ifQ.c2lnbmVk!":          "a token (eyJhbGciOiJSUzI1NiJ9.eyJhdWQiO...)",
		"in UTF-16 o\x00p\x00e\x00n\x00-\x00s\x00e\x00s\x00a\x00m\x00e\x00": "the password",
		"https://x/?password=open-sesame&f=json":                            "the password",
		"6f70656e2d736573616d65":                                            "the password",
		"blob " + encoded("{\"password\":\"open-sesame\",\"x\":1}"):         "the password",
		"nothing is open": "",
	} {
		s := &transcript{}
		s.secret("password", "open-sesame")
		s.add([]byte(text))
		if got := strings.Join(s.leaks(), ", "); got != want {
			t.Errorf("in %q: %q came out, want %q", text, got, want)
		}
	}
}
