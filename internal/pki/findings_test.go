package pki

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// codesInSource are the values of the constants in codes.go.
func codesInSource(t *testing.T) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(parsed, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if ok && strings.HasPrefix(spec.Names[0].Name, "code") {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, text)
		}
		return true
	})
	return found
}

func TestTheCatalogueHasEveryCode(t *testing.T) {
	source := codesInSource(t)
	if len(source) < 50 || len(source) != len(catalogue) {
		t.Errorf("%d codes, %d in the catalogue", len(source), len(catalogue))
	}
	for _, code := range source {
		if _, listed := catalogue[code]; !listed {
			t.Errorf("%s is not in the catalogue", code)
		}
		if !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(code) {
			t.Errorf("%q is not spelt as a code", code)
		}
	}
}

// docs/findings.md has a row for each code, with its severity. Rows of other
// packages stand under headings of their own, from "## Endpoints" on.
func TestTheDocumentHasEveryCode(t *testing.T) {
	document, err := os.ReadFile("../../docs/findings.md")
	if err != nil {
		t.Fatal(err)
	}
	ours, _, _ := strings.Cut(string(document), "\n## Endpoints")
	documented := map[string]Severity{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (\\w+) \\| ([^|]+) \\| ([^|]+) \\|$").FindAllStringSubmatch(ours, -1) {
		if _, twice := documented[row[1]]; twice {
			t.Errorf("%s has two rows", row[1])
		}
		documented[row[1]] = Severity(row[2])
	}
	if rows := strings.Count(ours, "\n| `"); rows != len(documented) {
		t.Errorf("%d rows, %d understood", rows, len(documented))
	}
	for code, severity := range catalogue {
		if documented[code] != severity {
			t.Errorf("%s: the document says %q, the code %q", code, documented[code], severity)
		}
		delete(documented, code)
	}
	for code := range documented {
		t.Errorf("%s is in the document only", code)
	}
}

func TestFindingsWorstFirst(t *testing.T) {
	var findings Findings
	if findings.Refused() || findings.Worst() != "" {
		t.Error("no findings refuse")
	}
	for _, code := range []string{codeRootIncluded, codeExpiresSoon, codeIssuerChanged, codeExpired, codeECKey} {
		findings.add(code, "", "x")
	}
	want := []string{codeExpired, codeExpiresSoon, codeECKey, codeRootIncluded, codeIssuerChanged}
	if got := codes(findings.WorstFirst()); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if !findings.Refused() || findings[:3].Worst() != Warning {
		t.Error("the worst is not found")
	}
}

// Whoever makes a certificate writes into our sentences.
func TestPrintable(t *testing.T) {
	if got := printable("a\x1b[31m\r\nb\u202ec"); strings.ContainsAny(got, "\x1b\r\n\u202e") || !strings.HasPrefix(got, "a") {
		t.Errorf("%q", got)
	}
	if got := printable(strings.Repeat("ü", 1<<20)); utf8.RuneCountInString(got) > 259 {
		t.Errorf("%d characters", utf8.RuneCountInString(got))
	}
	if got := printable("München, 東京"); got != "München, 東京" {
		t.Errorf("%q", got)
	}
}
