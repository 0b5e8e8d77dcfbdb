package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// endWithParent ends the job when PowerShell has ended before the program: a
// process of Windows does not end with the one that started it, and how Run
// Command cancels a script there is not documented.
func endWithParent(end func()) {
	parent, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(os.Getppid()))
	if err != nil {
		return
	}
	go func() {
		if event, err := windows.WaitForSingleObject(parent, windows.INFINITE); err == nil && event == windows.WAIT_OBJECT_0 {
			end()
		}
	}()
}
