package secret_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/secret/secrettest"
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
	secrettest.WritesNoCore(t, command.Process.Pid)
}
