package web

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/journal"
)

// historyStage is a server whose journal has runs, and a person who came in.
func historyStage(t *testing.T, runs ...journal.Run) *stage {
	t.Helper()
	state := t.TempDir()
	a := &app.App{Version: "v1", Now: func() time.Time { return listNow }, Lookup: func(name string) string {
		return map[string]string{"CARTOUCHE_STATE_DIR": state}[name]
	}}
	memory, err := a.OpenJournal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	store := evidence.Store{Dir: filepath.Join(state, "evidence")}
	for _, run := range runs {
		outcome, summary := run.Outcome, run.Summary
		if run.Before == nil {
			run.Before = json.RawMessage(`{}`)
		}
		if err := memory.Begin(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		if outcome == journal.InDoubt {
			continue
		}
		if err := memory.Finish(t.Context(), run.ID, outcome, summary, run.FinishedAt); err != nil {
			t.Fatal(err)
		}
		whole, err := memory.Run(t.Context(), run.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Keep([]journal.Run{whole}, func(id string) (journal.Run, error) { return memory.Run(t.Context(), id) }, nil, listNow); err != nil {
			t.Fatal(err)
		}
	}
	return newStage(t, Options{App: a, Version: "v1"})
}

func TestHistoryIsThatOfTheJournal(t *testing.T) {
	t.Parallel()
	st := historyStage(t, someRuns()[:4]...)
	for path, wanted := range map[string][]string{
		"/history":                          {"4 runs", "A run was cut off", "prod&lt;b&gt;", `href="/runs/3"`, `href="/history/3"`, "until 2 December 2027"},
		"/history?deployment=" + "nonsense": {"No run of this deployment"},
		"/history/3":                        {"Renewal of", "CD:CD", "does not hold", "nothing in the file proves it", "Page to print"},
		"/history/5":                        {"This run has no evidence yet"},
	} {
		status, body := st.get(t, path)
		for _, want := range wanted {
			if status != http.StatusOK || !strings.Contains(body, want) {
				t.Errorf("%s: %d without %q:\n%s", path, status, want, body)
			}
		}
	}
	if status, body := st.get(t, "/history/nothing"); status != http.StatusNotFound || !strings.Contains(body, "The run was not found") {
		t.Errorf("a run that never was: %d\n%s", status, body)
	}
}

func TestHistoryWithoutRunsSaysWhatWillBeThere(t *testing.T) {
	t.Parallel()
	if status, body := historyStage(t).get(t, "/history"); status != http.StatusOK || !strings.Contains(body, "No runs yet") {
		t.Errorf("%d\n%s", status, body)
	}
}

// TestEvidencePageMayHaveItsStyleAndNothingElse holds the policy of the one page
// that is a file for others.
func TestEvidencePageMayHaveItsStyleAndNothingElse(t *testing.T) {
	t.Parallel()
	st := historyStage(t, someRuns()[2])
	answer, err := st.client.Get(st.base + "/runs/3/evidence")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(body), "Evidence of run 3") || strings.Contains(string(body), "prod<b>") {
		t.Errorf("the page:\n%s", body)
	}
	policies := answer.Header.Values("Content-Security-Policy")
	if len(policies) != 1 || policies[0] != evidencePolicy {
		t.Errorf("the policy is %q", policies)
	}
}

func TestEvidenceIsSavedAsItWasWritten(t *testing.T) {
	t.Parallel()
	st := historyStage(t, someRuns()[2])
	status, body := st.get(t, "/runs/3/evidence.json")
	report := evidence.Verify([]evidence.Given{{Name: "3.json", Data: []byte(body)}}, nil, "v1")[0]
	for _, finding := range report.Findings {
		if finding.Code == "unreadable" || finding.Code == "hash" {
			t.Errorf("%s: %s", finding.Code, finding.Sentence)
		}
	}
	if status != http.StatusOK || report.Run != "3" {
		t.Errorf("%d, of run %q: %s", status, report.Run, body)
	}
	if status, _ := st.get(t, "/runs/5/evidence.json"); status != http.StatusNotFound {
		t.Errorf("a run that never was: %d", status)
	}
}

func TestEvidenceOfARunThatWasCutOffIsMadeWhenAsked(t *testing.T) {
	t.Parallel()
	st := historyStage(t, someRuns()[0])
	if status, body := st.post(t, "/history/5/evidence", nil); status != http.StatusOK || !strings.Contains(body, "Page to print") {
		t.Errorf("%d\n%s", status, body)
	}
	if status, body := st.get(t, "/runs/5/evidence.json"); status != http.StatusOK || !strings.Contains(body, "cartouche-evidence") {
		t.Errorf("%d\n%s", status, body)
	}
}
