package rollout_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/internal.md has a row for each code that the sources make, and no other.
func TestTheDocumentHasEveryFinding(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/internal.md")
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	code := regexp.MustCompile(`(?:\bCode: "|refuse\("|return ")([a-z]+(?:-[a-z]+)+|expired)"`)
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		for _, match := range code.FindAllStringSubmatch(string(text), -1) {
			made[match[1]] = true
		}
	}
	_, table, found := strings.Cut(string(document), "\n## Findings of plans\n")
	if !found {
		t.Fatal("docs/internal.md has no findings")
	}
	rows := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ").FindAllStringSubmatch(table, -1) {
		if rows[row[1]] = true; !made[row[1]] {
			t.Errorf("nothing makes %s", row[1])
		}
	}
	for code := range made {
		if !rows[code] {
			t.Errorf("docs/internal.md lacks a row that begins: | `%s` |", code)
		}
	}
	if len(made) < 15 {
		t.Errorf("only %d codes were found in the sources", len(made))
	}
}
