package main

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// noCore is the line of proc(5), limits, where no core dump may be written.
var noCore = regexp.MustCompile(`Max core file size +0 +0 `)

func TestTheProgramWritesNoCoreDump(t *testing.T) {
	pfx := t.TempDir() + "/site.pfx"
	if err := writePFX(pfx, "open sesame"); err != nil {
		t.Fatal(err)
	}
	program := exec.Command("cartouche", "check", pfx, "--password-file", "-") // testscript has put it there
	program.Env = append(os.Environ(), "CARTOUCHE_STATE_DIR="+t.TempDir())
	stdin, err := program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	defer program.Wait()
	defer stdin.Close() // until then it waits for the password
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
