package rotation

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/findings.md has a row for each code of this package, and no others
// under its heading.
func TestTheDocumentHasEveryFinding(t *testing.T) {
	document, err := os.ReadFile("../../docs/findings.md")
	if err != nil {
		t.Fatal(err)
	}
	_, ours, found := strings.Cut(string(document), "\n## Deployments\n")
	if !found {
		t.Fatal("docs/findings.md has no heading Deployments")
	}
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)`").FindAllStringSubmatch(ours, -1) {
		documented[row[1]] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, match := range regexp.MustCompile(`(?:Code: |unread\()"([a-z-]+)"`).FindAllStringSubmatch(string(source), -1) {
			used[match[1]] = true
		}
	}
	if len(used) < 20 {
		t.Fatalf("only %d codes were found in the code", len(used))
	}
	for code := range used {
		if !documented[code] {
			t.Errorf("%s is not in docs/findings.md", code)
		}
	}
	for code := range documented {
		if !used[code] {
			t.Errorf("%s is in docs/findings.md only", code)
		}
	}
}
