package handshake_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/handshake"
)

// docs/findings.md has a row for each code, with its severity, under Endpoints.
func TestTheDocumentHasEveryCode(t *testing.T) {
	document, err := os.ReadFile("../../docs/findings.md")
	if err != nil {
		t.Fatal(err)
	}
	_, ours, _ := strings.Cut(string(document), "\n## Endpoints\n")
	ours, _, _ = strings.Cut(ours, "\n## ")
	for _, code := range handshake.Codes() {
		if row := fmt.Sprintf("| `%s` | %s |", code.Name, code.Severity); !strings.Contains(ours, row) {
			t.Errorf("docs/findings.md lacks a row that begins: %s", row)
		}
	}
	if rows := strings.Count(ours, "\n| `"); rows != len(handshake.Codes()) {
		t.Errorf("%d rows for %d codes", rows, len(handshake.Codes()))
	}
}
