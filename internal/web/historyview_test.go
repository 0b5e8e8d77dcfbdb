package web

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// aRun is a run as the journal gives it.
func aRun(id, deployment, outcome string, result rotation.Result) journal.Run {
	summary, err := json.Marshal(result)
	if err != nil {
		panic(err) // a result is always JSON
	}
	run := journal.Run{
		ID: id, DeploymentID: deployment, DeploymentName: deployment + "<b>", GatewayID: "/subscriptions/1/agw-" + deployment, By: "gis@ws-0815",
		StartedAt: listNow, FinishedAt: listNow.Add(65 * time.Second), Outcome: outcome, Summary: summary, Version: "v1",
		Plan: json.RawMessage(`{"moves":[{"listener":"https","from":"old<i>","fromLeaf":"aabb","to":"new","toLeaf":"ccdd"}]}`),
	}
	if outcome == journal.InDoubt {
		run.FinishedAt, run.Summary = time.Time{}, nil
	}
	return run
}

func certificateUntil(subject string, until time.Time, sha256 string) *pki.Description {
	return &pki.Description{Subject: subject, Issuer: "CN=Example CA", Names: []string{"gis.example.com"}, NotAfter: until, KeyAlgorithm: "RSA 2048", SHA256: sha256}
}

func someRuns() []journal.Run {
	renewed := rotation.Result{
		Outcome: rotation.Verified,
		Before:  certificateUntil("CN=gis.example.com", listNow.AddDate(0, 0, 9), strings.Repeat("ab", 32)),
		After:   certificateUntil("CN=gis.example.com", listNow.AddDate(1, 0, 9), strings.Repeat("cd", 32)),
	}
	return []journal.Run{
		aRun("5", "prod", journal.InDoubt, rotation.Result{}),
		aRun("4", "prod", string(rotation.PartlyRestored), rotation.Result{UndoOf: "3", NotRestored: []rotation.Difference{{What: "listener <i>", Now: "gone", Next: "cartouche undo 20261127-1810-bf46"}}}),
		aRun("3", "prod", string(rotation.Verified), renewed),
		aRun("2", "test", string(rotation.Cleaned), rotation.Result{Removed: []string{"entry old"}}),
		aRun("1", "test", journal.FoundVerified, rotation.Result{}),
	}
}

// rowsOf makes rows of runs without an end that go on, or do not.
func rowsOf(goOn bool) func(journal.Run) historyRow {
	return func(run journal.Run) historyRow { return historyRowOf(run, app.PurposeOf(run), goOn) }
}

func TestHistoryTellsRunsByWhatCameOfThem(t *testing.T) {
	t.Parallel()
	var got []string
	for _, row := range historyOf(someRuns(), nil, rowsOf(false)).Rows {
		got = append(got, fmt.Sprintf("%s %s %s (%s) took %s", row.ID, row.What, row.Badge.Text, row.Badge.Kind, row.Took))
	}
	want := `5 Renewal cut off (urgent) took 0s
4 Undo partly restored (gone) took 1m5s
3 Renewal verified (ok) took 1m5s
2 Clean-up cleaned (ok) took 1m5s
1 Renewal cut off, took effect (soon) took 0s`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got:\n%s\nwant:\n%s", text, want)
	}
}

func TestRunThatGoesOnIsNotCutOff(t *testing.T) {
	t.Parallel()
	for goesOn, want := range map[bool]pages.Badge{true: {Kind: "busy", Text: "going on"}, false: {Kind: "urgent", Text: "cut off"}} {
		view := historyOf(someRuns(), nil, rowsOf(goesOn))
		if view.Rows[0].Badge != want || view.CutOff == goesOn {
			t.Errorf("goes on %t: %v, cut off %t", goesOn, view.Rows[0].Badge, view.CutOff)
		}
	}
}

func TestHistoryOfOneDeployment(t *testing.T) {
	t.Parallel()
	runs := someRuns()
	view := historyOf(runs, url.Values{"deployment": {pathOfRun(runs[3])}}, rowsOf(false))
	if view.Matching != 2 || view.Total != 5 || len(view.Deployments) != 2 {
		t.Errorf("%d of %d runs, %d deployments to choose from", view.Matching, view.Total, len(view.Deployments))
	}
}

// TestEveryOutcomeHasItsWords holds that a run never ends in a word that the
// pages do not know.
func TestEveryOutcomeHasItsWords(t *testing.T) {
	t.Parallel()
	for _, outcome := range []string{
		string(rotation.Verified), string(rotation.NothingToDo), string(rotation.Unchanged), string(rotation.Restored), string(rotation.PartlyRestored),
		string(rotation.NotKnown), string(rotation.Cleaned), journal.InDoubt, journal.FoundVerified, journal.FoundUnchanged, journal.FoundRestored,
		journal.FoundCleaned, journal.FoundPartly, journal.FoundUnknown,
	} {
		if badge := outcomeBadge(outcome, false); badge.Kind == "unknown" || outcomeSentence(outcome, false) == "" {
			t.Errorf("%s: %v, %q", outcome, badge, outcomeSentence(outcome, false))
		}
	}
}

func TestChangesOfARunAreShown(t *testing.T) {
	t.Parallel()
	runs := someRuns()
	for i, wanted := range map[int][]string{
		2: {"Renewal of", "changed", "AB:AB:AB", "CD:CD:CD", "old&lt;i&gt;", "prod&lt;b&gt;", "holds", "it is not signed", `href="/runs/3/evidence"`},
		1: {"Not as before", "listener &lt;i&gt;: gone", "Take run 20261127-1810-bf46 back", "Make it now"},
		0: {"it was cut off"},
	} {
		view := changesOf(runs[i], false)
		if i == 2 {
			view.Evidence = evidenceOf(evidence.Report{Holds: true, Signature: evidence.Signature{State: "unsigned"}})
		}
		w := httptest.NewRecorder()
		if err := pages.Write(w, 200, "changes", pages.Page{Title: "Run", Data: view}); err != nil {
			t.Fatal(err)
		}
		for _, want := range wanted {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("run %s: no %q in\n%s", runs[i].ID, want, w.Body)
			}
		}
	}
}
