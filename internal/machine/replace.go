package machine

import (
	"context"
	"fmt"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
)

// replace does a Replace task: in place, without a restart, where the product
// has the operation (12.1 and later) and the active entry is one that may be
// overwritten. The certificate that came with the installation may not: it is
// what Esri's break-glass procedures go back to.
func (v *visit) replace(ctx context.Context, task Task) TaskResult {
	expected, err := v.expected(task)
	if err != nil || task.PFX.Empty() {
		return task.failed(CodeBadJob, "a file and the fingerprint of its certificate are needed")
	}
	k, err := v.admin.Keystore(ctx, v.machine.Name)
	if err != nil {
		return v.failed(ctx, task, err)
	}
	alias := strings.ToLower(k.Active)
	task.Alias = alias
	entry, err := v.admin.Certificate(ctx, v.machine.Name, alias)
	if err != nil {
		return v.failed(ctx, task, err)
	}
	r := task.result(TaskDone)
	r.Before, r.BeforeLeaf = alias, v.leaf(ctx)
	holds := entry.Holds(expected.sha1, expected.sha256)
	switch {
	case holds && r.BeforeLeaf == expected.sha256:
		r.State = TaskAlready
		return r
	case holds:
		// It is in the keystore and not served; wait as after the operation.
	case entry.Type == arcgis.Trusted, alias == v.admin.BuiltIn():
		return task.failed(CodeNotInPlace, fmt.Sprintf("the active entry %s is not one to be overwritten", alias))
	default:
		pfx, password, err := plainPassword(task)
		if err != nil {
			return task.failed(CodeBadJob, err.Error())
		}
		failure := v.admin.Update(ctx, v.machine.Name, alias, pfx, password)
		if notFound(failure) {
			return task.failed(CodeNotInPlace, "ArcGIS "+v.version+" has no such operation: "+failure.Error())
		}
		if failure != nil && !lost(failure) {
			return v.failed(ctx, task, failure)
		}
		after, err := v.admin.Certificate(ctx, v.machine.Name, alias)
		switch {
		case err != nil:
			r = v.failed(ctx, task, err)
			r.Unsure = true
			return r
		case !after.Holds(expected.sha1, expected.sha256) && failure != nil:
			r = v.failed(ctx, task, failure)
			r.Unsure = true
			return r
		case !after.Holds(expected.sha1, expected.sha256):
			return task.failed(CodeImportVanished, "the operation was answered with success, but "+alias+" still holds another certificate")
		}
	}
	met, seen := v.await(ctx, aim{leaf: expected.sha256, atOnce: true, patience: v.patience()})
	if !met {
		return seen.spoil(r)
	}
	return r
}
