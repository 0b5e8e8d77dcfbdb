package strangers

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// scripts are the JavaScript strangers, a package of their own.
const scripts = "../../test/strangers/javascript"

// TestJavaScriptSDKs runs Azure's SDKs for JavaScript as npm has them. They are
// installed by `npm ci` in their folder, never by a test.
func TestJavaScriptSDKs(t *testing.T) {
	needs(t, "node")
	if _, err := os.Stat(filepath.Join(scripts, "node_modules")); err != nil {
		if os.Getenv("CARTOUCHE_STRANGERS") == "required" {
			t.Fatalf("the JavaScript SDKs are required: npm ci in %s", scripts)
		}
		t.Skipf("the JavaScript SDKs are not installed: npm ci in %s", scripts)
	}
	t.Parallel()
	w := startWorld(t)
	command := w.command(t, "node", "--test", "--test-reporter=tap")
	command.Dir = scripts
	command.Env = append(command.Env, "WORLD_JSON="+filepath.Join(w.dir, "world.json"))
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("node --test: %v\n%s", err, out)
	}
	passed := regexp.MustCompile(`(?m)^# pass (\d+)$`).FindSubmatch(out)
	if passed == nil || string(passed[1]) == "0" || !strings.Contains(string(out), "# skipped 0") {
		t.Errorf("no test ran, or some were left out:\n%s", out)
	}
	for name, value := range w.secrets() {
		if strings.Contains(string(out), value) {
			t.Errorf("%s came out", name)
		}
	}
}
