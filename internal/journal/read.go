package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"
)

// maxRuns is how many runs are listed at most.
const maxRuns = 1000

// columns of a run as scanRun reads them; plan stands apart because it is long.
const columns = `id, deployment_id, deployment_name, gateway_id, cloud, plan_hash, version, started_by, started_at, outcome, summary, finished_at`

// Runs lists runs, newest first, without plan, steps and evidence:
// those of one deployment (in any case), or all when deploymentID is "". A
// limit of 0 is 1,000, which is also the most.
func (j *Journal) Runs(ctx context.Context, deploymentID string, limit int) ([]Run, error) {
	db, err := j.existing(ctx)
	if err != nil || db == nil {
		return nil, err
	}
	if limit <= 0 || limit > maxRuns {
		limit = maxRuns
	}
	list, err := collect(ctx, db, scanRun, `SELECT `+columns+`, NULL, before FROM runs
		WHERE ? = '' OR deployment_id = ? COLLATE NOCASE ORDER BY started_at DESC, id DESC LIMIT ?`, deploymentID, deploymentID, limit)
	return list, j.wrap(err)
}

// Run reads a whole run by its id or any beginning of it that fits one run
// only. The error is a *NotFoundError or an *AmbiguousError where it does not.
func (j *Journal) Run(ctx context.Context, id string) (Run, error) {
	id = strings.ToLower(strings.TrimSpace(id))
	db, err := j.existing(ctx)
	if err != nil {
		return Run{}, err
	}
	if db == nil || id == "" {
		return Run{}, &NotFoundError{id}
	}
	whole, err := resolve(ctx, db, id)
	if err != nil {
		return Run{}, j.wrap(err)
	}
	runs, err := collect(ctx, db, scanRun, `SELECT `+columns+`, plan, before FROM runs WHERE id = ?`, whole)
	if err != nil || len(runs) != 1 {
		return Run{}, j.wrap(err)
	}
	run := runs[0]
	run.Steps, err = collect(ctx, db, scanStep, `SELECT place, kind, title, intent, started_at, outcome, result, error, finished_at FROM steps WHERE run_id = ? ORDER BY started_at, place`, whole)
	if err != nil {
		return Run{}, j.wrap(err)
	}
	run.Evidence, err = collect(ctx, db, scanEvidence, `SELECT kind, data, at FROM evidence WHERE run_id = ? ORDER BY id`, whole)
	return run, j.wrap(err)
}

// resolve finds the one run whose id begins like this. A whole id goes before
// longer ones.
func resolve(ctx context.Context, db *sql.DB, id string) (string, error) {
	const enough = 6
	ids, err := collect(ctx, db, scanText, `SELECT id FROM runs WHERE substr(lower(id), 1, length(?)) = ? ORDER BY length(id), id LIMIT ?`, id, id, enough)
	switch {
	case err != nil:
		return "", err
	case len(ids) == 0:
		return "", &NotFoundError{id}
	case len(ids) > 1 && !strings.EqualFold(ids[0], id):
		return "", &AmbiguousError{ID: id, Candidates: ids}
	}
	return ids[0], nil
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, db *sql.DB, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, rows.Err()
}

func scanText(rows *sql.Rows) (s string, err error) {
	err = rows.Scan(&s)
	return s, err
}

func scanRun(rows *sql.Rows) (Run, error) {
	var r Run
	var started string
	var outcome, summary, finished, plan, before sql.NullString
	err := rows.Scan(&r.ID, &r.DeploymentID, &r.DeploymentName, &r.GatewayID, &r.Cloud, &r.PlanHash, &r.Version, &r.By, &started, &outcome, &summary, &finished, &plan, &before)
	r.Plan, r.Before, r.Summary = raw(plan), raw(before), raw(summary)
	r.StartedAt, r.FinishedAt = moment(started), moment(finished.String)
	r.Outcome = ended(outcome, finished)
	return r, err
}

func scanStep(rows *sql.Rows) (Step, error) {
	var s Step
	var started string
	var intent, outcome, result, failure, finished sql.NullString
	err := rows.Scan(&s.Index, &s.Kind, &s.Title, &intent, &started, &outcome, &result, &failure, &finished)
	s.Intent, s.Result, s.Error = raw(intent), raw(result), failure.String
	s.StartedAt, s.FinishedAt = moment(started), moment(finished.String)
	s.Outcome = ended(outcome, finished)
	return s, err
}

func scanEvidence(rows *sql.Rows) (Evidence, error) {
	var e Evidence
	var data sql.NullString
	var at string
	err := rows.Scan(&e.Kind, &data, &at)
	e.Data, e.At = raw(data), moment(at)
	return e, err
}

// ended is an outcome, or InDoubt where there was no end.
func ended(outcome, finished sql.NullString) string {
	if !finished.Valid {
		return InDoubt
	}
	return outcome.String
}

func raw(s sql.NullString) json.RawMessage {
	if !s.Valid {
		return nil
	}
	return json.RawMessage(s.String)
}

// moment is the zero time for what stamp did not write.
func moment(s string) time.Time {
	t, err := time.Parse(timeLayout, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
