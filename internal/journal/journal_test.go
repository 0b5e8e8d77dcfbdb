package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var nine = time.Date(2026, 11, 23, 9, 41, 0, 123456789, time.UTC)

func open(t testing.TB, path string) *Journal {
	t.Helper()
	j, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func run(id string) Run {
	return Run{ID: id, DeploymentID: "dep1", DeploymentName: "bm", GatewayID: "/subscriptions/s/agw", Cloud: "AzureCloud", PlanHash: "abc", Version: "0.1.0", By: "ann@example.com", StartedAt: nine}
}

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "journal.db")
	ctx := t.Context()
	want := run("20261123-0941-7f3a")
	want.Plan, want.Before = json.RawMessage(`{"steps": [1, 2]}`), json.RawMessage(`{"etag":"W/\"1\"","big":12345678901234567890}`)

	j := open(t, path)
	must(t, j.Begin(ctx, want))
	must(t, j.StepStarted(ctx, want.ID, Step{Index: 1, Kind: "stage", Title: "Stage it", Intent: json.RawMessage(`{"name":"x"}`)}, nine.Add(time.Second)))
	must(t, j.StepFinished(ctx, want.ID, 1, "done", json.RawMessage(`{"etag":"2"}`), "", nine.Add(2*time.Second)))
	must(t, j.Evidence(ctx, want.ID, "handshake", json.RawMessage(`{"sha256":"aa"}`), nine.Add(3*time.Second)))
	must(t, j.StepStarted(ctx, want.ID, Step{Index: 2, Kind: "switch", Title: "Switch"}, nine.Add(4*time.Second)))
	must(t, j.StepFinished(ctx, want.ID, 2, "failed", nil, "put gateway: 409", nine.Add(5*time.Second)))
	must(t, j.Finish(ctx, want.ID, "restored", json.RawMessage(`{"proved":true}`), nine.Add(6*time.Second)))
	must(t, j.Close())

	want.Outcome, want.Summary, want.FinishedAt = "restored", json.RawMessage(`{"proved":true}`), nine.Add(6*time.Second)
	want.Steps = []Step{
		{Index: 1, Kind: "stage", Title: "Stage it", Intent: json.RawMessage(`{"name":"x"}`), StartedAt: nine.Add(time.Second), Outcome: "done", Result: json.RawMessage(`{"etag":"2"}`), FinishedAt: nine.Add(2 * time.Second)},
		{Index: 2, Kind: "switch", Title: "Switch", StartedAt: nine.Add(4 * time.Second), Outcome: "failed", Error: "put gateway: 409", FinishedAt: nine.Add(5 * time.Second)},
	}
	want.Evidence = []Evidence{{Kind: "handshake", Data: json.RawMessage(`{"sha256":"aa"}`), At: nine.Add(3 * time.Second)}}
	j = open(t, path)
	got, err := j.Run(ctx, want.ID)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}

	want.Plan, want.Steps, want.Evidence = nil, nil, nil
	list, err := j.Runs(ctx, "DEP1", 0)
	must(t, err)
	if diff := cmp.Diff([]Run{want}, list); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestRunsAreNewestFirst(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	for i, id := range []string{"b", "a", "c"} {
		r := run(id)
		r.StartedAt = nine.Add(time.Duration(i) * time.Minute)
		if id == "a" {
			r.DeploymentID = "dep2"
		}
		must(t, j.Begin(t.Context(), r))
	}
	for _, row := range []struct {
		deployment string
		limit      int
		want       string
	}{{"", 0, "c a b"}, {"", 2, "c a"}, {"dep1", 0, "c b"}, {"dep2", 5, "a"}, {"dep3", 0, ""}} {
		runs, err := j.Runs(t.Context(), row.deployment, row.limit)
		must(t, err)
		var ids []string
		for _, r := range runs {
			ids = append(ids, r.ID)
		}
		if got := strings.Join(ids, " "); got != row.want {
			t.Errorf("Runs(%q, %d) = %q, want %q", row.deployment, row.limit, got, row.want)
		}
	}
}

func TestRunByBeginning(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	for _, id := range []string{"20261123-0941-7f3a", "20261123-0941-80aa", "20261124-1200-0000", "20261124"} {
		must(t, j.Begin(t.Context(), run(id)))
	}
	for given, want := range map[string]string{
		"20261123-0941-7f3a":   "20261123-0941-7f3a",
		" 20261123-0941-7F3A ": "20261123-0941-7f3a",
		"20261123-0941-8":      "20261123-0941-80aa",
		"20261124":             "20261124",
		"20261124-":            "20261124-1200-0000",
	} {
		got, err := j.Run(t.Context(), given)
		if err != nil || got.ID != want {
			t.Errorf("Run(%q) = %q, %v; want %q", given, got.ID, err, want)
		}
	}
	_, err := j.Run(t.Context(), "20261123")
	var ambiguous *AmbiguousError
	if !errors.As(err, &ambiguous) || !cmp.Equal(ambiguous.Candidates, []string{"20261123-0941-7f3a", "20261123-0941-80aa"}) {
		t.Errorf("Run(20261123) = %v, want *AmbiguousError with two candidates", err)
	}
	for _, given := range []string{"2025", "", "%", "_0261123-0941-7f3a", "20261123-0941-7f3a0"} {
		_, err := j.Run(t.Context(), given)
		var missing *NotFoundError
		if !errors.As(err, &missing) {
			t.Errorf("Run(%q) = %v, want *NotFoundError", given, err)
		}
	}
}

// What has no end is in doubt, whichever end is missing.
func TestInDoubt(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	must(t, j.Begin(t.Context(), run("r")))
	must(t, j.StepStarted(t.Context(), "r", Step{Index: 1}, nine))
	got, err := j.Run(t.Context(), "r")
	must(t, err)
	if got.Outcome != InDoubt || got.Steps[0].Outcome != InDoubt || !got.FinishedAt.IsZero() {
		t.Errorf("run %q, step %q, finished %v; want both in doubt and no end", got.Outcome, got.Steps[0].Outcome, got.FinishedAt)
	}
}

func TestCallsOutOfOrder(t *testing.T) {
	ctx := t.Context()
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	must(t, j.Begin(ctx, run("r")))
	must(t, j.StepStarted(ctx, "r", Step{Index: 1}, nine))
	must(t, j.StepFinished(ctx, "r", 1, "done", nil, "", nine))
	must(t, j.Begin(ctx, run("ended")))
	must(t, j.Finish(ctx, "ended", "verified", nil, nine))
	broken := json.RawMessage(`{"a":`)
	for name, err := range map[string]error{
		"no id":                     j.Begin(ctx, Run{}),
		"begun twice":               j.Begin(ctx, run("r")),
		"step twice":                j.StepStarted(ctx, "r", Step{Index: 1}, nine),
		"step of no run":            j.StepStarted(ctx, "x", Step{Index: 1}, nine),
		"step after the end":        j.StepStarted(ctx, "ended", Step{Index: 1}, nine),
		"end of no step":            j.StepFinished(ctx, "r", 2, "done", nil, "", nine),
		"second end of a step":      j.StepFinished(ctx, "r", 1, "failed", nil, "", nine),
		"evidence of no run":        j.Evidence(ctx, "x", "k", nil, nine),
		"end of no run":             j.Finish(ctx, "x", "verified", nil, nine),
		"second end":                j.Finish(ctx, "ended", "failed", nil, nine),
		"a plan that is no JSON":    j.Begin(ctx, Run{ID: "p", Plan: broken}),
		"an intent that is no JSON": j.StepStarted(ctx, "r", Step{Index: 3, Intent: broken}, nine),
		"evidence that is no JSON":  j.Evidence(ctx, "r", "k", broken, nine),
		"a value that is too large": j.Evidence(ctx, "r", "k", make(json.RawMessage, maxValue+1), nine),
	} {
		var order *OrderError
		if !errors.As(err, &order) {
			t.Errorf("%s: %v, want *OrderError", name, err)
		}
	}
	got, err := j.Run(ctx, "ended")
	if err != nil || got.Outcome != "verified" {
		t.Errorf("outcome %q, %v; want the first one, verified", got.Outcome, err)
	}
}

// Ctrl-C during a step must not lose what the step did.
func TestWhatHappenedIsRecordedAfterCancellation(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	must(t, j.Begin(t.Context(), run("r")))
	must(t, j.StepStarted(t.Context(), "r", Step{Index: 1}, nine))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	must(t, j.StepFinished(ctx, "r", 1, "done", nil, "", nine))
	must(t, j.Evidence(ctx, "r", "handshake", nil, nine))
	if err := j.StepStarted(ctx, "r", Step{Index: 2}, nine); !errors.Is(err, context.Canceled) {
		t.Errorf("StepStarted = %v, want context.Canceled: nothing new begins", err)
	}
	must(t, j.Finish(ctx, "r", "interrupted", nil, nine))
	got, err := j.Run(t.Context(), "r")
	must(t, err)
	if got.Outcome != "interrupted" || len(got.Steps) != 1 || got.Steps[0].Outcome != "done" || len(got.Evidence) != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestLookingMakesNoFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	j := open(t, filepath.Join(dir, "journal.db"))
	runs, err := j.Runs(t.Context(), "", 0)
	if err != nil || len(runs) != 0 {
		t.Errorf("Runs = %v, %v; want none", runs, err)
	}
	var missing *NotFoundError
	if _, err := j.Run(t.Context(), "2026"); !errors.As(err, &missing) {
		t.Errorf("Run = %v, want *NotFoundError", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is there: %v", dir, err)
	}
}

func TestOnlyTheUserMayReadIt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no mode bits")
	}
	dir := filepath.Join(t.TempDir(), "a", "b")
	j := open(t, filepath.Join(dir, "journal.db"))
	must(t, j.Begin(t.Context(), run("r")))
	for _, name := range []string{".", "journal.db", "journal.db-wal", "journal.db-shm"} {
		info, err := os.Stat(filepath.Join(dir, name))
		must(t, err)
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, want nothing for others", name, info.Mode().Perm())
		}
	}
}

// Two processes, as far as SQLite can tell: each handle has its own connection.
func TestTwoHandles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	const steps = 20
	var group sync.WaitGroup
	for _, id := range []string{"one", "two"} {
		group.Go(func() {
			j, err := Open(context.Background(), path)
			if err != nil {
				t.Error(err)
				return
			}
			defer j.Close()
			if err := j.Begin(context.Background(), run(id)); err != nil {
				t.Error(err)
				return
			}
			for i := range steps {
				err := errors.Join(
					j.StepStarted(context.Background(), id, Step{Index: i}, nine),
					j.StepFinished(context.Background(), id, i, "done", nil, "", nine))
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	j := open(t, path)
	for _, id := range []string{"one", "two"} {
		got, err := j.Run(t.Context(), id)
		if err != nil || len(got.Steps) != steps {
			t.Errorf("run %s: %d steps, %v; want %d", id, len(got.Steps), err, steps)
		}
	}
}

func TestNewRunID(t *testing.T) {
	east := time.FixedZone("east", 5*3600)
	if got, want := NewRunID(nine.In(east), bytes.NewReader([]byte{0x7f, 0x3a})), "20261123-0941-7f3a"; got != want {
		t.Errorf("NewRunID = %s, want %s", got, want)
	}
	if got := NewRunID(nine, strings.NewReader("")); len(got) != 18 {
		t.Errorf("NewRunID without randomness = %q, want 18 characters", got)
	}
	earlier, later := NewRunID(nine, strings.NewReader("\xff\xff")), NewRunID(nine.Add(time.Minute), strings.NewReader("\x00\x00"))
	if earlier >= later {
		t.Errorf("%s does not sort before %s", earlier, later)
	}
}

func TestDefaultPath(t *testing.T) {
	rows := []struct {
		goos string
		env  map[string]string
		want string
	}{
		{"linux", map[string]string{"HOME": "/home/ann"}, "/home/ann/.local/state/cartouche/journal.db"},
		{"linux", map[string]string{"HOME": "/home/ann", "XDG_STATE_HOME": "/state"}, "/state/cartouche/journal.db"},
		{"linux", map[string]string{"HOME": "/home/ann", "XDG_STATE_HOME": "relative"}, "/home/ann/.local/state/cartouche/journal.db"},
		{"darwin", map[string]string{"HOME": "/Users/ann", "XDG_STATE_HOME": "/state"}, "/Users/ann/Library/Application Support/cartouche/journal.db"},
		{"windows", map[string]string{"LocalAppData": `/C/Users/ann/AppData/Local`}, "/C/Users/ann/AppData/Local/cartouche/journal.db"},
		{"windows", map[string]string{"CARTOUCHE_STATE_DIR": "/d", "LocalAppData": "/l"}, "/d/journal.db"},
		{"linux", map[string]string{"CARTOUCHE_STATE_DIR": "d"}, "d/journal.db"},
		{"linux", nil, ""},
		{"darwin", nil, ""},
		{"windows", map[string]string{"HOME": "/h"}, ""},
	}
	for _, row := range rows {
		got, err := DefaultPath(func(name string) string { return row.env[name] }, row.goos)
		if filepath.ToSlash(got) != row.want || (err == nil) != (row.want != "") {
			t.Errorf("DefaultPath on %s with %v = %q, %v; want %q", row.goos, row.env, got, err, row.want)
		}
	}
}

func TestAddressOfAFile(t *testing.T) {
	for _, row := range []struct{ path, goos, want string }{
		{"/tmp/a b?c#d%e/journal.db", "linux", "file:/tmp/a%20b%3Fc%23d%25e/journal.db?"},
		{`C:\Users\Ann Ö\journal.db`, "windows", "file:/C:/Users/Ann%20%C3%96/journal.db?"},
	} {
		if got := dsn(row.path, row.goos); !strings.HasPrefix(got, row.want) {
			t.Errorf("dsn(%q) = %q, want it to begin with %q", row.path, got, row.want)
		}
	}
	path := filepath.Join(t.TempDir(), "a b?c#d%e", "journal.db")
	must(t, open(t, path).Begin(t.Context(), run("r")))
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the journal is elsewhere: %v", err)
	}
}

// Opening must not be felt: below 10 ms on any machine of today.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "journal.db")
	must(b, open(b, path).Begin(context.Background(), run("r")))
	for b.Loop() {
		j, err := Open(context.Background(), path)
		must(b, err)
		must(b, j.Close())
	}
}

func BenchmarkStep(b *testing.B) {
	j := open(b, filepath.Join(b.TempDir(), "journal.db"))
	must(b, j.Begin(context.Background(), run("r")))
	i := 0
	for b.Loop() {
		must(b, j.StepStarted(context.Background(), "r", Step{Index: i, Title: fmt.Sprint(i)}, nine))
		must(b, j.StepFinished(context.Background(), "r", i, "done", nil, "", nine))
		i++
	}
}
