//go:build release

package agent

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// TestAReleaseHoldsEveryAgent is run by .ci/release, where they are.
func TestAReleaseHoldsEveryAgent(t *testing.T) {
	t.Setenv("PATH", "") // nothing can be built
	for _, system := range systems {
		goos, goarch, _ := strings.Cut(system, "/")
		program, err := Build(t.Context(), goos, goarch)
		if err != nil {
			t.Fatal(err)
		}
		mark := map[string]string{"linux": "\x7fELF", "windows": "MZ"}[goos]
		if !strings.HasPrefix(string(program.Content), mark) || strings.HasSuffix(program.Name, ".exe") != (goos == "windows") {
			t.Errorf("%s is no program for %s", program.Name, system)
		}
		if len(program.Content) > 12<<20 {
			t.Errorf("%s has %d bytes, which is much for a machine to fetch", program.Name, len(program.Content))
		}
	}
	if _, err := Build(t.Context(), runtime.GOOS, "mips"); err == nil {
		t.Error("there is one for a processor that has none")
	}
}

// TestAReleaseRunsItsAgent starts the one for this computer.
func TestAReleaseRunsItsAgent(t *testing.T) {
	program, err := Build(t.Context(), runtime.GOOS, runtime.GOARCH)
	if err != nil {
		t.Skip(err)
	}
	file := t.TempDir() + "/" + program.Name
	if err := os.WriteFile(file, program.Content, 0o700); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(file, file) // it is no sealed job
	command.Stdin = strings.NewReader("no key")
	out, err := command.CombinedOutput()
	var exit *exec.ExitError
	if code, _ := Complaint(string(out)); code != BadJob || !errors.As(err, &exit) || exit.ExitCode() != exitCodes[BadJob] {
		t.Errorf("got %v: %s", err, out)
	}
}
