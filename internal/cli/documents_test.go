package cli_test

import (
	"fmt"
	"os"
	"regexp"
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

// TestEveryTroubleOnTheWayIsDocumented compares the codes of package reach with
// docs/reach.md.
func TestEveryTroubleOnTheWayIsDocumented(t *testing.T) {
	source, err := os.ReadFile("../reach/error.go")
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile("../../docs/reach.md")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`Code += "([a-z-]+)"`).FindAllSubmatch(source, -1)
	if len(codes) < 10 {
		t.Fatalf("only %d codes in error.go", len(codes))
	}
	for _, code := range codes {
		if !strings.Contains(string(document), "`"+string(code[1])+"`") {
			t.Errorf("code %s is not in docs/reach.md", code[1])
		}
	}
}
