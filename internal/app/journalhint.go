package app

import "github.com/cartouche-gis/cartouche/internal/journal"

// journalHint says what to do about a journal that cannot be used, and what that costs.
func journalHint(e *journal.Error) string {
	switch e.Code {
	case journal.CodeFull:
		return "make room on the disk, and try again"
	case journal.CodeBusy:
		return "wait for that process to end, and try again"
	case journal.CodeNewer:
		return "use that version; or set CARTOUCHE_STATE_DIR to another directory, where a journal of its own begins, without the runs of this one"
	case journal.CodeReadOnly:
		return "see who owns the file and its directory, and let yourself write there; or set CARTOUCHE_STATE_DIR to another directory"
	case journal.CodeDamaged, journal.CodeForeign:
		return "put a copy of the file back, if there is one; else give it another name, and the files beside it that are called the same with -wal and -shm at the end, and a new journal begins. " +
			"Deployments, certificates and evidence files stay as they are. The history begins anew, and runs that only this file knows cannot be taken back here: an old certificate returns by a renewal with it"
	}
	return "try again; if that does not help, set CARTOUCHE_STATE_DIR to another directory, where a journal of its own begins, without the runs of this one"
}
