package evidence

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheFormatIsDocumented holds every member of a file and every code of a
// finding against docs/evidence.md.
func TestTheFormatIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	document := string(text)
	full := Document{
		Previous: &Previous{}, Before: &Look{Handshakes: []Handshake{{}}, Backends: []Backend{{}}, Sites: []Site{{}}, Validations: []Validation{{}}, Ports: []Port{{}}},
		Run: Run{FinishedAt: noon}, Steps: []Step{{FinishedAt: noon}}, Restarts: Restarts{Machines: []Restart{{}}},
	}
	data, err := json.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`"(\w+)":`).FindAllStringSubmatch(string(data), -1) {
		if !strings.Contains(document, "`"+name[1]+"`") {
			t.Errorf("the member %q is not in docs/evidence.md", name[1])
		}
	}
	for _, file := range []string{"verify.go", "holds.go", "../cli/evidenceverify.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range regexp.MustCompile(`(?:refuse\(|note\(|Code: )"([a-z-]+)"`).FindAllStringSubmatch(string(source), -1) {
			if code[1] != "findings" && !strings.Contains(document, "`"+code[1]+"`") {
				t.Errorf("the code %q is not in docs/evidence.md", code[1])
			}
		}
	}
}
