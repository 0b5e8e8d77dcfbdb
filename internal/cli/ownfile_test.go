package cli_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cli"
)

func TestAFileOfOursIsNobodyElses(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("has no such modes; a link needs a right")
	}
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	if err := os.WriteFile(at("old"), []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(at("old"), 0o666); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	watching, err := os.Open(at("old")) // somebody has it open
	if err != nil {
		t.Fatal(err)
	}
	defer watching.Close()
	for _, name := range []string{"new", "old"} {
		if err := cli.WriteOwn(at(name), []byte("plan")); err != nil {
			t.Fatal(err)
		}
		content, _ := os.ReadFile(at(name))
		info, err := os.Stat(at(name))
		if err != nil || info.Mode().Perm() != 0o600 || string(content) != "plan" {
			t.Errorf("%s: %v %q %v", name, info.Mode(), content, err)
		}
	}
	seen := make([]byte, 10)
	if n, _ := watching.Read(seen); string(seen[:n]) != "old" {
		t.Errorf("who had it open reads %q", seen[:n])
	}

	if err := os.WriteFile(at("victim"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(at("victim"), at("link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", ".", "none/there"} {
		if err := cli.WriteOwn(at(name), []byte("plan")); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	if content, _ := os.ReadFile(at("victim")); string(content) != "mine" {
		t.Errorf("written through a link: %q", content)
	}
	if left, _ := filepath.Glob(at(".*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
