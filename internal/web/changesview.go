package web

import (
	"encoding/json"
	"slices"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// changesView is what a run changed, and what proves it.
type changesView struct {
	Run      journal.Run
	Row      historyRow
	Sentence string
	Failure  string
	// Certificates are what clients were served before and afterwards.
	Certificates  []changedCertificate
	Moves         []rotation.Move
	Machines      []rollout.Changed
	Removed       []string
	Left          []string
	NotRestored   []rotation.Difference
	Unknown       []rotation.Difference
	GatewayWrites int
	Restarts      int
	Operations    []string
	// Evidence is what is known of the run's file, nil when there is none.
	Evidence *evidenceView
	// Signer is who signs when it is made, "" for nobody.
	Signer string
}

type evidenceView struct {
	Badge    pages.Badge
	Report   evidence.Report
	Findings pki.Findings // refusals and warnings
}

type changedCertificate struct {
	Title string
	New   bool
	pki.Description
	Differs map[string]bool
}

// changesOf is what a whole run changed.
func changesOf(run journal.Run, goesOn bool) changesView {
	view := changesView{Run: run, Row: historyRowOf(run, app.PurposeOf(run), goesOn), Sentence: outcomeSentence(run.Outcome, goesOn)}
	if of := app.PurposeOf(run).UndoOf; of != "" && run.Outcome == string(rotation.Verified) {
		view.Sentence = takenBack(of)
	}
	var planned struct {
		Moves []rotation.Move `json:"moves"`
	}
	_ = json.Unmarshal(run.Plan, &planned) // one of another kind has no moves
	if rollout.Made(run) {
		var result rollout.Result
		_ = json.Unmarshal(run.Summary, &result) // a run without an end has none
		view.Failure, view.Machines, view.Removed, view.Left = result.Failure, result.Machines, result.Removed, result.Left
		view.NotRestored, view.Unknown = result.NotRestored, result.Unknown
		view.GatewayWrites, view.Restarts, view.Operations = result.GatewayWrites, result.Restarts, result.Operations
		return view
	}
	var result rotation.Result
	_ = json.Unmarshal(run.Summary, &result)
	view.Moves = planned.Moves
	view.Failure, view.Removed, view.Left = result.Failure, result.Removed, result.Left
	view.NotRestored, view.Unknown = result.NotRestored, result.Unknown
	view.GatewayWrites, view.Restarts, view.Operations = result.GatewayWrites, result.Restarts, result.Operations
	if result.Before != nil && result.After != nil {
		view.Certificates = []changedCertificate{
			{Title: "Before", Description: *result.Before},
			{Title: "Afterwards", New: true, Description: *result.After, Differs: differs(*result.Before, *result.After)},
		}
	}
	return view
}

// differs names what two certificates do not have in common.
func differs(before, after pki.Description) map[string]bool {
	return map[string]bool{
		"subject": before.Subject != after.Subject, "issuer": before.Issuer != after.Issuer,
		"names": !slices.Equal(before.Names, after.Names), "until": !before.NotAfter.Equal(after.NotAfter),
		"key": before.KeyAlgorithm != after.KeyAlgorithm, "sha256": before.SHA256 != after.SHA256,
	}
}

// evidenceOf says whether the evidence of a run holds.
func evidenceOf(report evidence.Report) *evidenceView {
	view := &evidenceView{Badge: pages.Badge{Kind: "ok", Text: "holds"}, Report: report}
	if !report.Holds {
		view.Badge = pages.Badge{Kind: "gone", Text: "does not hold"}
	}
	for _, finding := range report.Findings {
		if finding.Severity != pki.Note {
			view.Findings = append(view.Findings, finding)
		}
	}
	return view
}
