package main

import "golang.org/x/sys/unix"

// withoutCoreDumps keeps passwords and keys out of a dump of this process, and
// other processes of the same login out of its memory (prctl(2),
// PR_SET_DUMPABLE). Where it is refused the program works all the same.
func withoutCoreDumps() {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}

// endWithParent ends the job when the script has ended before the program: when
// its time is up, Azure kills the script alone (run-command-handler-linux,
// internal/exec), and runuser(1) may have given the program a session of its own.
func endWithParent(func()) {
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM), 0, 0, 0)
}
