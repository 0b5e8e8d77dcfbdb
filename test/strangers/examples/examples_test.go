// Package examples runs the examples that Microsoft publishes with its Go
// modules against the simulator, as they are, and compares what they say of
// the answer with the answer. They are generated from the same documents as
// Azure's REST reference, so each is a witness whom nobody here can influence.
//
// The examples are read from the modules at the time of the test; none of their
// text is kept here. What the simulator's answers lack is listed in
// docs/simulator.md, and a test holds the list: -update writes it.
package examples

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the table of docs/simulator.md")

const modules = "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/"

func TestPublishedExamples(t *testing.T) {
	s := setUp(t)
	var err error
	sources := map[string]source{}
	for _, example := range table {
		file := filepath.Join(moduleDir(t, modules+example.module), example.file+"_example_test.go")
		sources[example.function], err = extract(file, example.function, s.placeholders(example.fill))
		if err != nil {
			t.Fatal(err)
		}
	}
	binary := build(t, program(sources))
	found := map[string][]string{}
	for _, example := range table {
		t.Run(example.function, func(t *testing.T) {
			published, simulated := s.run(t, binary, example.function)
			found[example.function] = missing(published, simulated, "")
			t.Logf("%d differences", len(found[example.function]))
		})
	}
	if t.Failed() {
		return
	}
	checkDocument(t, found)
}

// moduleDir is where the module's files are.
func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatalf("find %s: %v", module, err)
	}
	return strings.TrimSpace(string(out))
}

// build compiles a program inside this module, which has what it imports.
func build(t *testing.T, text string) string {
	t.Helper()
	dir, err := os.MkdirTemp(".", "generated-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "examples")
	out, err := exec.Command("go", "build", "-o", binary, "./"+dir).CombinedOutput()
	if err != nil {
		t.Fatalf("build the examples: %v\n%s", err, out)
	}
	return binary
}

// run runs one example and gives the answer that was published and the one
// that the simulator gave. Pages of a list are joined.
func (s *stage) run(t *testing.T, binary, function string) (published, simulated any) {
	t.Helper()
	command := exec.CommandContext(t.Context(), binary, function)
	command.Env = s.variables
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	lines := bufio.NewScanner(&stdout)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		what, text, _ := strings.Cut(lines.Text(), " ")
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		switch {
		case what == "expectation":
			published = value
		case simulated == nil:
			simulated = value
		default:
			simulated = joined(simulated, value)
		}
	}
	if published == nil || simulated == nil {
		t.Fatalf("the example showed no answer: %s", stdout.String())
	}
	return published, simulated
}

// joined appends the elements of a further page.
func joined(first, next any) any {
	page, ok := first.(map[string]any)
	further, alsoPage := next.(map[string]any)
	if !ok || !alsoPage {
		return first
	}
	have, _ := page["value"].([]any)
	more, _ := further["value"].([]any)
	page["value"] = append(have, more...)
	return page
}
