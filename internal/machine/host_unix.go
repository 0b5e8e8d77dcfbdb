//go:build unix

package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// ownGroup puts the program into a process group of its own, so that what it
// starts ends with it: the tools of ArcGIS are shell scripts that start Java.
func ownGroup(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
}

func asOwner(command *exec.Cmd, program string) {
	if uid, gid, other := owner(program); other {
		command.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
		command.Dir = filepath.Dir(program)
	}
}

// owner is the login that a program is to be run as, when root runs it by its
// path and it is another's.
func owner(program string) (uid, gid uint32, other bool) {
	if os.Geteuid() != 0 || !filepath.IsAbs(program) {
		return 0, 0, false
	}
	info, err := os.Stat(program)
	if err != nil {
		return 0, 0, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == 0 {
		return 0, 0, false
	}
	return stat.Uid, stat.Gid, true
}

func (computer) Lend(path, program string) error {
	uid, gid, other := owner(program)
	if !other {
		return nil
	}
	if err := os.Chown(path, int(uid), int(gid)); err != nil {
		return fmt.Errorf("give the owner of %s a file to read: %w", program, err)
	}
	return nil
}

func (computer) ImportPFX(context.Context, secret.Secret, secret.Secret) error {
	return errors.New("only Windows has a certificate store of the computer")
}
