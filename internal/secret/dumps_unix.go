//go:build unix

package secret

import "golang.org/x/sys/unix"

// noCore also holds for the programs that this one starts: setrlimit(2). The
// hard limit goes with the soft one, so that nobody raises it again. Linux heeds
// neither where core_pattern is a pipe (core(5)); there PR_SET_DUMPABLE counts.
func noCore() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) }
