package reach

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strconv"
	"strings"
)

// owner marks what this process makes in Azure: the computer, by a hash, and the
// process. By it the next run on the same computer knows at once that the one
// which made a thing is dead, without waiting for its age to tell.
func owner() string { return computerMark() + "-" + strconv.Itoa(os.Getpid()) }

// computerMark is where a process id means the same: a computer of this name and
// user and, on Linux, this boot of it and this namespace of processes, because
// containers often have one name.
func computerMark() string {
	name, _ := os.Hostname()
	home, _ := os.UserHomeDir()
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	processes, _ := os.Readlink("/proc/self/ns/pid")
	sum := sha256.Sum256([]byte(strings.Join([]string{"cartouche", name, home, string(boot), processes}, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// orphaned tells that the process which made a thing was on this computer and
// is there no more. What others made on other computers is not known: false.
func orphaned(mark string) bool {
	computer, process, ok := strings.Cut(mark, "-")
	pid, err := strconv.Atoi(process)
	return ok && err == nil && pid > 1 && computer == computerMark() && !alive(pid)
}
