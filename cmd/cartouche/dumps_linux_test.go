package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/secret/secrettest"
)

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
	secrettest.WritesNoCore(t, program.Process.Pid)
}
