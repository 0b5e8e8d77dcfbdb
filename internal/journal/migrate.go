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
	schemaVersion = 1
	// applicationID tells a journal from other SQLite files: "CART".
	applicationID = 0x43415254
)

// migrate brings a file up to schemaVersion, in one transaction, and refuses
// files of newer versions and of other programs.
func migrate(ctx context.Context, db *sql.DB) error {
	version, err := check(ctx, db)
	if err != nil || version == schemaVersion {
		return err
	}
	err = useWAL(ctx, db)
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	// Another process may have been faster while this one waited for the lock.
	version, err = check(ctx, tx)
	if err != nil {
		return err
	}
	for ; version < schemaVersion; version++ {
		text, err := migrations.ReadFile(fmt.Sprintf("migrations/%d.sql", version+1))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, string(text))
		if err != nil {
			return fmt.Errorf("migrate to version %d: %w", version+1, err)
		}
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", schemaVersion, applicationID))
	if err != nil {
		return err
	}
	return tx.Commit()
}

// useWAL sets a mode that the file remembers. It is set when the file is new,
// and not on every connection, so that a file of another program is left as it
// is. SQLite's busy timeout does not hold for this change, so two processes
// that make the journal at the same time have to be made to wait here.
func useWAL(ctx context.Context, db *sql.DB) error {
	const tries, pause = 100, 50 * time.Millisecond
	for try := 1; ; try++ {
		_, err := db.ExecContext(ctx, "PRAGMA journal_mode = WAL")
		if primaryCode(err) != sqlite3.SQLITE_BUSY || try == tries {
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

// check reads the version of a file and makes sure that it can be used.
func check(ctx context.Context, db querier) (int, error) {
	var version, application, tables int
	err := db.QueryRowContext(ctx, `SELECT (SELECT user_version FROM pragma_user_version), (SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_schema)`).
		Scan(&version, &application, &tables)
	switch {
	case err != nil:
		return 0, err
	case application == applicationID && version > schemaVersion:
		return 0, &Error{Code: CodeNewer, Err: fmt.Errorf("schema version %d, known up to %d", version, schemaVersion)}
	case application != applicationID && (tables > 0 || application != 0):
		return 0, &Error{Code: CodeForeign}
	}
	return version, nil
}
