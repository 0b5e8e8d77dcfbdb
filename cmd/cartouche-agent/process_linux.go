package main

import "golang.org/x/sys/unix"

// endWithParent ends the job when the script has ended before the program: when
// its time is up, Azure kills the script alone (run-command-handler-linux,
// internal/exec), and runuser(1) may have given the program a session of its own.
func endWithParent(func()) {
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM), 0, 0, 0)
}
