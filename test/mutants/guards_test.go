package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every guard is where the list says, and is said fully. Whoever moves one moves
// the list with it, and sees at once when one is gone. That the tests notice is
// shown by running the program.
func TestEveryGuardIsInItsPlace(t *testing.T) {
	t.Parallel()
	all, err := guards()
	if err != nil {
		t.Fatal(err)
	}
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	quick := 0
	for i, g := range all {
		if g.Name == "" || g.Why == "" || g.Package == "" || g.Test == "" || g.From == g.To {
			t.Errorf("%+v lacks something", g)
		}
		if slices.ContainsFunc(all[:i], func(other guard) bool { return other.Name == g.Name }) {
			t.Errorf("two guards are called %s", g.Name)
		}
		if _, err := g.without(root); err != nil {
			t.Error(err)
		}
		if g.Quick {
			quick++
		}
	}
	if len(all) < 25 || quick < 8 {
		t.Errorf("%d guards, %d of them quick", len(all), quick)
	}
}

// A guard is noticed only by a test that fails, and neither by one that passes
// nor by source that does not compile.
func TestAMutantIsJudged(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":    "module example.com/x\n\ngo 1.24\n",
		"x.go":      "package x\n\nfunc Positive(n int) bool { return n > 0 }\n",
		"x_test.go": "package x\n\nimport \"testing\"\n\nfunc TestZero(t *testing.T) {\n\tif Positive(0) {\n\t\tt.Error(\"0 is positive\")\n\t}\n}\n\nfunc TestAlways(t *testing.T) { t.Error(\"it fails anyhow\") }\n\nfunc TestOne(t *testing.T) {\n\tif !Positive(1) {\n\t\tpanic(\"1 is not positive\")\n\t}\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct{ from, to, run, word, by string }{
		"a test fails":          {"n > 0", "n >= 0", "TestZero", "noticed", "TestZero"},
		"a test panics":         {"n > 0", "n > 1", "TestOne", "noticed", "TestOne"},
		"no test notices":       {"n > 0", "n > -2+2", "TestZero", "HOLE", ""},
		"no test is run":        {"n > 0", "n >= 0", "TestTwo", "HOLE", ""},
		"it does not compile":   {"n > 0", "n", "TestZero", "BROKEN", ""},
		"the text is not there": {"n < 0", "n > 0", "TestZero", "BROKEN", ""},
	} {
		g := guard{Name: name, File: "x.go", From: test.from, To: test.to, Package: ".", Test: test.run}
		f := takeOut(t.Context(), root, filepath.Join(t.TempDir(), "m"), g)
		if f.word != test.word || f.by != test.by {
			t.Errorf("%s: %s by %q, want %s by %q\n%s", name, f.word, f.by, test.word, test.by, f.trace)
		}
	}
	always := guard{Package: ".", Test: "TestAlways"}
	if unfit := baseline(t.Context(), root, []guard{always, {Package: ".", Test: "TestZero"}}, 1); len(unfit) != 1 || !strings.Contains(unfit[always.key()], "it fails anyhow") {
		t.Errorf("of a test that fails anyhow and one that passes: %v", unfit)
	}
}
