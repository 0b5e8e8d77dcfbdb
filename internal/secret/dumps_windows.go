package secret

import "golang.org/x/sys/windows"

// What Windows Error Reporting is told by WerSetFlags: no heap in what it
// collects of a crash, and no window.
const (
	noHeap   = 0x01 // WER_FAULT_REPORTING_FLAG_NOHEAP
	noWindow = 0x20 // WER_FAULT_REPORTING_NO_UI, which Go's runtime sets too
)

// withoutDumps adds to what Go's runtime does on Windows: it reports no crash at
// all (SetErrorMode), unless GOTRACEBACK=wer asks for it; then the heap stays
// out. What an administrator wants by LocalDumps or a debugger, no program can
// refuse.
func withoutDumps() {
	set := windows.NewLazySystemDLL("kernel32.dll").NewProc("WerSetFlags")
	if set.Find() == nil {
		_, _, _ = set.Call(noHeap | noWindow)
	}
}
