//go:build unix

package computer

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// ownGroup makes a command the leader of a process group of its own.
func ownGroup(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(id int) { _ = syscall.Kill(-id, syscall.SIGKILL) }

// Processes are the process groups of its scripts in which something still
// runs. On Linux a process that left its group is found by its environment.
func (c *Computer) Processes() []int {
	if c.o.OS == Windows {
		return nil // whose scripts are no processes here
	}
	if found, ok := c.byProc(); ok {
		return found
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var alive []int
	for _, group := range slices.Sorted(maps.Keys(c.groups)) {
		if syscall.Kill(-group, 0) == nil {
			alive = append(alive, group)
		}
	}
	return alive
}

// byProc looks in /proc for processes with this computer's TMPDIR. A process
// that ended and was not waited for has no environment any more.
func (c *Computer) byProc() ([]int, bool) {
	mark := []byte("\x00TMPDIR=" + filepath.Join(c.o.Dir, tempDir) + "\x00")
	entries, _ := filepath.Glob("/proc/[0-9]*/environ")
	if len(entries) == 0 {
		return nil, false
	}
	groups := map[int]bool{}
	for _, entry := range entries {
		environ, err := os.ReadFile(entry)
		if err != nil || !bytes.Contains(append([]byte{0}, environ...), mark) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(entry)))
		if err != nil {
			continue
		}
		if group, err := syscall.Getpgid(pid); err == nil {
			groups[group] = true
		}
	}
	return slices.Sorted(maps.Keys(groups)), true
}
