package machine

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// refreshTime is how long a refresh goes on after the job was ended from
// outside: between the deletion and the import nobody is to be left alone.
const refreshTime = time.Minute

// refresh gives an alias that holds another trusted certificate that of the
// task. No product can do that at once: the entry is deleted and imported. So
// what it holds is fetched before, and put back if the import fails. What
// cannot be fetched is left where it is, and the new one comes beside it: a
// verifier looks at all entries, whatever their aliases.
func (v *visit) refresh(ctx context.Context, task Task, old arcgis.Certificate) TaskResult {
	before, err := v.admin.Export(ctx, v.machine.Name, task.Alias)
	switch {
	case ctx.Err() != nil:
		return v.failed(ctx, task, err)
	case err != nil:
		return v.beside(ctx, task, err.Error())
	case !old.Holds(fingerprints(before.Raw)):
		return v.beside(ctx, task, "what was exported was another certificate")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTime)
	defer cancel()
	for range 2 { // an answer may be lost; what was deleted is not found then
		err = v.admin.Delete(ctx, v.machine.Name, task.Alias)
		if !lost(err) {
			break
		}
	}
	if err != nil && !notFound(err) {
		return v.failed(ctx, task, err)
	}
	r := v.importTrusted(ctx, task)
	if r.State == TaskFailed {
		r = v.importTrusted(ctx, task) // a passing trouble is no reason to go back
	}
	if r.State == TaskFailed {
		return v.putBack(ctx, r, task, before)
	}
	return r
}

// beside imports the certificate of the task under an alias of its own.
func (v *visit) beside(ctx context.Context, task Task, why string) TaskResult {
	taken := task.Alias
	_, sha256 := fingerprints(task.Certificate)
	task.Alias = taken + "-" + sha256[:8]
	r := v.importTrusted(ctx, task)
	if r.State == TaskDone {
		r.Detail = fmt.Sprintf("%s holds another certificate, which could not be kept for the way back (%s): it was left, and the new one is trusted as %s", taken, why, task.Alias)
	}
	return r
}

// putBack imports again what the alias held before, after the import of the
// new one has failed.
func (v *visit) putBack(ctx context.Context, r TaskResult, task Task, before *x509.Certificate) TaskResult {
	sha1, sha256 := fingerprints(before.Raw)
	for range 2 {
		_ = v.admin.ImportAuthority(ctx, v.machine.Name, task.Alias, before.Raw) // what is there afterwards says more
		if got, err := v.admin.Certificate(ctx, v.machine.Name, task.Alias); err == nil && got.Holds(sha1, sha256) {
			r.Detail += "; " + task.Alias + " holds what it held before"
			return r
		}
	}
	r.Lost = before.Raw
	r.Detail += fmt.Sprintf("; the certificate that %s held before was deleted and could not be put back: import it there again, in the administrator directory. "+
		"It is that of %s, SHA-256 %s, and stands in the record of this run", task.Alias, short(pki.Describe(before).Subject), sha256)
	return r
}
