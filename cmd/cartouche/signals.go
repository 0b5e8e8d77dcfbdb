package main

import (
	"os"
	"os/signal"
	"syscall"
)

// listen brings what asks the program to stop: Ctrl-C, SIGTERM, which on Windows
// is also a window that is closed, and the end of the terminal, as when a
// connection is lost at night. Who has started it with nohup wants it to go on.
//
// It also keeps SIGPIPE from ending the program. A run whose output nobody reads
// any more, because the pipe or the terminal is gone, must come to its end; by
// default Go ends a program that writes to a broken standard output or standard
// error (https://pkg.go.dev/os/signal#hdr-SIGPIPE). Notify, unlike Ignore, leaves
// nothing to the programs that this one starts.
func listen(interrupts chan<- os.Signal) {
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(interrupts, syscall.SIGHUP)
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
}
