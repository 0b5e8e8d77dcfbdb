package reach

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/agent"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// named gives an error the machine's name.
func named(err error, name string) error {
	var e *Error
	if !errors.As(err, &e) {
		return &Error{Code: NoAnswer, Machine: name, Sentence: plain(err), Err: err}
	}
	own := *e
	if own.Machine == "" {
		own.Machine = name
	}
	return &own
}

// notBegun is for a caller who gave up before anything was sent.
func notBegun(ctx context.Context) *Error {
	e := gaveUp(ctx, false)
	e.Sentence = "The job was not begun: " + strings.ToLower(e.Sentence[:1]) + e.Sentence[1:]
	return e
}

// gaveUp is for a caller whose context ended while something ran, which is
// cancelled.
func gaveUp(ctx context.Context, changes bool) *Error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Error{Code: TimedOut, Unsure: changes, Err: ctx.Err(), Sentence: "It took longer than there was time for, and was cancelled."}
	}
	return &Error{Code: Cancelled, Unsure: changes, Err: context.Cause(ctx), Sentence: "It was cancelled."}
}

// ofAzure makes an Error of what Resource Manager said; sentence says what did
// not work.
func ofAzure(ctx context.Context, err error, sentence string) *Error {
	if ctx.Err() != nil {
		return gaveUp(ctx, false)
	}
	e := &Error{Code: NoAnswer, Sentence: strings.TrimRight(sentence, ".") + ": " + plain(err) + ".", Err: err}
	var azure *cloud.Error
	if errors.As(err, &azure) {
		e.Mend = azure.Hint
	}
	switch {
	case cloud.IsForbidden(err) || cloud.IsUnauthorized(err) || cloud.HasCode(err, "ScopeLocked", "RequestDisallowedByPolicy"):
		e.Code = NotPermitted
	case cloud.IsNotFound(err):
		e.Code = NotThisWay
	}
	return e
}

// ofStorage is ofAzure for blobs.
func ofStorage(ctx context.Context, err error) *Error {
	e := ofAzure(ctx, err, "The storage account does not take the program.")
	if e.Code != Cancelled && e.Code != TimedOut {
		e.Code = StorageRefused
		if e.Mend == "" {
			e.Mend = "See that this computer and this sign-in may use the account, or run Cartouche on a computer in the virtual network (--reach direct)."
		}
	}
	return e
}

// refused is why Azure did not take a run command, or could not start it.
// Sources: azure.md §4.4; "Troubleshoot managed Run Command"; the error codes
// of the Compute provider.
func (a *agentWay) refused(ctx context.Context, err error) error {
	text := strings.ToLower(allTexts(err))
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(text, part) {
				return true
			}
		}
		return false
	}
	switch {
	case cloud.HasCode(err, "CannotModifyExtensionsWhenVMNotRunning") || has("when the vm is not running"):
		return &Error{Code: MachineOff, Sentence: "The machine does not run.", Mend: "Start it, then run the same command again.", Err: err}
	case cloud.HasCode(err, "VMAgentStatusCommunicationError", "VMExtensionProvisioningTimeout") || has("vm agent", "guest agent"):
		return &Error{Code: AgentNotReady, Sentence: "The machine's Azure agent does not answer: " + plain(err) + ".", Err: err,
			Mend: "Restart the service WindowsAzureGuestAgent (Linux: walinuxagent or waagent) on the machine, or the machine; or use --reach direct from inside the virtual network."}
	case has("maximum number of managed run commands", "(max=25"):
		return &Error{Code: RunCommandsFull, Sentence: "The machine has as many run commands as Azure allows.", Err: err,
			Mend: "Delete those that are no longer needed: az vm run-command list --vm-name VM --resource-group GROUP"}
	case a.options.RunAs.User != "" && has("runas", "run as", "logon", "password", "credential"):
		return a.runAsRefused(plain(err), err)
	case cloud.IsConflict(err):
		return &Error{Code: RunCommandBusy, Sentence: "The machine is busy with another command or change: " + plain(err) + ".", Err: err,
			Mend: "Wait until it has ended, then run the same command again."}
	}
	return ofAzure(ctx, err, "Azure does not start the program.")
}

func (a *agentWay) runAsRefused(why string, err error) *Error {
	return &Error{Code: RunAsRefused, Err: err,
		Sentence: fmt.Sprintf("The program could not be run as %s: %s.", a.options.RunAs.User, strings.TrimRight(why, ".")),
		Mend:     "Check the service account's name and password: it must be the login under which ArcGIS Server runs on this machine. Without it, the program runs as the machine's own account."}
}

// codeOf is what the agent's complaints are here.
var codeOf = map[string]Code{
	agent.DiskFull: DiskFull, agent.DownloadRefused: DownloadRefused, agent.HashDiffers: HashDiffers,
	agent.NoSuchUser: RunAsRefused, agent.NoParameters: NotThisWay, agent.NotStarted: NotThisWay, agent.BadJob: NotThisWay, agent.BadReport: OutputLost,
}

// mendOf says what to do about a complaint.
var mendOf = map[string]string{
	agent.DiskFull:        "Make room on the machine: the program needs some 20 MB in its temporary folder for a minute.",
	agent.DownloadRefused: "See that the machine reaches the storage account on port 443, that the account's network rules admit it, and that this computer's clock is right; or use --reach direct from inside the virtual network.",
	agent.NoSuchUser:      "Check the service account's name: it must be the login under which ArcGIS Server runs on this machine. Without it, the program runs as root.",
	agent.NoParameters:    "Run Command did not hand over its protected parameters: see that the machine's Azure agent is up to date; or use --reach direct from inside the virtual network.",
	agent.HashDiffers:     "What the machine fetched is not what was uploaded: look for a proxy that alters downloads between it and the storage account.",
	agent.NotStarted:      "Look for a policy on the machine that forbids new programs (AppLocker, a noexec mount); or use --reach direct from inside the virtual network.",
}

// judge says why an ended run command brought no report.
func (a *agentWay) judge(view cloud.RunCommandView, changes bool) *Error {
	if code, sentence := agent.Complaint(view.Errors); code != "" {
		return &Error{Code: codeOf[code], Sentence: strings.TrimRight(escape(sentence), ".") + ".", Mend: mendOf[code],
			Unsure: changes && code == agent.BadReport}
	}
	said := strings.TrimRight(escape(strings.TrimSpace(view.Message+" "+lastLine(view.Errors))), ".")
	switch strings.ToLower(view.State) {
	case "timedout":
		return &Error{Code: TimedOut, Unsure: changes, Sentence: "The program did not end in time, so Azure ended it.", Mend: "Look at the machine, then run the same command again."}
	case "canceled":
		return &Error{Code: Cancelled, Unsure: changes, Sentence: "Somebody else cancelled the run command."}
	}
	if a.options.RunAs.User != "" && speaksOfLogon(said) {
		return a.runAsRefused(said, nil)
	}
	if said == "" {
		said = "it says nothing"
	}
	return &Error{Code: NoAnswer, Unsure: changes, Sentence: fmt.Sprintf("The program gave no report (exit code %d): %s.", view.ExitCode, said)}
}

func speaksOfLogon(text string) bool {
	text = strings.ToLower(text)
	for _, word := range []string{"logon", "log on", "password", "credential", "runas", "run as", "user name", "username", "unknown user", "authentication failure"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// signature is what is secret of a signed address, if a program quotes one.
var signature = regexp.MustCompile(`(?i)\b(sig=)[^&\s"']+`)

// escape makes one bounded line of what a machine said, fit to be shown.
func escape(text string) string {
	const limit = 400
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0xfffd || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = signature.ReplaceAllString(strings.Join(strings.Fields(text), " "), "$1[secret]")
	if runes := []rune(text); len(runes) > limit {
		text = string(runes[:limit]) + " ..."
	}
	return text
}

// plain is what an error says, without the full stop at its end.
func plain(err error) string { return strings.TrimRight(escape(err.Error()), ". ") }

func allTexts(err error) string {
	var e *cloud.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	texts := []string{e.Code, e.Message}
	for _, detail := range e.Details {
		texts = append(texts, detail.Code, detail.Message)
	}
	return strings.Join(texts, "\n")
}
