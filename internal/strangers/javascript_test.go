package strangers

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// scripts are the JavaScript strangers, a package of their own.
const scripts = "../../test/strangers/javascript"

// TestJavaScriptSDKs runs Azure's SDKs for JavaScript, and Esri's, as npm has them. They are
// installed by `npm ci` in their folder, never by a test.
func TestJavaScriptSDKs(t *testing.T) {
	needs(t, "node")
	needsNode(t, 20)
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
	exchanges := filepath.Join(w.home, "esri.json")
	command.Env = append(command.Env, "WORLD_JSON="+filepath.Join(w.dir, "world.json"), "ESRI_EXCHANGES="+exchanges)
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
	w.checkEsri(t, readFile(t, exchanges))
}

// needsNode asks for a major version: with an older one the SDKs lack a global
// and say nothing that would lead there.
func needsNode(t *testing.T, least int) {
	t.Helper()
	out, err := exec.Command("node", "--print", "parseInt(process.versions.node)").Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	version, err := strconv.Atoi(strings.TrimSpace(string(out)))
	switch {
	case err == nil && version >= least:
	case os.Getenv("CARTOUCHE_STRANGERS") == "required":
		t.Fatalf("node %s is too old: %d or newer is required", strings.TrimSpace(string(out)), least)
	default:
		t.Skipf("node %s is too old: %d or newer is needed", strings.TrimSpace(string(out)), least)
	}
}
