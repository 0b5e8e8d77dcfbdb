package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// truthStage is a server with a journal in which a run has no end.
func truthStage(t *testing.T, run journal.Run) *stage {
	t.Helper()
	directory := t.TempDir()
	st := newStage(t, Options{App: &app.App{Now: time.Now, Lookup: func(name string) string {
		if name == "CARTOUCHE_STATE_DIR" {
			return directory
		}
		return ""
	}}})
	_, err := app.Remember(t.Context(), st.options.App, func(memory *journal.Journal) (struct{}, error) {
		if err := memory.Begin(t.Context(), run); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, memory.StepStarted(t.Context(), run.ID, journal.Step{Kind: "switch", Title: "switch"}, run.StartedAt)
	})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// openRun is a run without an end.
func openRun(at time.Time) journal.Run {
	return journal.Run{ID: "20261127-2200-abcd", GatewayID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationGateways/agw", DeploymentID: "d", DeploymentName: "gis.example.com", StartedAt: at, Plan: []byte(`{}`)}
}

// A run whose end the journal could not take is not called cut off by the program
// that carried it out, be it at the gateway or at machines; another program can say no
// more than that.
func TestAnEndThatCouldNotBeWrittenIsShown(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before string
		end    any
		said   string
	}{
		"gateway":           {`{}`, rotation.Result{Outcome: rotation.Restored}, "What was served before is back"},
		"machines":          {`{"kind":"internal"}`, rollout.Result{Outcome: rotation.Restored}, "What was served before is back"},
		"cleaning machines": {`{"kind":"clean"}`, rollout.Result{Outcome: rotation.Cleaned}, "Cleaning gis.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := openRun(time.Now())
			run.Before = []byte(test.before)
			if strings.Contains(test.before, "kind") != rollout.Made(run) {
				t.Fatal("it is a run of another kind")
			}
			st := truthStage(t, run)
			wk := st.book.Start(work.Job{Kind: runKind, About: run.GatewayID}, func(_ context.Context, w *work.Work) (any, error) {
				w.Put(runKind, run.ID)
				w.Put(endKind, test.end)
				return nil, nil
			})
			if !wk.Wait(t.Context(), 10*time.Second) {
				t.Fatal("the work does not end")
			}
			status, body := st.get(t, "/runs/"+run.ID)
			for _, want := range []string{"could not be written down", test.said} {
				if status != http.StatusOK || !strings.Contains(body, want) {
					t.Errorf("%d, no %q in\n%s", status, want, plain(body))
				}
			}
			if strings.Contains(body, "This run was cut off") {
				t.Errorf("it is called cut off:\n%s", plain(body))
			}
			var told struct{ Outcome string }
			api := newAPIStage(t, &renewalStage{stage: st})
			header := api.ask(t, request{operation: "GET /history/{run}", path: "/history/" + run.ID}, http.StatusOK, &told)
			if told.Outcome == journal.InDoubt || !strings.Contains(header.Get(warningHeader), "could not be written down") {
				t.Errorf("a program is told %q, and warned of %q", told.Outcome, header.Get(warningHeader))
			}
			other := newStage(t, st.options)
			if _, body := other.get(t, "/runs/"+run.ID); !strings.Contains(body, "This run was cut off") || strings.Contains(body, "is back") {
				t.Errorf("another program says\n%s", plain(body))
			}
		})
	}
}

// A clock that was set back makes no time negative, and no page fail.
func TestAClockThatWasSetBack(t *testing.T) {
	t.Parallel()
	run := openRun(time.Now().Add(3 * time.Hour))
	st := truthStage(t, run)
	hold := make(chan struct{})
	defer close(hold)
	wk := st.book.Start(work.Job{Kind: runKind, About: run.GatewayID}, func(_ context.Context, w *work.Work) (any, error) {
		w.Put(runKind, run.ID)
		<-hold
		return nil, nil
	})
	<-wk.Changed()
	status, body := st.get(t, "/runs/"+run.ID)
	if status != http.StatusOK || strings.Contains(body, `class="took">-`) {
		t.Errorf("%d\n%s", status, plain(body))
	}
	for _, path := range []string{"/history", "/history/" + run.ID} {
		if status, body := st.get(t, path); status != http.StatusOK {
			t.Errorf("%s: %d\n%s", path, status, plain(body))
		}
	}
}
