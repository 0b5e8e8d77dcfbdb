package strangers

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// program is the path of the real binary; TestMain builds it once.
var program string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	if runtime.GOOS == "windows" {
		return m.Run() // every test skips by name: no signals, no azure-cli of Debian
	}
	dir, err := os.MkdirTemp("", "cartouche-strangers-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "make a directory for the program:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "cartouche")
	out, err := exec.Command("go", "build", "-o", program, "../../cmd/cartouche").CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %s\n%s", err, out)
		return 1
	}
	return m.Run()
}

// needs skips the test on a machine that lacks one of the strangers.
func needs(t *testing.T, strangers ...string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("strangers: not on Windows")
	}
	for _, name := range strangers {
		_, err := exec.LookPath(name)
		switch {
		case err == nil:
		case os.Getenv("CARTOUCHE_STRANGERS") == "required":
			t.Fatalf("%s is required and not installed", name)
		default:
			t.Skipf("%s is not installed", name)
		}
	}
}

// needsCommands skips the test where azure-cli is older than the one that it was
// tried with. Debian's 2.45 goes with newer libraries than it was made for, and
// its commands for machines are broken before any request.
func needsCommands(t *testing.T) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "az", "version", "--output", "json").Output()
	var versions map[string]any
	if err == nil {
		err = json.Unmarshal(out, &versions)
	}
	var major, minor int
	version, _ := versions["azure-cli"].(string)
	if err == nil {
		_, err = fmt.Sscanf(version, "%d.%d", &major, &minor)
	}
	switch {
	case err == nil && (major > 2 || major == 2 && minor >= 80):
	case os.Getenv("CARTOUCHE_STRANGERS") == "required":
		t.Fatalf("azure-cli 2.80 or later is required, this one is %q: %v", version, err)
	default:
		t.Skipf("azure-cli is %q, older than 2.80", version)
	}
}
