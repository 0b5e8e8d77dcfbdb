package pages

import (
	"io/fs"
	"regexp"
	"testing"
)

// TestTemplatesKeepToThePolicy reads all templates: the content security policy
// of the pages allows no style and no script in them, and nothing from elsewhere,
// so what is written against it would be dead.
func TestTemplatesKeepToThePolicy(t *testing.T) {
	t.Parallel()
	forbidden := map[string]*regexp.Regexp{
		"a style attribute":         regexp.MustCompile(`(?i)\sstyle\s*=`),
		"a style element":           regexp.MustCompile(`(?i)<style`),
		"a script in the page":      regexp.MustCompile(`(?i)<script(>|\s+(?:[^s]|s[^r]))`),
		"an event handler":          regexp.MustCompile(`(?i)\son[a-z]+\s*=\s*["']`),
		"an address of a script":    regexp.MustCompile(`(?i)javascript:`),
		"something from elsewhere":  regexp.MustCompile(`(?i)\s(?:src|action|srcset|data)\s*=\s*["']?(?:https?:)?//`),
		"a picture in an address":   regexp.MustCompile(`(?i)["'(]data:`),
		"an asset without its hash": regexp.MustCompile(`["']/assets/`),
	}
	seen := 0
	err := fs.WalkDir(templateFiles, "templates", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := templateFiles.ReadFile(name)
		if err != nil {
			return err
		}
		seen++
		for what, pattern := range forbidden {
			for _, found := range pattern.FindAllString(string(text), -1) {
				t.Errorf("%s has %s: %.80q", name, what, found)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 5 {
		t.Errorf("only %d templates were read", seen)
	}
}
