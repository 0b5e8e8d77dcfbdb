package machine

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/cartouche-gis/cartouche/internal/handshake"
)

// A task for which no admin API exists is judged by what its port serves.

// portLeaf is the leaf that a port of the machine serves by the job's host
// name, or why there is none.
func (w *Worker) portLeaf(ctx context.Context, job Job, port int) (leaf *x509.Certificate, trouble string) {
	looker := handshake.Looker{Network: w.Network, Now: w.Now}
	for _, seen := range looker.Look(ctx, handshake.Target{Host: job.Host, Port: port}) {
		if leaf := seen.Leaf(); leaf != nil && seen.Failure == "" {
			return leaf, ""
		}
		trouble = seen.Failure
	}
	return nil, trouble
}

// awaitPort waits until the port was seen twice in a row as it is to be, an
// interval apart: with the leaf of the fingerprint expect, with any when that
// is "". Its error says what was seen last, with a code.
func (w *Worker) awaitPort(ctx context.Context, job Job, port int, expect string) (code string, err error) {
	patience, interval := job.Patience, job.Interval
	if patience <= 0 {
		patience = 10 * time.Minute
	}
	if interval <= 0 {
		interval = 5 * time.Second
	}
	end, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	deadline, _ := end.Deadline()
	looks := time.NewTicker(interval)
	defer looks.Stop()
	code = CodeRestartNeverEnded
	for inRow, last := 0, "it was not looked at"; ; {
		leaf, trouble := w.portLeaf(end, job, port)
		switch {
		case end.Err() != nil || !time.Now().Before(deadline): // what came of this look says nothing
		case leaf == nil:
			inRow, code, last = 0, CodeRestartNeverEnded, "it does not answer: "+trouble
		case expect != "" && sha256Of(leaf) != expect:
			inRow, code, last = 0, CodeWrongLeafServed, "it serves the certificate with SHA-256 "+sha256Of(leaf)
		default:
			inRow++
		}
		if inRow >= 2 {
			return "", nil
		}
		select {
		case <-looks.C:
		case <-end.Done():
			if ctx.Err() != nil {
				return CodeInterrupted, fmt.Errorf("interrupted while waiting for port %d: %s", port, last)
			}
			return code, fmt.Errorf("port %d is not as it should be after %s: %s", port, patience, last)
		}
	}
}

func sha256Of(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

func sha1Of(cert *x509.Certificate) string {
	sum := sha1.Sum(cert.Raw)
	return hex.EncodeToString(sum[:])
}

// failure and success fill in what came of a task.
func (t TaskResult) failure(code, detail string) TaskResult {
	t.State, t.Code, t.Detail = TaskFailed, code, detail
	return t
}

func (t TaskResult) success(state TaskState, detail string) TaskResult {
	t.State, t.Code, t.Detail = state, "", detail
	return t
}
