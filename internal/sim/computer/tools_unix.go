//go:build unix

package computer

import (
	"bufio"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// A program on the disk is a small shell script that calls its tool over
// named pipes: it makes a directory of its own under .calls, writes one line
// into the pipe that the world reads, and waits at a pipe in its directory.
// Who may enter the disk may call; nobody else can.
//
// 'read' and 'cat' are all it needs. An argument with a newline or the
// separator in it is refused.
const programText = `#!/bin/sh
calls='@CALLS@'
separator=$(printf '\037')
newline='
'
line='@TOOL@'
for argument; do
  case $argument in *"$separator"*|*"$newline"*) echo "argument refused" >&2; exit 2;; esac
  line=$line$separator$argument
done
own=$(mktemp -d "$calls/XXXXXXXX") || exit 2
trap 'rm -rf "$own"' EXIT
mkfifo -m 600 "$own/end" || exit 2
exec 3<>"$own/end"
printf '%s\n' "$own$separator$line" >"$calls/pipe" || exit 2
read -r code <&3
cat "$own/stdout"
cat "$own/stderr" >&2
exit "$code"
`

// runuserText is util-linux's runuser as scripts use it, "runuser -u USER --
// PROGRAM ARGUMENTS…": it knows the computer's accounts and no others. Which
// user really runs the program is this process' own.
// Source: runuser(1); the message is util-linux's, login-utils/su-common.c.
const runuserText = `#!/bin/sh
[ "${1-}" = -u ] && [ "${3-}" = -- ] || { echo "runuser: usage: runuser -u USER -- PROGRAM" >&2; exit 1; }
user=$2
shift 3
case ' @ACCOUNTS@ ' in
*" $user "*) exec "$@" ;;
esac
echo "runuser: user $user does not exist or the user entry does not contain all the required fields" >&2
exit 1
`

// installRunuser is for a computer with Linux that has accounts.
func (c *Computer) installRunuser() error {
	if c.o.OS != Linux || len(c.o.Accounts) == 0 {
		return nil
	}
	accounts := strings.Join(slices.Sorted(maps.Keys(c.o.Accounts)), " ")
	text := strings.ReplaceAll(runuserText, "@ACCOUNTS@", accounts)
	return os.WriteFile(filepath.Join(c.o.Dir, programDir, "runuser"), []byte(text), 0o700)
}

// installPrograms writes the programs and serves their calls. On a computer
// with Windows they are there to be found and are not run.
func (c *Computer) installPrograms(ctx context.Context) error {
	if err := c.installRunuser(); err != nil {
		return err
	}
	calls := filepath.Join(c.o.Dir, callDir)
	for path, tool := range c.o.Programs {
		path = filepath.Join(c.o.Dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		text := strings.NewReplacer("@CALLS@", calls, "@TOOL@", tool).Replace(programText)
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			return err
		}
	}
	if c.o.OS != Linux || len(c.o.Programs) == 0 {
		return nil
	}
	path := filepath.Join(calls, "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		return err
	}
	// Open for writing too, so that reading does not end when a caller does.
	pipe, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	c.work.Go(func() {
		<-ctx.Done()
		_ = pipe.Close()
	})
	c.work.Go(func() { c.answerCalls(ctx, pipe) })
	return nil
}

// answerCalls serves calls side by side until the pipe is closed. A line of
// more than a pipe takes at once (4096 bytes on Linux) is not promised to
// arrive in one piece.
func (c *Computer) answerCalls(ctx context.Context, pipe *os.File) {
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		words := strings.Split(lines.Text(), "\x1f")
		if len(words) < 2 || filepath.Dir(words[0]) != filepath.Join(c.o.Dir, callDir) {
			continue
		}
		c.work.Go(func() { c.answerCall(ctx, words[0], words[1], words[2:]) })
	}
}

func (c *Computer) answerCall(ctx context.Context, dir, program string, args []string) {
	stdout, stderr, code, err := c.Exec(ctx, program, args...)
	if err != nil {
		stderr, code = err.Error()+"\n", 127
	}
	err = errors.Join(os.WriteFile(filepath.Join(dir, "stdout"), []byte(stdout), 0o600), os.WriteFile(filepath.Join(dir, "stderr"), []byte(stderr), 0o600))
	if err != nil {
		return // the caller is gone, with its directory
	}
	// Without a reader this fails at once: the caller is gone.
	end, err := os.OpenFile(filepath.Join(dir, "end"), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	_, _ = end.WriteString(strconv.Itoa(code) + "\n")
	_ = end.Close()
}
