package pages

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pictureOf names for each page the picture of it that docs/pages.md shows.
var pictureOf = map[string]string{
	"api": "api", "certificate": "certificate", "changes": "changes", "check": "check", "claim": "claim", "clean": "clean",
	"deployment": "deployment", "deployments": "deployments", "error": "error", "history": "history", "logins": "machines-logins",
	"machines-certificates": "machines-certificates", "machines-review": "machines-review", "rehearsal": "rehearsal", "rehearse": "rehearse",
	"renew-certificate": "wizard-file", "renew-credentials": "wizard-logins", "renew-deployment": "wizard-deployment", "renew-review": "wizard-review",
	"run": "run-going", "sign-in": "sign-in", "signing-in": "sign-in-code", "subscription": "subscription", "tenant": "tenant", "undo": "undo",
	"upload": "upload", "upload-review": "upload-review", "uploaded": "uploaded", "work": "work", "world": "world",
}

// TestEveryPageHasAPicture: whoever adds a page looks at it, and shows it.
func TestEveryPageHasAPicture(t *testing.T) {
	t.Parallel()
	const docs = "../../../docs"
	text, err := os.ReadFile(filepath.Join(docs, "pages.md"))
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, link := range regexp.MustCompile(`!\[[^\]]+\]\(pictures/([a-z-]+)\.png\)`).FindAllSubmatch(text, -1) {
		shown = append(shown, string(link[1]))
		if _, err := os.Stat(filepath.Join(docs, "pictures", string(link[1])+".png")); err != nil {
			t.Error(err)
		}
	}
	pages, err := filepath.Glob("templates/*.html")
	if err != nil || len(pages) == 0 {
		t.Fatalf("%d templates, %v", len(pages), err)
	}
	for _, page := range pages {
		name := strings.TrimSuffix(filepath.Base(page), ".html")
		if name == "layout" || strings.HasPrefix(name, "parts") {
			continue
		}
		if picture := pictureOf[name]; !slices.Contains(shown, picture) {
			t.Errorf("docs/pages.md has no picture %q of the page %s", picture, name)
		}
	}
	files, _ := filepath.Glob(filepath.Join(docs, "pictures", "*.png"))
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".png"); !slices.Contains(shown, name) {
			t.Errorf("%s is shown nowhere", file)
		}
	}
}
