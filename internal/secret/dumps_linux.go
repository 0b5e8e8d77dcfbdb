package secret

import "golang.org/x/sys/unix"

func withoutDumps() {
	noCore()
	// It also keeps other processes of the same login out of this one's memory
	// (ptrace, /proc/PID/mem and /proc/PID/environ): prctl(2), PR_SET_DUMPABLE;
	// proc(5). A program that this one starts is as it would be.
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}
