package machine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// install does an Install task. An alias is never overwritten: what is active
// under it would be gone.
func (v *visit) install(ctx context.Context, task Task) TaskResult {
	if task.Alias == "" || task.Expect == "" || task.PFX.Empty() {
		return task.failed(CodeBadJob, "a file, its alias and the fingerprint of its certificate are needed")
	}
	expected, err := v.expected(task)
	if err != nil {
		return task.failed(CodeBadJob, err.Error())
	}
	before, err := v.admin.Certificate(ctx, v.machine.Name, task.Alias)
	if err == nil {
		if r := expected.check(task, before); r.State == TaskFailed {
			return r
		}
		return task.result(TaskAlready)
	}
	if !notFound(err) {
		return v.failed(ctx, task, err)
	}
	pfx, password, err := plainPassword(task)
	if err != nil {
		return task.failed(CodeBadJob, err.Error())
	}
	failure := v.admin.ImportServer(ctx, v.machine.Name, task.Alias, pfx, password, task.WithChain)
	got, err := v.admin.Certificate(ctx, v.machine.Name, task.Alias)
	r := v.imported(ctx, task, failure, err)
	if r.State == TaskDone {
		return expected.check(task, got)
	}
	return r
}

// expectation is what an entry must be.
type expectation struct{ sha1, sha256 string }

// expected is the leaf that a task names, by both fingerprints if its file is
// at hand: versions that give only the SHA-1 of an entry have been seen.
func (v *visit) expected(task Task) (expectation, error) {
	want := expectation{sha256: strings.ToLower(task.Expect)}
	if raw, err := hex.DecodeString(want.sha256); err != nil || len(raw) != sha256.Size {
		return want, fmt.Errorf("%.80q is no SHA-256", task.Expect)
	}
	if task.PFX.Empty() {
		return want, nil
	}
	bundle, err := pki.ReadPFX([]byte(task.PFX.Reveal()), task.PFXPassword)
	if err != nil {
		return want, err
	}
	if pki.Fingerprint(bundle.Leaf) != want.sha256 {
		return want, fmt.Errorf("the file holds %s and not %s", pki.Fingerprint(bundle.Leaf), want.sha256)
	}
	want.sha1, _ = fingerprints(bundle.Leaf.Raw)
	return want, nil
}

// check compares an entry with what it must be.
func (e expectation) check(task Task, got arcgis.Certificate) TaskResult {
	switch {
	case got.Type == arcgis.Trusted:
		return task.failed(CodeAliasTaken, "the alias "+task.Alias+" holds an authority without a private key: "+got.Subject)
	case !got.Holds(e.sha1, e.sha256):
		return task.failed(CodeAliasTaken, "the alias "+task.Alias+" holds another certificate: "+got.Subject)
	}
	return task.result(TaskDone)
}

// plainPassword is the task's file, written anew if its password has other
// characters than letters and digits: with such a one an import may answer
// success and store nothing (support.esri.com 000037586).
func plainPassword(task Task) (pfx, password secret.Secret, err error) {
	other := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}
	if strings.IndexFunc(task.PFXPassword.Reveal(), other) < 0 {
		return task.PFX, task.PFXPassword, nil
	}
	bundle, err := pki.ReadPFX([]byte(task.PFX.Reveal()), task.PFXPassword)
	if err != nil {
		return pfx, password, err
	}
	file, password, err := pki.WritePFX(bundle, pki.ForArcGIS)
	return secret.New(string(file)), password, err
}
