package journal

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// migrations hold the schema: file N.sql leads from version N-1 to N.
//
//go:embed migrations/*.sql
var migrations embed.FS

const (
	// schemaVersion is the number of the last migration.
	schemaVersion = 2
	// applicationID tells a journal from other SQLite files: "CART".
	applicationID = 0x43415254
)

// migrate brings a file up to schemaVersion, in one transaction, and refuses
// files of other programs. A file that a newer version has written is left as it
// is: newer is then why it may only be read, nil when it may be written as well.
func migrate(ctx context.Context, db *sql.DB) (newer, err error) {
	found, err := check(ctx, db)
	if err != nil || found.version >= schemaVersion {
		return found.newer, err
	}
	err = useWAL(ctx, db)
	if err != nil {
		return nil, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	// Another process may have been faster while this one waited for the lock.
	found, err = check(ctx, tx)
	if err != nil || found.version >= schemaVersion {
		return found.newer, err
	}
	for version := found.version + 1; version <= schemaVersion; version++ {
		text, err := migrations.ReadFile(fmt.Sprintf("migrations/%d.sql", version))
		if err != nil {
			return nil, err
		}
		_, err = tx.ExecContext(ctx, string(text))
		if err != nil {
			return nil, fmt.Errorf("migrate to version %d: %w", version, err)
		}
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", schemaVersion, applicationID))
	if err != nil {
		return nil, err
	}
	return nil, tx.Commit()
}

// useWAL sets a mode that the file remembers. It is set when the file is new,
// and not on every connection, so that a file of another program is left as it
// is. SQLite's busy timeout does not hold for this change, so two processes
// that make the journal at the same time have to be made to wait here.
func useWAL(ctx context.Context, db *sql.DB) error {
	const tries, pause = 100, 50 * time.Millisecond
	for try := 1; ; try++ {
		_, err := db.ExecContext(ctx, "PRAGMA journal_mode = WAL")
		if sqliteCode(err)&0xff != sqlite3.SQLITE_BUSY || try == tries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// found is what a file says of itself.
type found struct {
	version int
	// newer is why a file of a newer version may not be written, nil when it may.
	newer error
}

// check reads the version of a file and makes sure that it can be read. A newer
// version may have added tables and columns; whether this one understands the
// rest, the file says itself, as SQLite's own files do with their read and
// write version (https://www.sqlite.org/fileformat2.html §1.3.3).
func check(ctx context.Context, db querier) (found, error) {
	var version, application, tables int
	err := db.QueryRowContext(ctx, `SELECT (SELECT user_version FROM pragma_user_version), (SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_schema)`).
		Scan(&version, &application, &tables)
	switch {
	case err != nil:
		return found{}, err
	case application != applicationID && (tables > 0 || application != 0):
		return found{}, &Error{Code: CodeForeign}
	case version <= schemaVersion:
		return found{version: version}, nil
	}
	var reader, writer int
	err = db.QueryRowContext(ctx, `SELECT max(min_reader), max(min_writer) FROM compatibility`).Scan(&reader, &writer)
	if err != nil || reader > schemaVersion {
		return found{}, &Error{Code: CodeNewer, Err: fmt.Errorf("schema version %d, known up to %d", version, schemaVersion)}
	}
	if writer > schemaVersion {
		return found{version, &Error{Code: CodeNewer, Err: fmt.Errorf("it can be read here, but only schema version %d and later may add to it; this is %d", writer, schemaVersion)}}, nil
	}
	return found{version: version}, nil
}
