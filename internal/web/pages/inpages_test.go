package pages

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// roomsOfTexts are the rooms whose texts pages show.
var roomsOfTexts = []string{"app", "rotation", "rollout", "deployment", "pki", "cloud", "reach", "journal", "lease", "evidence", "account", "arcgis", "egress", "handshake"}

var verbs = regexp.MustCompile(`%[+#]?[a-z]`)

// textOf is what an expression says, as far as its source tells; what comes at run
// time is a word.
func textOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		if err != nil || e.Kind != token.STRING {
			return "3"
		}
		return verbs.ReplaceAllStringFunc(text, func(verb string) string {
			if verb == "%q" {
				return `"x"`
			}
			return "x"
		})
	case *ast.BinaryExpr:
		return textOf(e.X) + textOf(e.Y)
	case *ast.ParenExpr:
		return textOf(e.X)
	case *ast.CallExpr:
		name := ""
		switch f := e.Fun.(type) {
		case *ast.Ident:
			name = f.Name
		case *ast.SelectorExpr:
			name = f.Sel.Name
		}
		switch {
		case name == "applyAgain":
			return "cartouche apply x"
		case name == "Command" && len(e.Args) == 1:
			return "cartouche " + textOf(e.Args[0]) + " x"
		case name == "Join" && len(e.Args) == 2:
			return "x" + textOf(e.Args[1]) + "x"
		}
	}
	return "x"
}

// textsOf are all texts in a room that name a flag or a command of this program.
func textsOf(t *testing.T, room string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", room, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("room %s: %v", room, err)
	}
	texts := map[string]string{}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(set, path, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			e, is := n.(ast.Expr)
			if !is {
				return true
			}
			switch e.(type) {
			case *ast.BinaryExpr, *ast.BasicLit:
				if text := textOf(e); typed.MatchString(withoutOthers(text)) {
					texts[text] = set.Position(e.Pos()).String()
				}
				return false // its parts are parts of it
			}
			return true
		})
	}
	return texts
}

// typed is what is typed at this program's command line.
var typed = regexp.MustCompile(`(?:^|[\s(])--[a-z]|cartouche [a-z]`)

// withoutOthers takes away the commands of other programs, up to the end of their
// arguments.
func withoutOthers(text string) string {
	return others.ReplaceAllString(text, "")
}

var others = regexp.MustCompile(`\b(?:az [a-z]|cartouche evidence verify)[^;,]*`)

// noPage are the texts that pages show as they are, or not at all, and why.
var noPage = map[string]string{
	"--gateway x":                       "a part of a command",
	" --name x":                         "a part of a command",
	"cartouche x x":                     "a command of any verb: all verbs are tried in the others",
	"cartouche x --gateway xx --name x": "a command of any verb: all verbs are tried in the others",
	"; or hold what is served now: x --vault x --certificate x --version x": "what follows a command; see TestTextsInPages",
	" --version x":       "a part of a command of Azure",
	"x --enabled true":   "a part of a command of Azure",
	" --x-permissions x": "a part of a command of Azure",
}

// noPageFiles judge flags, or the fields of the interface for programs: pages have
// forms, which judge what is typed into them in words of their own.
var noPageFiles = []string{"app/internalasked.go", "app/loginwhole.go"}

// Every text of the application that names a flag or a command says in the pages
// where that is done there: nobody who looks at a page has to know what a flag is.
func TestNoFlagIsShownWhereThereIsAPage(t *testing.T) {
	t.Parallel()
	found, unmet := 0, maps.Clone(noPage)
	for _, room := range roomsOfTexts {
		for text, at := range textsOf(t, room) {
			found++
			if slices.ContainsFunc(noPageFiles, func(file string) bool { return strings.Contains(at, file) }) {
				continue
			}
			shown := InPages(text)
			_, known := noPage[text]
			if known {
				delete(unmet, text)
			}
			if !known && typed.MatchString(withoutOthers(shown)) {
				t.Errorf("%s:\n  %s\nis shown as\n  %s", at, text, shown)
			}
		}
	}
	for text := range unmet {
		t.Errorf("nothing says %q any more, which has no page", text)
	}
	if found < 100 {
		t.Errorf("only %d texts were found", found)
	}
}

// shownAs are texts as they are at run time, and what pages show for them.
var shownAs = map[string]string{
	"look again who works on it: cartouche unlock 'a b'":                          "look again who works on it, on the deployment’s page",
	"the gateway could not open the .pfx with its password: cartouche check FILE": "the gateway could not open the .pfx with its password: try both with “Check”",
	"nothing of the kind": "nothing of the kind",
	"See that this is the right file; if it is, say --allow-older.":            "See that this is the right file; if it is, accept under “More choices” a certificate that ends earlier.",
	"give --site-admin and its password":                                       "give the site administrator’s login",
	"check the login at https://x/home, or go on without it: --without-portal": "check the login at https://x/home, or go on without Portal",
	"cartouche verify 'a b'":                                                   "look at the deployment",
	"cartouche verify gis.example.com, then the same command again; what happened: cartouche history 20261127-1810-bf46": "look at the deployment, then do the same again; what happened, under History",
	"cartouche show --gateway /subscriptions/x/applicationGateways/y --name a.example.com":                               "look at the deployment",
	"cartouche undo 20261127-1810-bf46": "take run 20261127-1810-bf46 back, on its page under History",
	"wait for its end; if that run is not at work any more: cartouche unlock gis.example.com":                                                                                         "wait for its end; if that run is not at work any more, its claim can be broken: on the deployment’s page",
	"make the right one the newest: cartouche apply gis.example.com --pfx FILE; or hold what is served now: cartouche apply gis.example.com --vault v --certificate c --version 0a1b": "make the right one the newest: renew with its file; or hold what is served now: renew from Key Vault, with version 0a1b of c in v",
	"it stays: trust does no harm; cartouche clean removes it":                                                                                                                        "it stays: trust does no harm; cleaning up removes it",
	"cartouche clean DEPLOYMENT --internal removes it where a run of Cartouche replaced it":                                                                                           "cleaning up removes it where a run of Cartouche replaced it",
	"az vm start --ids /subscriptions/x":                                                                                             "az vm start --ids /subscriptions/x",
	"see that the version is enabled: cartouche certificates --vault entvault gis":                                                   "see that the version is enabled, in the vault entvault",
	"name a user-assigned identity with --identity ID, and let it read: az role assignment create --role \"Key Vault Secrets User\"": "name a user-assigned identity under “More choices”, and let it read: az role assignment create --role \"Key Vault Secrets User\"",
	"the certificate was not accepted: cartouche upload --vault entvault --certificate gis --pfx FILE.pfx":                           "the certificate was not accepted, with “Put a file into a Key Vault” (a link under “Check”)",
	"the evidence of run 20261127-1810-bf46 is there and cannot be read: cartouche evidence verify":                                  "the evidence of run 20261127-1810-bf46 is there and cannot be read; on a command line it is checked by: cartouche evidence verify",
	"--reach auto, --reach none, --reach direct":                                                                                     "choose one that is offered",
	"--sign-in browser, device-code":                                                                                                 "choose one of the ways that are offered",
	"--client-id is for --sign-in service-principal only":                                                                            "client-id is for the sign-in service-principal only",
	"name the tenant: --tenant contoso.com, or for good: cartouche login --tenant contoso.com":                                       "choose the tenant contoso.com under your name at the top",
}

func TestTextsInPages(t *testing.T) {
	t.Parallel()
	for text, want := range shownAs {
		if got := InPages(text); got != want {
			t.Errorf("%s\n  is shown as %s\n  instead of  %s", text, got, want)
		}
	}
}

// A row that no text needs any more goes, what is shown does not change when it is
// shown once more, and a blank on the right is one that the left has filled.
func TestThePhraseBook(t *testing.T) {
	t.Parallel()
	used := make([]bool, len(phraseBook))
	use := func(text string) {
		shown := text
		for i, p := range phrases() {
			before := shown
			shown = p.typed.ReplaceAllString(before, p.done)
			used[i] = used[i] || shown != before
		}
		if again := InPages(shown); again != shown {
			t.Errorf("%s\n  is shown as  %s\n  and again as %s", text, shown, again)
		}
	}
	for _, room := range roomsOfTexts {
		for text := range textsOf(t, room) {
			use(text)
		}
	}
	for text := range shownAs {
		use(text)
	}
	for i, row := range phraseBook {
		if !used[i] {
			t.Errorf("nothing says: %s", row[0])
		}
		for _, blank := range regexp.MustCompile(`<[a-z]+>`).FindAllString(row[1], -1) {
			if !strings.Contains(row[0], blank) {
				t.Errorf("%s: %s is not filled", row[0], blank)
			}
		}
	}
}

// A text of any kind is safe to be shown, and none takes long.
func FuzzInPages(f *testing.F) {
	f.Add("cartouche apply --gateway 'x y' --name a --pfx FILE")
	f.Add("--reach direct, --reach agent")
	f.Fuzz(func(_ *testing.T, text string) { InPages(text) })
}
