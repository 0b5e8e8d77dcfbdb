package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"
)

// What had no end and was looked at later is found to be like this. No process
// says so of itself, so these words tell a run that came to its end from one
// that did not.
const (
	foundPrefix = "found: "
	// FoundVerified: what the run was to bring about is there, and served.
	FoundVerified = foundPrefix + "verified"
	// FoundUnchanged: nothing of it took effect.
	FoundUnchanged = foundPrefix + "unchanged"
	// FoundRestored: it took effect, and what was there before is there again.
	FoundRestored = foundPrefix + "restored"
	// FoundCleaned: what the run was to remove is gone.
	FoundCleaned = foundPrefix + "cleaned"
	// FoundPartly: some of it took effect.
	FoundPartly = foundPrefix + "partly"
	// FoundUnknown: it cannot be known any more.
	FoundUnknown = foundPrefix + "unknown"

	// FoundDone and FoundNotDone are for steps, as are FoundPartly and FoundUnknown.
	FoundDone    = foundPrefix + "took effect"
	FoundNotDone = foundPrefix + "no effect"
)

// WasFound tells whether an outcome is from looking later.
func WasFound(outcome string) bool { return strings.HasPrefix(outcome, foundPrefix) }

// FoundStep is how a step without an end was found.
type FoundStep struct {
	Index int
	// Outcome is one of those for steps.
	Outcome string
	// Result is what was seen.
	Result json.RawMessage
}

// Unfinished are the runs on a gateway (in any case) that are in doubt, newest
// first, with plan, steps and evidence.
func (j *Journal) Unfinished(ctx context.Context, gatewayID string) ([]Run, error) {
	db, err := j.existing(ctx)
	if err != nil || db == nil {
		return nil, err
	}
	ids, err := collect(ctx, db, scanText, `SELECT id FROM runs WHERE finished_at IS NULL AND gateway_id = ? COLLATE NOCASE
		ORDER BY started_at DESC, id DESC LIMIT ?`, gatewayID, maxRuns)
	if err != nil {
		return nil, j.wrap(err)
	}
	var runs []Run
	for _, id := range ids {
		run, err := j.Run(ctx, id)
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// Found ends a run that is in doubt, and the steps of it that are, as somebody
// has found them at a time that is not their own. It is for who knows that the
// run's process is gone, and has looked at the world.
func (j *Journal) Found(ctx context.Context, runID, outcome string, steps []FoundStep, summary json.RawMessage, at time.Time) error {
	if !WasFound(outcome) {
		return &OrderError{"a run is not found to be " + outcome}
	}
	err := valid(summary)
	for _, step := range steps {
		if err == nil {
			err = valid(step.Result)
		}
	}
	if err != nil {
		return err
	}
	return j.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, step := range steps {
			done, err := tx.ExecContext(ctx, `UPDATE steps SET outcome = ?, result = ?, finished_at = ? WHERE run_id = ? AND place = ? AND finished_at IS NULL`,
				step.Outcome, text(step.Result), stamp(at), runID, step.Index)
			if err := one(done, err, "step %d of run %s is not in doubt", step.Index, runID); err != nil {
				return err
			}
		}
		result, err := tx.ExecContext(ctx, `UPDATE runs SET outcome = ?, summary = ?, finished_at = ? WHERE id = ? AND finished_at IS NULL`,
			outcome, text(summary), stamp(at), runID)
		return one(result, err, "run %s is not in doubt", runID)
	})
}
