package reach

// Code says what kind of trouble there was on the way to a machine. Codes are
// stable: documents and exit codes rely on them.
type Code string

// The codes.
const (
	MachineOff       Code = "machine-off"
	AgentNotReady    Code = "agent-not-ready"
	RunAsRefused     Code = "run-as-refused" // wrong service account
	RunCommandBusy   Code = "run-command-busy"
	RunCommandsFull  Code = "run-commands-full"
	DiskFull         Code = "disk-full"
	DownloadRefused  Code = "download-refused"
	HashDiffers      Code = "hash-differs"
	NoStorage        Code = "no-storage"
	StorageRefused   Code = "storage-refused"
	NotPermitted     Code = "not-permitted"
	TimedOut         Code = "timed-out"
	Cancelled        Code = "cancelled"
	OutputLost       Code = "output-lost"
	NoAnswer         Code = "no-answer"
	NotThisWay       Code = "not-this-way"
	ProgramNotToHave Code = "no-program"       // there is no agent for the machine's system
	ExtensionFailed  Code = "extension-failed" // what DSC did is not known
)

// Error is trouble on the way to a machine: the job did not begin, or what
// became of it is not known.
type Error struct {
	Code Code
	// Machine is the virtual machine's name, "" when none was reached for yet.
	Machine string
	// Sentence says what happened, Mend what to do about it ("" when nothing
	// better is known than to try again).
	Sentence string
	Mend     string
	// Unsure tells that the job may have been done all the same, wholly or in
	// part: look at the machine before anything else.
	Unsure bool
	// Err is what lies beneath, nil when nothing does.
	Err error
}

// Error is one line.
func (e *Error) Error() string {
	text := e.Sentence
	if e.Machine != "" {
		text = e.Machine + ": " + text
	}
	return text
}

// Unwrap leads to what lies beneath.
func (e *Error) Unwrap() error { return e.Err }
