package cli_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cli"
)

// TestEveryCodeIsDocumented compares the table of errors with docs/json.md.
func TestEveryCodeIsDocumented(t *testing.T) {
	document, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for text := range strings.SplitSeq(string(document), "\n") {
		cells := strings.Split(text, "|")
		if len(cells) == 5 {
			rows[strings.TrimSpace(cells[1])] = cells[3]
		}
	}
	for status := range cli.Statuses() {
		if _, ok := rows[fmt.Sprint(status)]; !ok {
			t.Errorf("exit status %d is not in the table", status)
		}
	}
	for code, status := range cli.ErrorCodes() {
		switch code {
		case "file-refused": // takes the code of the defect
			continue
		case "arcgis", "journal", "reach": // followed by a code of their own
			code += "-…"
		}
		if !strings.Contains(rows[fmt.Sprint(status)], "`"+code+"`") {
			t.Errorf("code %s is not in the row of exit status %d", code, status)
		}
	}
}
