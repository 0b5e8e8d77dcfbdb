package secret_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// A process of its own: what it gives up, this one would not get back.
func TestMain(m *testing.M) {
	if os.Getenv("CARTOUCHE_TEST_WITHOUT_DUMPS") != "" {
		began := time.Now()
		secret.WithoutDumps()
		took := time.Since(began)
		dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		fmt.Println(dumpable, err, took < time.Millisecond)
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	os.Exit(m.Run())
}

func TestNoDumpIsWritten(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(self)
	command.Env = []string{"CARTOUCHE_TEST_WITHOUT_DUMPS=1"}
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer command.Wait()
	defer stdin.Close()
	said, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || said != "0 <nil> true\n" {
		t.Errorf("dumpable, error, within a millisecond: %q (%v)", said, err)
	}
	if limit := coreLimit(t, command.Process.Pid); limit != "0 0" {
		t.Errorf("the limit of a core dump is %s, want 0 0", limit)
	}
}

// coreLimit is the soft and the hard limit of a process, as the kernel tells it.
func coreLimit(t *testing.T, process int) string {
	t.Helper()
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", process))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(limits)) {
		if fields := strings.Fields(line); strings.HasPrefix(line, "Max core file size") {
			return strings.Join(fields[4:6], " ")
		}
	}
	t.Fatalf("no limit of core dumps in\n%s", limits)
	return ""
}
