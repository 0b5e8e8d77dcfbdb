package web

import (
	"html"
	"regexp"
	"strings"
	"testing"
)

var (
	// asACommand is where a page says on purpose what to type.
	asACommand = regexp.MustCompile(`(?s)<details><summary>The same on a command line.*?</details>|<code\b.*?</code>|\baz [a-z][^<;]*`)
	flagOrVerb = regexp.MustCompile(`(?:^|[\s(>])--[a-z][a-z-]+|cartouche (?:account|apply|certificates|check|clean|deployments|history|log|plan|rehearse|show|undo|unlock|upload|vaults|verify)[a-z]*\b`)
)

// noFlags holds every page that the tests of this package see against what pages
// are for: people who do not know what a flag is.
func noFlags(t *testing.T, path, body string) {
	t.Helper()
	_, main, is := strings.Cut(body, "<main")
	if !is {
		return
	}
	for _, typed := range flagOrVerb.FindAllString(asACommand.ReplaceAllString(html.UnescapeString(main), ""), -1) {
		t.Errorf("%s says what is typed at a command line: %q", path, typed)
	}
}
