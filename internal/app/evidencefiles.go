package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// evidenceRow is a run in the list of `evidence`.
type evidenceRow struct {
	Run        string    `json:"run"`
	Deployment string    `json:"deployment"`
	StartedAt  time.Time `json:"startedAt"`
	Outcome    string    `json:"outcome"`
	// File is "" for a run that has no evidence yet; so is the rest.
	File   string `json:"file"`
	Number int    `json:"number"`
	SHA256 string `json:"sha256"`
	Signer string `json:"signer"`
}

// runsOfDeployment are the heads of the runs of one deployment on one gateway.
func runsOfDeployment(ctx context.Context, memory *journal.Journal, gatewayID, deploymentID string) ([]journal.Run, error) {
	all, err := memory.Runs(ctx, "", 0)
	if err != nil {
		return nil, err
	}
	var own []journal.Run
	for _, run := range all {
		if cloud.SameID(run.GatewayID, gatewayID) && strings.EqualFold(run.DeploymentID, deploymentID) {
			own = append(own, run)
		}
	}
	return own, nil
}

// Evidence is the file of a run as it is now, and whether it holds.
type Evidence struct {
	evidence.Kept
	Data   []byte
	Report evidence.Report
}

// EvidenceOf is the evidence of a run; found is false when there is none yet.
func (a *App) EvidenceOf(run journal.Run) (held Evidence, found bool, err error) {
	store, err := a.EvidenceStore()
	if err != nil {
		return held, false, err
	}
	held.Kept, found, err = store.Latest(run)
	if err != nil || !found {
		return held, false, err
	}
	if held.Data, err = evidence.ReadFile(held.Path); err != nil {
		return held, true, err
	}
	held.Report = evidence.Verify([]evidence.Given{{Name: held.Path, Data: held.Data}}, nil, a.Version)[0]
	return held, true, nil
}

// EvidenceKept is the evidence of a run, made now if there is none; signing opens the
// key to sign it with, which may be nil.
func (a *App) EvidenceKept(ctx context.Context, run journal.Run, signing func(context.Context) (*evidence.Key, error)) (Evidence, error) {
	held, found, err := a.EvidenceOf(run)
	if err != nil || found && held.File.Document.Outcome.Word == run.Outcome {
		return held, err
	}
	key, err := signing(ctx)
	if err != nil {
		return held, err
	}
	// A run that is still going on writes its evidence itself.
	unlock, err := a.Lock(run.GatewayID, run.DeploymentName)
	if err != nil {
		return held, err
	}
	defer unlock()
	memory, err := a.OpenJournal(ctx)
	if err != nil {
		return held, err
	}
	defer memory.Close()
	if _, err := a.keepEvidence(ctx, memory, run.GatewayID, run.DeploymentID, key); err != nil {
		return held, err
	}
	held, found, err = a.EvidenceOf(run)
	if err == nil && !found {
		err = fmt.Errorf("the evidence of run %s is there and cannot be read: cartouche evidence verify", run.ID)
	}
	return held, err
}

// EvidenceStore is where evidence is kept: beside the journal.
func (a *App) EvidenceStore() (evidence.Store, error) {
	path, err := journal.DefaultPath(a.Lookup, runtime.GOOS)
	if err != nil {
		return evidence.Store{}, Usage("set CARTOUCHE_STATE_DIR to a directory of yours", "%s", err)
	}
	return evidence.Store{Dir: filepath.Join(filepath.Dir(path), "evidence")}, nil
}

// keepEvidence writes what the runs of a deployment have no evidence of. The lock
// of the deployment is held.
func (a *App) keepEvidence(ctx context.Context, memory *journal.Journal, gatewayID, deploymentID string, key *evidence.Key) ([]evidence.Kept, error) {
	store, err := a.EvidenceStore()
	if err != nil {
		return nil, err
	}
	runs, err := runsOfDeployment(ctx, memory, gatewayID, deploymentID)
	if err != nil {
		return nil, err
	}
	kept, err := store.Keep(runs, func(id string) (journal.Run, error) { return memory.Run(ctx, id) }, key, a.Now())
	for _, one := range kept {
		// The journal knows what was written, so that a file that is taken away is missed.
		note := fmt.Appendf(nil, `{"number":%d,"sha256":%q}`, one.File.Document.Number, one.File.Hash)
		err = errors.Join(err, memory.Evidence(ctx, one.File.Document.Run.ID, evidenceWritten, note, a.Now()))
	}
	return kept, err
}

// evidenceWritten is the kind of the journal's note of a file.
const evidenceWritten = "evidence file"

// afterRun keeps the evidence of a run that has just ended. It is no part of the
// run: what fails here is told, and can be done later.
func (a *App) afterRun(ctx context.Context, memory *journal.Journal, state rotation.State, key *evidence.Key) {
	kept, err := a.keepEvidence(context.WithoutCancel(ctx), memory, state.Gateway.ID(), state.Deployment.ID, key)
	if err != nil {
		a.warn("the evidence of the run could not be written: " + err.Error() + "; once more: cartouche evidence RUN")
	}
	if n := len(kept); n > 0 {
		last := kept[n-1]
		text := last.Path + ", " + SignedWords(last.File.Document)
		a.teller().Note(NoteEvidence, text)
	}
}

// SignedWords say whose signature a file has, plainly that it has none.
func SignedWords(document evidence.Document) string {
	if signer := document.Signer(); signer != "" {
		return "signed by " + signer
	}
	return "unsigned"
}

// MissingEvidence are the files that the journal knows and that are not there, and
// the runs that have none yet.
func (a *App) MissingEvidence(ctx context.Context, reports []evidence.Report) (pki.Findings, error) {
	there := map[string]bool{}
	for _, r := range reports {
		there[r.SHA256] = true
	}
	return Remember(ctx, a, func(memory *journal.Journal) (pki.Findings, error) {
		findings := pki.Findings{}
		runs, err := memory.Runs(ctx, "", 0)
		if err != nil {
			return nil, err
		}
		for _, run := range runs {
			whole, err := memory.Run(ctx, run.ID)
			if err != nil {
				return nil, err
			}
			written := false
			for _, piece := range whole.Evidence {
				var note struct {
					Number int    `json:"number"`
					SHA256 string `json:"sha256"`
				}
				if piece.Kind != evidenceWritten || json.Unmarshal(piece.Data, &note) != nil {
					continue
				}
				written = true
				if !there[note.SHA256] {
					findings = append(findings, pki.Finding{
						Code: "evidence-gone", Severity: pki.Refusal,
						Sentence: fmt.Sprintf("the evidence of run %s that was written as number %d is not there as it was written", run.ID, note.Number),
					})
				}
			}
			if !written {
				findings = append(findings, pki.Finding{
					Code: "no-evidence-yet", Severity: pki.Note,
					Sentence: "run " + run.ID + " has no evidence yet", Mend: "cartouche evidence " + run.ID,
				})
			}
		}
		return findings, nil
	})
}

// EvidenceRows are all runs with the files that prove them.
func (a *App) EvidenceRows(ctx context.Context) ([]evidenceRow, error) {
	runs, err := a.Runs(ctx)
	if err != nil {
		return nil, err
	}
	store, err := a.EvidenceStore()
	if err != nil {
		return nil, err
	}
	list := []evidenceRow{}
	kept := map[string][]evidence.Kept{} // by deployment
	for _, run := range runs {
		row := evidenceRow{Run: run.ID, Deployment: run.DeploymentName, StartedAt: run.StartedAt, Outcome: run.Outcome}
		about := strings.ToLower(run.GatewayID + "\n" + run.DeploymentID)
		if _, read := kept[about]; !read {
			if kept[about], err = store.Of(run.GatewayID, run.DeploymentID); err != nil {
				return nil, err
			}
		}
		for _, one := range kept[about] {
			if d := one.File.Document; d.Run.ID == run.ID {
				row.File, row.Number, row.SHA256, row.Signer = one.Path, d.Number, one.File.Hash, d.Signer()
			}
		}
		list = append(list, row)
	}
	return list, nil
}
