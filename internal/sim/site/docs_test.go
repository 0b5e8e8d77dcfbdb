package site

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// table is what stands between two marks of docs/simulator.md.
func table(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "<!-- "+name+": begin -->")
	inner, _, closed := strings.Cut(rest, "<!-- "+name+": end -->")
	if !found || !closed {
		t.Fatalf("docs/simulator.md has no table %s", name)
	}
	return inner
}

// The documented rules are all of them, and name tests that are there.
func TestDocumentedRulesHaveTheirTests(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	rules := table(t, "rules")
	for _, name := range regexp.MustCompile(`Test\w+`).FindAllString(rules, -1) {
		if !strings.Contains(source.String(), "\nfunc "+name+"(t *testing.T)") {
			t.Errorf("there is no %s", name)
		}
	}
	for number := 1; number <= 31; number++ {
		if !regexp.MustCompile(`\bS` + strconv.Itoa(number) + `\b`).MatchString(rules) {
			t.Errorf("the table lacks rule S%d", number)
		}
	}
}

// Every switch is documented, and nothing else is.
func TestEverySwitchIsDocumented(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for line := range strings.Lines(table(t, "options")) {
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(first, -1) {
			documented[name[1]] = true
		}
	}
	fields := reflect.TypeFor[Options]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		if !documented[name] {
			t.Errorf("Options.%s is not documented", name)
		}
		delete(documented, name)
	}
	for name := range documented {
		t.Errorf("there is no Options.%s", name)
	}
}
