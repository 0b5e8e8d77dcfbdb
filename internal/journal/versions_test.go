package journal

import (
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "make the journals of older and newer versions in testdata anew")

// The journals in testdata are files as each version leaves them, with the same
// two runs: one that was verified, and one that was cut off. Those of the future
// have more tables and columns, and say differently who may read and write them.
var kept = []struct {
	file string
	// past is the number of the last migration, 0 for the newest there is.
	past int
	// more is what a future version adds.
	more            string
	read, write     bool
	says, saysWrite string
}{
	{file: "journal-v1.db", past: 1, read: true, write: true},
	{file: "journal-v2.db", past: 2, read: true, write: true},
	{file: "journal-future.db", more: future + "UPDATE compatibility SET min_reader = 2, min_writer = 2;", read: true, write: true},
	{file: "journal-future-reads.db", more: future + "UPDATE compatibility SET min_reader = 2, min_writer = 9;", read: true, saysWrite: "only schema version 9 and later may add to it"},
	{file: "journal-future-other.db", more: future + "UPDATE compatibility SET min_reader = 9, min_writer = 9;", says: "written by a newer version of Cartouche"},
	{file: "journal-future-silent.db", more: future + "DROP TABLE compatibility;", says: "written by a newer version of Cartouche"},
}

// future only grows: a table, and columns that may be left out.
const future = `
	CREATE TABLE approvals (run_id TEXT NOT NULL REFERENCES runs (id), who TEXT NOT NULL) STRICT;
	INSERT INTO approvals VALUES ('20261123-0941-7f3a', 'ben@example.com');
	ALTER TABLE runs ADD COLUMN lease TEXT;
	ALTER TABLE runs ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1;
	ALTER TABLE steps ADD COLUMN machine TEXT;
	ALTER TABLE evidence ADD COLUMN hash TEXT NOT NULL DEFAULT '';
	UPDATE runs SET lease = 'theirs';
	PRAGMA user_version = 9;
`

func keptRuns() []Run {
	verified, cut := run("20261123-0941-7f3a"), run("20261124-0941-80aa")
	verified.Plan, verified.Before = json.RawMessage(`{"entry":"new"}`), json.RawMessage(`{"moves":[{"from":"old","to":"new"}]}`)
	verified.Outcome, verified.Summary, verified.FinishedAt = "verified", json.RawMessage(`{"outcome":"verified"}`), nine.Add(3*time.Second)
	verified.Steps = []Step{{Index: 0, Kind: "switch", Title: "Switch", Intent: json.RawMessage(`{"to":"new"}`), StartedAt: nine, Outcome: "done", FinishedAt: nine.Add(time.Second)}}
	verified.Evidence = []Evidence{{Kind: "wire before", Data: json.RawMessage(`[]`), At: nine}}
	cut.StartedAt, cut.Outcome = nine.Add(time.Hour), InDoubt
	cut.Steps = []Step{{Index: 0, Kind: "switch", Title: "Switch", StartedAt: nine.Add(time.Hour), Outcome: InDoubt}}
	return []Run{cut, verified}
}

// make writes a file as a version left it, by that version's own migrations.
func makeKept(t *testing.T, path string, past int, more string) {
	t.Helper()
	_ = os.Remove(path)
	db, err := sql.Open("sqlite", dsn(path, "linux"))
	must(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	execute := func(text string, args ...any) {
		_, err := db.Exec(text, args...)
		must(t, err)
	}
	execute("PRAGMA journal_mode = WAL")
	if past == 0 {
		past = schemaVersion
	}
	for version := 1; version <= past; version++ {
		migration, err := migrations.ReadFile(fmt.Sprintf("migrations/%d.sql", version))
		must(t, err)
		execute(string(migration))
	}
	execute(fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", past, applicationID))
	// What follows is what version 1 wrote, and every later one.
	for _, r := range keptRuns() {
		execute(`INSERT INTO runs (id, deployment_id, deployment_name, gateway_id, cloud, plan, plan_hash, before, version, started_by, started_at) VALUES (?,?,?,?,?,?,?,?,?,?,?)`,
			r.ID, r.DeploymentID, r.DeploymentName, r.GatewayID, r.Cloud, text(r.Plan), r.PlanHash, text(r.Before), r.Version, r.By, stamp(r.StartedAt))
		for _, s := range r.Steps {
			execute(`INSERT INTO steps (run_id, place, kind, title, intent, started_at) VALUES (?,?,?,?,?,?)`, r.ID, s.Index, s.Kind, s.Title, text(s.Intent), stamp(s.StartedAt))
			if s.Outcome != InDoubt {
				execute(`UPDATE steps SET outcome = ?, finished_at = ?, error = '' WHERE run_id = ?`, s.Outcome, stamp(s.FinishedAt), r.ID)
			}
		}
		for _, e := range r.Evidence {
			execute(`INSERT INTO evidence (run_id, kind, data, at) VALUES (?,?,?,?)`, r.ID, e.Kind, text(e.Data), stamp(e.At))
		}
		if r.Outcome != InDoubt {
			execute(`UPDATE runs SET outcome = ?, summary = ?, finished_at = ? WHERE id = ?`, r.Outcome, text(r.Summary), stamp(r.FinishedAt), r.ID)
		}
	}
	execute(more)
}

func TestJournalsOfOtherVersions(t *testing.T) {
	for _, row := range kept {
		t.Run(row.file, func(t *testing.T) {
			stored := filepath.Join("testdata", row.file)
			if *update {
				makeKept(t, stored, row.past, row.more)
			}
			content, err := os.ReadFile(stored)
			must(t, err)
			path := filepath.Join(t.TempDir(), "journal.db")
			must(t, os.WriteFile(path, content, 0o600))

			j, err := Open(t.Context(), path)
			if !row.read {
				if codeOf(err) != CodeNewer || !strings.Contains(err.Error(), row.says) || !strings.Contains(err.Error(), path) {
					t.Errorf("Open = %v, want code %s, the path and %q", err, CodeNewer, row.says)
				}
				if after, _ := os.ReadFile(path); string(after) != string(content) {
					t.Error("the file was changed")
				}
				return
			}
			must(t, err)
			defer j.Close()
			for _, want := range keptRuns() {
				got, err := j.Run(t.Context(), want.ID)
				must(t, err)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("run %s (-want +got):\n%s", want.ID, diff)
				}
			}
			list, err := j.Runs(t.Context(), "", 0)
			if err != nil || len(list) != 2 {
				t.Fatalf("%d runs, %v", len(list), err)
			}

			err = j.Begin(t.Context(), run("20261125-0941-0001"))
			if !row.write {
				if codeOf(err) != CodeNewer || !strings.Contains(err.Error(), row.saysWrite) {
					t.Errorf("Begin = %v, want code %s and %q", err, CodeNewer, row.saysWrite)
				}
				return
			}
			must(t, err)
			must(t, j.StepStarted(t.Context(), "20261125-0941-0001", Step{Index: 0}, nine))
			must(t, j.Finish(t.Context(), "20261125-0941-0001", "verified", nil, nine))
			must(t, j.Close())
			if row.past == 0 { // what the newer version added is as it was, and so is its number
				db, err := sql.Open("sqlite", path)
				must(t, err)
				defer db.Close()
				var version, approvals, theirs int
				must(t, db.QueryRow(`SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM approvals), (SELECT count(*) FROM runs WHERE lease = 'theirs')`).Scan(&version, &approvals, &theirs))
				if version != 9 || approvals != 1 || theirs != 2 {
					t.Errorf("version %d, %d approvals, %d runs with what was added; want 9, 1 and 2", version, approvals, theirs)
				}
			}
		})
	}
}

// A new migration that changes what older programs read must say so.
func TestTheNewestFileHasAFixture(t *testing.T) {
	newest := 0
	for _, row := range kept {
		newest = max(newest, row.past)
	}
	if newest != schemaVersion {
		t.Errorf("the schema is at version %d: add journal-v%d.db to the table and run go test -run TestJournalsOfOtherVersions -update", schemaVersion, schemaVersion)
	}
}
