package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cartouche-gis/cartouche/internal/secret/secrettest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cartouche-agent": main})
}

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
	secrettest.WritesNoCore(t, program.Process.Pid)
}
