package strangers

import (
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
