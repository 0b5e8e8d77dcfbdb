package cloud

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// docs/findings.md has a row for each code of vaultjudge.go under Key Vault, and
// no others. Two codes are those of package pki and have their rows there.
func TestTheDocumentHasEveryFindingOfAVault(t *testing.T) {
	document, err := os.ReadFile("../../docs/findings.md")
	if err != nil {
		t.Fatal(err)
	}
	_, ours, _ := strings.Cut(string(document), "\n## Key Vault\n")
	ours, _, _ = strings.Cut(ours, "\n## ")
	documented := map[string]bool{"expired": true, "not-yet-valid": true}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| refusal \\|").FindAllStringSubmatch(ours, -1) {
		documented[row[1]] = true
	}
	source, err := os.ReadFile("vaultjudge.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, match := range regexp.MustCompile(`refuse\("([a-z-]+)"`).FindAllStringSubmatch(string(source), -1) {
		used[match[1]] = true
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
