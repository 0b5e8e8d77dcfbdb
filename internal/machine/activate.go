package machine

import (
	"context"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
	"github.com/cartouche-gis/cartouche/internal/pause"
)

// activate does an Activate task.
func (v *visit) activate(ctx context.Context, task Task) TaskResult {
	expected, err := v.expected(task)
	if err != nil || task.Alias == "" {
		return task.failed(CodeBadJob, "an alias and the fingerprint of its certificate are needed")
	}
	k, err := v.admin.Keystore(ctx, v.machine.Name)
	if err != nil {
		return v.failed(ctx, task, err)
	}
	entry, err := v.admin.Certificate(ctx, v.machine.Name, task.Alias)
	switch {
	case notFound(err):
		return task.failed(CodeNotInstalled, "there is no "+task.Alias+" in the keystore")
	case err != nil:
		return v.failed(ctx, task, err)
	}
	// The file is not at hand here: an entry that gives only its SHA-1 cannot
	// be compared before it is served.
	if r := expected.check(task, entry); r.State == TaskFailed && (entry.SHA256 != "" || entry.Type == arcgis.Trusted) {
		return r
	}
	r := task.result(TaskDone)
	r.Before, r.BeforeLeaf = strings.ToLower(k.Active), v.leaf(ctx)
	aim := aim{leaf: expected.sha256, patience: v.patience()}
	if strings.EqualFold(k.Active, task.Alias) {
		if r.BeforeLeaf == expected.sha256 && v.prober.Health(ctx) == nil {
			r.State = TaskAlready
			return r
		}
		// It is configured and not served: a restart is under way, or it
		// failed. Import nothing; wait, and only then restart once more.
		met, seen := v.await(ctx, aim.impatient())
		if met {
			r.Restarted = seen.down
			return r
		}
		if seen.code != CodeRestartNotSeen && seen.code != CodeWrongLeafServed {
			return seen.spoil(r)
		}
		v.worker.tell(task.Alias + " is configured and not served, and no restart is seen: asking for one")
	}
	return v.assign(ctx, task.Alias, k, r, aim)
}

// assign makes the component serve alias and waits until it does.
func (v *visit) assign(ctx context.Context, alias string, k arcgis.Keystore, r TaskResult, aim aim) TaskResult {
	failure := v.admin.Assign(ctx, v.machine.Name, alias, k)
	if failure != nil && codeOf(failure) == CodeUnreachable && !lost(failure) && strings.EqualFold(k.Active, alias) {
		// It went down by itself, with the alias that is wanted.
		failure = nil
	}
	if failure != nil && !lost(failure) {
		r.State, r.Code, r.Detail = TaskFailed, codeOf(failure), failure.Error()
		if ctx.Err() != nil {
			r.Code = CodeInterrupted
		}
		return r
	}
	r.Restarted = true
	if failure != nil && !v.assigned(ctx, alias) {
		v.worker.tell("the answer was lost and nothing had changed: once more")
		if failure = v.admin.Assign(ctx, v.machine.Name, alias, k); failure != nil && !lost(failure) {
			r.State, r.Code, r.Detail, r.Unsure = TaskFailed, codeOf(failure), failure.Error(), true
			return r
		}
	}
	met, seen := v.await(ctx, aim)
	if !met {
		return seen.spoil(r)
	}
	after, err := v.admin.Keystore(ctx, v.machine.Name)
	switch {
	case err != nil:
		r.State, r.Code, r.Detail, r.Unsure = TaskFailed, codeOf(err), "what is configured could not be read again: "+err.Error(), true
	case !strings.EqualFold(after.Active, alias):
		r.State, r.Code, r.Detail, r.Unsure = TaskFailed, CodeRefused, "what is wanted is served, but the next start would serve "+after.Active, true
	}
	return r
}

// assigned tells, after an answer was lost, whether the alias is configured
// all the same. Where nobody can be asked the restart has begun, so it is.
func (v *visit) assigned(ctx context.Context, alias string) bool {
	for range 3 {
		k, err := v.admin.Keystore(ctx, v.machine.Name)
		if err != nil || strings.EqualFold(k.Active, alias) {
			return true
		}
		if pause.For(ctx, v.interval()) != nil {
			return true
		}
	}
	return false
}
