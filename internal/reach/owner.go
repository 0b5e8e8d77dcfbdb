package reach

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strconv"
	"strings"
)

// owner marks what this process makes in Azure: the computer, by a hash of its
// name, and the process. By it the next run on the same computer knows at once
// that the one which made a thing is dead, without waiting for its age to tell.
func owner() string { return computerMark() + "-" + strconv.Itoa(os.Getpid()) }

func computerMark() string {
	name, _ := os.Hostname()
	sum := sha256.Sum256([]byte("cartouche\x00" + name))
	return hex.EncodeToString(sum[:8])
}

// orphaned tells that the process which made a thing was on this computer and
// is there no more. What others made on other computers is not known: false.
func orphaned(mark string) bool {
	computer, process, ok := strings.Cut(mark, "-")
	pid, err := strconv.Atoi(process)
	return ok && err == nil && pid > 1 && computer == computerMark() && !alive(pid)
}
