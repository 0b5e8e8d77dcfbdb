package machine

import (
	"context"
	"strings"
)

// remove does a Remove task.
func (v *visit) remove(ctx context.Context, task Task) TaskResult {
	if task.Alias == "" {
		return task.failed(CodeBadJob, "no alias was given")
	}
	k, err := v.admin.Keystore(ctx, v.machine.Name)
	if err != nil {
		return v.failed(ctx, task, err)
	}
	switch {
	case !k.Has(task.Alias):
		return task.result(TaskAlready)
	case strings.EqualFold(k.Active, task.Alias):
		return task.failed(CodeInUse, task.Alias+" is what "+v.job.Host+" is configured to serve")
	case strings.EqualFold(task.Alias, v.admin.BuiltIn()):
		return task.failed(CodeInUse, task.Alias+" came with the installation and is what Esri's break-glass procedures need")
	}
	entry, err := v.admin.Certificate(ctx, v.machine.Name, task.Alias)
	switch {
	case notFound(err):
		return task.result(TaskAlready)
	case err != nil:
		return v.failed(ctx, task, err)
	}
	if task.Expect != "" && !entry.Holds("", strings.ToLower(task.Expect)) {
		return task.failed(CodeAliasTaken, "the alias "+task.Alias+" holds another certificate: "+entry.Subject)
	}
	failure := v.admin.Delete(ctx, v.machine.Name, task.Alias)
	if failure != nil && !lost(failure) && !notFound(failure) {
		return v.failed(ctx, task, failure)
	}
	after, err := v.admin.Keystore(ctx, v.machine.Name)
	switch {
	case err == nil && !after.Has(task.Alias):
		return task.result(TaskDone)
	case err == nil && failure != nil:
		err = failure
	case err == nil:
		return task.failed(CodeRefused, "the deletion was answered with success, but "+task.Alias+" is still there")
	}
	r := v.failed(ctx, task, err)
	r.Unsure = true
	return r
}
