package main

import "golang.org/x/sys/unix"

// withoutCoreDumps keeps passwords and keys out of a dump of this process, and
// other processes of the same login out of its memory (prctl(2),
// PR_SET_DUMPABLE). Where it is refused the program works all the same.
func withoutCoreDumps() {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}
