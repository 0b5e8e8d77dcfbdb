package journal

import (
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// The codes of an Error.
const (
	// CodeNewer: a newer Cartouche has written the file, in a way that this one does
	// not understand or must not add to.
	CodeNewer = "newer"
	// CodeReadOnly: the file or its directory cannot be written.
	CodeReadOnly = "read-only"
	// CodeFull: the disk is full.
	CodeFull = "full"
	// CodeDamaged: the file is damaged.
	CodeDamaged = "damaged"
	// CodeForeign: the file is no journal.
	CodeForeign = "foreign"
	// CodeBusy: another process kept the file locked for too long.
	CodeBusy = "busy"
	// CodeFailed: anything else.
	CodeFailed = "failed"
)

// Error says why the journal could not be read or written.
type Error struct {
	// Code is one of the Code constants.
	Code string
	Path string
	Err  error
}

func (e *Error) Error() string {
	text := fmt.Sprintf("journal %s: %s", e.Path, sentences[e.Code])
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

var sentences = map[string]string{
	CodeNewer:    "it was written by a newer version of Cartouche",
	CodeReadOnly: "it cannot be written",
	CodeFull:     "the disk is full",
	CodeDamaged:  "the file is damaged",
	CodeForeign:  "this file is not a journal of Cartouche, or its beginning is damaged",
	CodeBusy:     "another process keeps it locked",
	CodeFailed:   "it cannot be used",
}

// NotFoundError says that there is no run with this id or beginning of an id.
type NotFoundError struct{ ID string }

func (e *NotFoundError) Error() string { return fmt.Sprintf("no run %q in the journal", e.ID) }

// AmbiguousError says that several runs begin like this.
type AmbiguousError struct {
	ID string
	// Candidates are the first few of their ids.
	Candidates []string
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q is the beginning of several runs: %s", e.ID, strings.Join(e.Candidates, ", "))
}

// OrderError says that a call came out of order: a run or a step that was not
// begun, that was begun twice, or that has ended already. Nothing was written.
type OrderError struct{ Sentence string }

func (e *OrderError) Error() string { return "journal: " + e.Sentence }

// wrap gives an error of SQLite its code. Errors of ours pass unchanged.
func (j *Journal) wrap(err error) error {
	var ours *Error
	var order *OrderError
	var missing *NotFoundError
	var ambiguous *AmbiguousError
	if errors.As(err, &ours) {
		ours.Path = j.path
		return ours
	}
	if err == nil || errors.As(err, &order) || errors.As(err, &missing) || errors.As(err, &ambiguous) {
		return err
	}
	return &Error{Code: coded(sqliteCode(err)), Path: j.path, Err: err}
}

// coded is our code for one of SQLite's, by all of it or by its low byte.
func coded(extended int) string {
	for _, code := range []int{extended, extended & 0xff} {
		if ours, known := sqliteCodes[code]; known {
			return ours
		}
	}
	return CodeFailed
}

var sqliteCodes = map[int]string{
	sqlite3.SQLITE_READONLY: CodeReadOnly,
	sqlite3.SQLITE_CANTOPEN: CodeReadOnly,
	sqlite3.SQLITE_PERM:     CodeReadOnly,
	sqlite3.SQLITE_FULL:     CodeFull,
	// Beside the file lies one that processes share; there is no room for it.
	sqlite3.SQLITE_IOERR_SHMSIZE: CodeFull,
	sqlite3.SQLITE_CORRUPT:       CodeDamaged,
	sqlite3.SQLITE_NOTADB:        CodeForeign,
	sqlite3.SQLITE_BUSY:          CodeBusy,
	sqlite3.SQLITE_LOCKED:        CodeBusy,
}

// sqliteCode is SQLite's code for an error, 0 when it is not one of SQLite's. The
// low byte is the code, the rest says more about it.
func sqliteCode(err error) int {
	var cause *sqlite.Error
	if !errors.As(err, &cause) {
		return 0
	}
	return cause.Code()
}
