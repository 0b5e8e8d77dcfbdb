package journal

import (
	"path/filepath"
	"testing"
)

// The journal is a file of the user's, and its rows may hold anything, of a newer
// version too: what is read is what is there, or an error.
func FuzzRows(f *testing.F) {
	f.Add("run-1", `{"moves":[]}`, "2026-11-23T09:41:00.000000000Z", "verified")
	f.Add("%_'\x00", "[[[", "9999-12-31T23:59:59-23:59", "")
	f.Add("\u202e\x1b[2J", "\xff", "yesterday", "found: nothing")
	j := open(f, filepath.Join(f.TempDir(), "journal.db"))
	must(f, j.Begin(f.Context(), run("first")))
	if _, err := j.db.Exec("PRAGMA synchronous = OFF"); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id, json, at, outcome string) {
		for _, statement := range []string{"DELETE FROM steps", "DELETE FROM evidence", "DELETE FROM runs"} {
			if _, err := j.db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		ctx := t.Context()
		_, err := j.db.Exec(`INSERT INTO runs (id, deployment_id, deployment_name, gateway_id, cloud, plan, plan_hash, before, version, started_by, started_at, outcome, summary)
			VALUES (?, 'd', 'n', 'g', 'c', ?, 'h', ?, 'v', 'b', ?, ?, ?)`, id, json, json, at, outcome, json)
		if err != nil {
			t.Skip(err)
		}
		for place := range 2 {
			_, err = j.db.Exec(`INSERT INTO steps (run_id, place, kind, title, intent, started_at, outcome, result, error, finished_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, id, place, outcome, json, json, at, outcome, json, json, at)
			must(t, err)
		}
		_, err = j.db.Exec(`INSERT INTO evidence (run_id, kind, data, at) VALUES (?, ?, ?, ?)`, id, outcome, json, at)
		must(t, err)
		list, err := j.Runs(ctx, "", 0)
		must(t, err)
		if len(list) != 1 || list[0].ID != id || list[0].Outcome != InDoubt || string(list[0].Before) != json {
			t.Errorf("got %+v", list)
		}
		_, _ = j.Runs(ctx, id, 1)
		open, err := j.Unfinished(ctx, "G")
		if err == nil && len(open) == 1 && (len(open[0].Steps) != 2 || len(open[0].Evidence) != 1 || string(open[0].Steps[0].Intent) != json) {
			t.Errorf("got %+v", open)
		}
		_, _ = j.Run(ctx, outcome)
	})
}
