package machine

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
)

// trust does a Trust task. A certificate is found by its fingerprint over all
// aliases: importing a chain makes aliases of the product's own (alias_root).
func (v *visit) trust(ctx context.Context, task Task) TaskResult {
	if _, err := x509.ParseCertificate(task.Certificate); err != nil {
		return task.failed(CodeBadJob, "what is to be trusted is no certificate: "+err.Error())
	}
	if task.Alias == "" {
		return task.failed(CodeBadJob, "no alias was given")
	}
	k, err := v.admin.Keystore(ctx, v.machine.Name)
	if err != nil {
		return v.failed(ctx, task, err)
	}
	there, err := v.trusts(ctx, k, task.Certificate)
	if err != nil {
		return v.failed(ctx, task, err)
	}
	if there != "" {
		r := task.result(TaskAlready)
		r.Detail = "it is trusted as " + there
		return r
	}
	if !k.Has(task.Alias) {
		return v.importTrusted(ctx, task)
	}
	old, err := v.admin.Certificate(ctx, v.machine.Name, task.Alias)
	switch {
	case notFound(err): // somebody has just deleted it
		return v.importTrusted(ctx, task)
	case err != nil:
		return v.failed(ctx, task, err)
	case old.Type == arcgis.PrivateKey, strings.EqualFold(k.Active, task.Alias):
		return task.failed(CodeAliasTaken, "the alias "+task.Alias+" holds a certificate with a private key")
	case old.Type != arcgis.Trusted:
		return task.failed(CodeAliasTaken, "the alias "+task.Alias+" holds another certificate, and ArcGIS "+v.version+" does not say whether with a private key, which could not be had again")
	}
	return v.refresh(ctx, task, old)
}

// importTrusted imports what is to be trusted under an alias that is free.
func (v *visit) importTrusted(ctx context.Context, task Task) TaskResult {
	failure := v.admin.ImportAuthority(ctx, v.machine.Name, task.Alias, task.Certificate)
	got, err := v.admin.Certificate(ctx, v.machine.Name, task.Alias)
	r := v.imported(ctx, task, failure, err)
	if r.State == TaskDone && !got.Holds(fingerprints(task.Certificate)) {
		return task.failed(CodeAliasTaken, "the alias "+task.Alias+" holds another certificate, of "+got.Subject)
	}
	return r
}

// imported judges an import by what was read back, and not by its answer.
func (v *visit) imported(ctx context.Context, task Task, failure, read error) TaskResult {
	switch {
	case read == nil:
		return task.result(TaskDone)
	case ctx.Err() != nil:
		r := task.failed(CodeInterrupted, "the job ended while the import was under way")
		r.Unsure = true
		return r
	case notFound(read) && failure == nil:
		why := "the file or its password was not understood (see Esri's support article 000037586)"
		if task.Kind == Trust {
			why = "ArcGIS did not take it" // there is no password, and a certificate is all there is
		}
		return task.failed(CodeImportVanished, fmt.Sprintf("the import was answered with success, but there is no %s in the keystore: %s", task.Alias, why))
	case notFound(read):
		r := v.failed(ctx, task, failure)
		var api *arcgis.Error
		if r.Unsure = errors.As(failure, &api) && api.Lost; !r.Unsure && r.Code == CodeUnreachable {
			r.Code = CodeRefused // old portals do it with a page and HTTP 200
		}
		return r
	}
	r := v.failed(ctx, task, read)
	r.Unsure = true
	return r
}

// trusts is the alias under which the keystore trusts a certificate, "" if it
// does not. The same certificate with its private key is not trusted by that.
func (v *visit) trusts(ctx context.Context, k arcgis.Keystore, der []byte) (string, error) {
	sha1, sha256 := fingerprints(der)
	found := make([]bool, min(len(k.Aliases), maxEntries))
	work, ctx := errgroup.WithContext(ctx) // one that cannot be read is enough
	work.SetLimit(entriesAtOnce)
	for i := range found {
		work.Go(func() error {
			c, err := v.admin.Certificate(ctx, v.machine.Name, k.Aliases[i])
			if notFound(err) {
				return nil
			}
			found[i] = err == nil && c.Type != arcgis.PrivateKey && !strings.EqualFold(k.Active, k.Aliases[i]) && c.Holds(sha1, sha256)
			return err
		})
	}
	err := work.Wait()
	for i, yes := range found {
		if yes {
			return k.Aliases[i], nil
		}
	}
	return "", err
}

func fingerprints(der []byte) (sha1Sum, sha256Sum string) {
	short, long := sha1.Sum(der), sha256.Sum256(der)
	return hex.EncodeToString(short[:]), hex.EncodeToString(long[:])
}
