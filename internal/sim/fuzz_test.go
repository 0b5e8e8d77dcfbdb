package sim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A world's file may come from anybody: it is a layout that keeps to the bounds, or
// an error that says why.
func FuzzWorldFile(f *testing.F) {
	files, err := filepath.Glob("worlds/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, text := range []string{"a: &a [*a]", "subscription: x\ndeployments: [{kind: copy, copy: {names: [{address: 1}]}}]", strings.Repeat("[", 200), strings.Repeat(" - ", 200), "subscription: x\n<<: {}", "{\"subscription\": \"x\", \"deployments\": [{}]}", "? a\n: !!binary x"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := parseLayout(text)
		switch {
		case err != nil && err.Error() == "":
			t.Error("an error that says nothing")
		case err != nil:
		case len(l.Deployments) == 0 || len(l.Deployments) > maxDeployments || len(l.Certificates) > maxLikenesses || len(l.Subscriptions) == 0:
			t.Errorf("it is taken: %+v", l)
		}
	})
}
