package main

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cartouche-agent": main})
}

// noCore is the line of proc(5), limits, where no core dump may be written.
var noCore = regexp.MustCompile(`Max core file size +0 +0 `)

func TestTheAgentWritesNoCoreDump(t *testing.T) {
	sealed := t.TempDir() + "/job"
	if err := os.WriteFile(sealed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	program := exec.Command("cartouche-agent", sealed) // testscript has put it there
	stdin, err := program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	defer program.Wait()
	defer stdin.Close() // until then it waits for the key
	var limits []byte
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if limits, err = os.ReadFile("/proc/" + strconv.Itoa(program.Process.Pid) + "/limits"); err != nil {
			t.Fatal(err)
		}
		if noCore.Match(limits) {
			return
		}
	}
	t.Errorf("core dumps are not off:\n%s", limits)
}
