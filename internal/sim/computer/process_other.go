//go:build !unix

package computer

import (
	"os"
	"os/exec"
)

// ownGroup does nothing where there are no process groups.
func ownGroup(*exec.Cmd) {}

// killGroup kills the process alone; what it started stays.
func killGroup(id int) {
	if process, err := os.FindProcess(id); err == nil {
		_ = process.Kill()
	}
}

// Processes cannot be told here.
func (c *Computer) Processes() []int { return nil }
