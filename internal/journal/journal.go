// Package journal is the memory of what was there before and of what was done:
// runs, steps and evidence in an SQLite file in the user's state directory.
//
// Each call that writes is one durable transaction: when it has returned, its
// record survives a crash and a power cut (WAL, synchronous=FULL). The order
// of use makes the journal trustworthy:
//
//  1. Begin, with the plan and what is there before.
//  2. StepStarted, with the intent, before each act.
//  3. StepFinished, with the result, after it; Evidence for what was seen.
//  4. Finish, with the outcome.
//
// A step without an end is one of which nobody knows whether it took effect; a
// run without an end is in doubt. What has happened is recorded even if the
// caller's context has ended, for example by Ctrl-C: only Begin and
// StepStarted, after which something is yet to be done, give up with it.
//
// The journal holds no secrets because nothing brings one here: it never looks
// at the world, and stores only the JSON that callers hand over. They must
// hand over values whose secrets are secret.Secret, which marshals as
// "[secret]".
package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"sync"

	// The driver registers itself under the name "sqlite".
	_ "modernc.org/sqlite"
)

// Journal is a journal on disk. It may be used by several goroutines, and its
// file by several processes.
type Journal struct {
	path string

	mu sync.Mutex
	db *sql.DB // nil until there is a file
	// newer is why nothing may be added to the file, nil when it may.
	newer  error
	closed bool
}

// Open opens the journal at path. A file that is there is checked; one that
// is not is made by the first Begin, so that looking changes nothing.
func Open(ctx context.Context, path string) (*Journal, error) {
	j := &Journal{path: path}
	_, err := j.existing(ctx)
	if err != nil {
		return nil, err
	}
	return j, nil
}

// Close closes the file. The journal cannot be used afterwards.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	if j.db == nil {
		return nil
	}
	err := j.db.Close()
	j.db = nil
	return j.wrap(err)
}

var errClosed = errors.New("it is closed already")

// existing is the database, nil when there is no file yet.
func (j *Journal) existing(ctx context.Context) (*sql.DB, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, &Error{Code: CodeReadOnly, Path: j.path, Err: errClosed}
	}
	if j.db != nil {
		return j.db, nil
	}
	there, err := j.present()
	if err != nil || !there {
		return nil, err
	}
	return j.connect(ctx)
}

// ready is the database, made when there is none.
func (j *Journal) ready(ctx context.Context) (*sql.DB, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, &Error{Code: CodeReadOnly, Path: j.path, Err: errClosed}
	}
	if j.db == nil {
		there, err := j.present()
		if err == nil && !there {
			err = j.create(ctx)
		}
		if err != nil {
			return nil, err
		}
		if _, err := j.connect(ctx); err != nil {
			return nil, err
		}
	}
	return j.db, j.wrap(j.newer)
}

// connect opens the file and brings its schema up to date.
func (j *Journal) connect(ctx context.Context) (*sql.DB, error) {
	db, newer, err := connect(ctx, j.path)
	if err != nil {
		return nil, j.wrap(err)
	}
	j.db, j.newer = db, newer
	return db, nil
}

// connect opens a file. newer is why it is only read, nil when it may be written.
func connect(ctx context.Context, path string) (db *sql.DB, newer, err error) {
	db, err = sql.Open("sqlite", dsn(path, runtime.GOOS))
	if err != nil {
		return nil, nil, err
	}
	// One connection: SQLite has one writer, and pragmas are per connection.
	db.SetMaxOpenConns(1)
	newer, err = migrate(ctx, db)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, newer, nil
}

// dsn is the address of a file for the driver. Writers wait five seconds for
// each other, and take the lock at the beginning of a transaction, since one
// that takes it in the middle can fail without waiting.
func dsn(path, goos string) string {
	if goos == "windows" {
		path = strings.ReplaceAll(path, `\`, "/")
		if !strings.HasPrefix(path, "/") {
			path = "/" + path // file:///C:/Users/…
		}
	}
	settings := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "synchronous(FULL)", "foreign_keys(ON)"},
	}
	return fmt.Sprintf("file:%s?%s", (&url.URL{Path: path}).EscapedPath(), settings.Encode())
}
