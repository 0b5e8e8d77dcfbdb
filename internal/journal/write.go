package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// maxValue bounds one JSON value. A gateway's document, the largest thing that
// is kept, is below 2 MiB.
const maxValue = 16 << 20

// Begin records a run, before anything is done.
func (j *Journal) Begin(ctx context.Context, r Run) error {
	if r.ID == "" {
		return &OrderError{"a run needs an id"}
	}
	err := valid(r.Plan, r.Before)
	if err != nil {
		return err
	}
	return j.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `
			INSERT INTO runs (id, deployment_id, deployment_name, gateway_id, cloud, plan, plan_hash, before, version, started_by, started_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			r.ID, r.DeploymentID, r.DeploymentName, r.GatewayID, r.Cloud, text(r.Plan), r.PlanHash, text(r.Before), r.Version, r.By, stamp(r.StartedAt))
		return one(result, err, "run %s was begun already", r.ID)
	})
}

// StepStarted records the intent of a step, before it is done.
func (j *Journal) StepStarted(ctx context.Context, runID string, step Step, at time.Time) error {
	err := valid(step.Intent)
	if err != nil {
		return err
	}
	return j.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `
			INSERT INTO steps (run_id, place, kind, title, intent, started_at)
			SELECT id, ?, ?, ?, ?, ? FROM runs WHERE id = ? AND finished_at IS NULL ON CONFLICT DO NOTHING`,
			step.Index, step.Kind, step.Title, text(step.Intent), stamp(at), runID)
		return one(result, err, "step %d of run %s cannot begin: the run is not open, or has this step already", step.Index, runID)
	})
}

// StepFinished records how a step ended. errText is "" when it went well; it
// must hold no secrets.
func (j *Journal) StepFinished(ctx context.Context, runID string, index int, outcome string, result json.RawMessage, errText string, at time.Time) error {
	err := valid(result)
	if err != nil {
		return err
	}
	return j.write(context.WithoutCancel(ctx), func(ctx context.Context, tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `
			UPDATE steps SET outcome = ?, result = ?, error = ?, finished_at = ?
			WHERE run_id = ? AND place = ? AND finished_at IS NULL`,
			outcome, text(result), errText, stamp(at), runID, index)
		return one(done, err, "step %d of run %s cannot end: it did not begin, or has ended already", index, runID)
	})
}

// Evidence records something that was seen. It may be added to a run that has
// ended.
func (j *Journal) Evidence(ctx context.Context, runID, kind string, data json.RawMessage, at time.Time) error {
	err := valid(data)
	if err != nil {
		return err
	}
	return j.write(context.WithoutCancel(ctx), func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT INTO evidence (run_id, kind, data, at) SELECT id, ?, ?, ? FROM runs WHERE id = ?`,
			kind, text(data), stamp(at), runID)
		return one(result, err, "there is no run %s to add evidence to", runID)
	})
}

// Finish records how a run ended.
func (j *Journal) Finish(ctx context.Context, runID, outcome string, summary json.RawMessage, at time.Time) error {
	err := valid(summary)
	if err != nil {
		return err
	}
	return j.write(context.WithoutCancel(ctx), func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE runs SET outcome = ?, summary = ?, finished_at = ? WHERE id = ? AND finished_at IS NULL`,
			outcome, text(summary), stamp(at), runID)
		return one(result, err, "run %s cannot end: it did not begin, or has ended already", runID)
	})
}

// write makes one durable transaction of f.
func (j *Journal) write(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	db, err := j.ready(ctx)
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return j.wrap(err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	err = f(ctx, tx)
	if err != nil {
		return j.wrap(err)
	}
	return j.wrap(tx.Commit())
}

// one makes sure that a statement changed one row.
func one(result sql.Result, err error, otherwise string, args ...any) error {
	if err != nil {
		return err
	}
	changed, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if changed != 1 {
		return &OrderError{fmt.Sprintf(otherwise, args...)}
	}
	return nil
}

// valid refuses what is not JSON: it could not be read again.
func valid(values ...json.RawMessage) error {
	for _, v := range values {
		if len(v) > maxValue {
			return &OrderError{fmt.Sprintf("a value of %d bytes is too large", len(v))}
		}
		if len(v) > 0 && !json.Valid(v) {
			return &OrderError{"a value is not JSON"}
		}
	}
	return nil
}

// text is how JSON is stored: NULL for none.
func text(v json.RawMessage) any {
	if len(v) == 0 {
		return nil
	}
	return string(v)
}

const timeLayout = "2006-01-02T15:04:05.000000000Z"

func stamp(t time.Time) string { return t.UTC().Format(timeLayout) }
