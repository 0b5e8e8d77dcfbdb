//go:build unix

package machine

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAHostRunsPrograms(t *testing.T) {
	t.Parallel()
	host := NewHost()
	stdout, stderr, code, err := host.Run(t.Context(), "sh", "-c", "echo out; echo err >&2; exit 3")
	if stdout != "out\n" || stderr != "err\n" || code != 3 || err != nil {
		t.Errorf("got %q, %q, %d, %v", stdout, stderr, code, err)
	}
	if _, _, _, err := host.Run(t.Context(), "/there/is/no/such"); err == nil {
		t.Error("what cannot be started is an error")
	}
	stdout, _, code, err = host.Run(t.Context(), "sh", "-c", "head -c 3000000 /dev/zero")
	if len(stdout) != maxOutput || code != 0 || err != nil {
		t.Errorf("got %d bytes, %d, %v", len(stdout), code, err)
	}
}

func TestWhatAProgramStartedEndsWithIt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	started := filepath.Join(t.TempDir(), "pid")
	go func() {
		for ctx.Err() == nil {
			if content, err := os.ReadFile(started); err == nil && bytes.HasSuffix(content, []byte("\n")) {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	_, _, _, err := NewHost().Run(ctx, "sh", "-c", `sleep 600 & echo $! >"$0"; wait`, started)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	content, err := os.ReadFile(started)
	if err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		state, err := os.ReadFile("/proc/" + strings.TrimSpace(string(content)) + "/stat")
		if err != nil || strings.Contains(string(state), ") Z ") { // gone, or dead and not yet waited for by init
			return
		}
		if time.Now().After(until) {
			t.Fatal("the child lives on")
		}
	}
}

func TestATemporaryFileIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	path, remove, err := NewHost().TempFile(".pfx", []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 || filepath.Ext(path) != ".pfx" {
		t.Errorf("%s has mode %s", path, info.Mode())
	}
	remove()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is there: %v", err)
	}
}

func TestRootRunsAToolAsItsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another login")
	}
	t.Parallel()
	dir, err := os.MkdirTemp("", "cartouche-test-") // the folders above t.TempDir are closed to others
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	tool, file := filepath.Join(dir, "tool.sh"), filepath.Join(dir, "pfx")
	if err := os.WriteFile(tool, []byte("#!/bin/sh\nid -u\ncat \"$1\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("lent\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	if err := os.Chown(tool, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	host := NewHost()
	if _, stderr, _, _ := host.Run(t.Context(), tool, file); !strings.Contains(stderr, "denied") {
		t.Errorf("it could be read before it was lent: %q", stderr)
	}
	if err := host.Lend(file, tool); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code, err := host.Run(t.Context(), tool, file)
	if stdout != "65534\nlent\n" || code != 0 || err != nil {
		t.Errorf("got %q, %q, %d, %v", stdout, stderr, code, err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Sys().(*syscall.Stat_t).Uid != nobody || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %s", info.Mode())
	}
}
