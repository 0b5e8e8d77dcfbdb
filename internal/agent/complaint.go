package agent

import (
	"fmt"
	"io"
	"regexp"
)

// Why nothing was done on the machine. The scripts and the program say it on
// standard error, "cartouche: CODE: SENTENCE", and by an exit code of its own.
const (
	NoParameters    = "no-parameters"    // they did not reach the script
	DiskFull        = "disk-full"        // or no folder in which a program may be started
	DownloadRefused = "download-refused" // the program could not be fetched
	HashDiffers     = "hash-differs"     // what was fetched is not the program
	NoSuchUser      = "no-such-user"     // or one that nothing can be run as
	NotStarted      = "not-started"      // the program could not be started
	BadJob          = "bad-job"          // it could not read the job
	BadReport       = "bad-report"       // it could not give its report, though the job was done
)

// exitCodes are those of the complaints; the shell's own (126, 127, 128 and
// more) and those of curl are others.
var exitCodes = map[string]int{
	NoParameters: 91, DiskFull: 92, DownloadRefused: 93, HashDiffers: 94, NotStarted: 95, BadJob: 96, BadReport: 97,
	NoSuchUser: 98,
}

// Complain writes what [Complaint] reads, and gives the exit code that goes with it.
func Complain(stderr io.Writer, code, sentence string) int {
	fmt.Fprintf(stderr, "cartouche: %s: %s\n", code, sentence)
	return exitCodes[code]
}

// Windows PowerShell may put the name of the program before what it says on
// standard error: "C:\…\cartouche-agent.exe : cartouche: …".
var complaint = regexp.MustCompile(`(?m)^(?:[^\r\n]{1,300} : )?cartouche: ([a-z-]{1,40}): ([^\r\n]{0,1000})`)

// Complaint finds in standard error why nothing was done: one of the codes of
// this package and a sentence, which comes from the machine and is to be
// escaped when it is shown. Both are "" when there is none.
func Complaint(stderr string) (code, sentence string) {
	for _, found := range complaint.FindAllStringSubmatch(stderr, -1) {
		if _, known := exitCodes[found[1]]; known {
			return found[1], found[2]
		}
	}
	return "", ""
}
