package reach

import (
	"errors"

	"golang.org/x/sys/windows"
)

// alive: ERROR_INVALID_PARAMETER is what OpenProcess has for an id that no
// process has.
func alive(pid int) bool {
	process, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return !errors.Is(err, windows.ERROR_INVALID_PARAMETER)
	}
	defer windows.CloseHandle(process)
	event, err := windows.WaitForSingleObject(process, 0)
	return err != nil || event != windows.WAIT_OBJECT_0
}
