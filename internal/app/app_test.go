package app_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// heard is a teller that keeps what it is told.
type heard struct {
	mu    sync.Mutex
	notes []app.NoteKind
	texts []string
}

func (h *heard) Doing(_ rotation.Phase, text string) { h.add("", text) }
func (h *heard) Done()                               {}
func (h *heard) Event(event rotation.Event)          { h.add("", event.Text) }
func (h *heard) Note(kind app.NoteKind, text string) { h.add(kind, text) }

func (h *heard) add(kind app.NoteKind, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notes, h.texts = append(h.notes, kind), append(h.texts, text)
}

func (h *heard) all() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.texts, "\n")
}

// computer is one in a world, with a state directory of its own.
func computer(t *testing.T, world *sim.World) (*app.App, func(string) string) {
	t.Helper()
	variables := map[string]string{"CARTOUCHE_STATE_DIR": t.TempDir()}
	for _, v := range world.Environment() {
		variables[v.Name] = v.Value
	}
	lookup := func(name string) string { return variables[name] }
	patience := rotation.Patience{Write: time.Minute, Proof: 30 * time.Second, Recovery: time.Minute, Interval: 50 * time.Millisecond, Backoff: 50 * time.Millisecond}
	return &app.App{Lookup: lookup, Now: time.Now, Patience: patience, PollInterval: 50 * time.Millisecond, Version: "test"}, lookup
}

// A renewal, and taking it back, by nothing but this package: as a page does it,
// with one sign-in and another one to tell for each piece of work.
func TestARenewalWithoutACommandLine(t *testing.T) {
	t.Parallel()
	world := worldtest.Start(t, sim.Options{World: "single", Scale: 600})
	a, lookup := computer(t, world)
	ctx := context.Background()
	s, err := a.Connect(ctx, app.SignInAsked{})
	if err != nil {
		t.Fatal(err)
	}
	values, err := s.DeploymentValues(ctx)
	if err != nil || len(values) != 1 || !values[0].CanUpdate {
		t.Fatalf("deployments: %v, %v", values, err)
	}
	credentials := rotation.Credentials{SiteAdmin: lookup("CARTOUCHE_SITE_ADMIN"), SiteAdminPassword: secret.New(lookup("CARTOUCHE_SITE_ADMIN_PASSWORD"))}
	_, data, password := world.NewCertificate()
	bundle, err := pki.ReadPFX(data, secret.New(password))
	if err != nil {
		t.Fatal(err)
	}

	run := &heard{}
	work := s.With(run)
	defer work.Close(ctx)
	asked := app.Renewal{Bundle: bundle, File: "new.pfx"}
	if _, err := work.JudgeFile(ctx, bundle, work.CriteriaOf(values[0].Deployment, asked, work.Roots)); err != nil {
		t.Fatal(err)
	}
	ready, err := work.Prepare(ctx, values[0].Deployment, credentials, asked)
	if err != nil {
		t.Fatal(err)
	}
	if f := ready.Failure(); f != nil {
		t.Fatal(f)
	}
	var begun, renewed string
	ready.Runner.Begun = func(id string) { begun = id }
	err = ready.Apply(ctx, nil, func(result rotation.Result, _ string, f *app.Failure) error {
		if f != nil || result.Outcome != rotation.Verified {
			t.Errorf("the run ended %q, with %v", result.Outcome, f)
		}
		if _, err := a.Lock(ready.State.Gateway.ID(), "another"); err == nil {
			t.Error("the lock is free before the run is over")
		}
		renewed = result.RunID
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if begun == "" || begun != renewed {
		t.Errorf("it began as %q and ended as %q", begun, renewed)
	}
	for _, want := range []string{"reading gateway, endpoints", "claiming ", "handshakes in each of", "unsigned"} {
		if !strings.Contains(run.all(), want) {
			t.Errorf("nobody was told %q, but\n%s", want, run.all())
		}
	}

	undo := &heard{}
	back := s.With(undo)
	defer back.Close(ctx)
	taken, err := a.RunToUndo(ctx, "", "")
	if err != nil || taken.ID != renewed {
		t.Fatalf("the run to take back is %q, %v", taken.ID, err)
	}
	logins := func(_ context.Context, of deployment.Deployment, atMachines bool) (rotation.Credentials, error) {
		if atMachines || of.GatewayID != taken.GatewayID {
			t.Errorf("logins were asked for %s, at machines: %v", of.GatewayID, atMachines)
		}
		return credentials, nil
	}
	prepared, err := back.PrepareBack(ctx, taken, logins, app.Looking{Reach: app.Reach{Way: app.ReachNone}})
	if err != nil || prepared.Machines != nil || prepared.NothingToDo() {
		t.Fatalf("%+v, %v", prepared, err)
	}
	err = prepared.Undo(ctx, nil, func(result rotation.Result, _ string, f *app.Failure) error {
		if f != nil || result.UndoOf != renewed {
			t.Errorf("taking %s back ended %q of %q, with %v", renewed, result.Outcome, result.UndoOf, f)
		}
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(run.all(), "going back") || undo.all() == "" {
		t.Error("the two pieces of work were told to one")
	}
	rows, err := a.EvidenceRows(ctx)
	if err != nil || len(rows) != 2 || rows[0].File == "" || rows[1].File == "" {
		t.Errorf("evidence: %+v, %v", rows, err)
	}
}

// A report's own error is the caller's; nothing is put on top of it.
func TestWhatAReportSaysIsHandedOn(t *testing.T) {
	t.Parallel()
	world := worldtest.Start(t, sim.Options{World: "single", Scale: 600})
	a, _ := computer(t, world)
	ctx := context.Background()
	s, err := a.Connect(ctx, app.SignInAsked{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := s.Find(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, data, password := world.NewCertificate()
	bundle, err := pki.ReadPFX(data, secret.New(password))
	if err != nil {
		t.Fatal(err)
	}
	ready, err := s.Prepare(ctx, found.Deployments[0], rotation.Credentials{}, app.Renewal{Bundle: bundle, File: "new.pfx", Reach: app.Reach{Way: app.ReachNone}})
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := a.Lock(ready.State.Gateway.ID(), "another")
	if err != nil {
		t.Fatal(err)
	}
	if err := ready.Alone(ctx); app.Explain(err).Code != "locked" {
		t.Errorf("while another run works on it: %v", err)
	}
	if err := ready.Apply(ctx, nil, nil); app.Explain(err).Exit != app.ExitLocked {
		t.Errorf("while another run works on it, apply gives %v", err)
	}
	unlock()
	if runs, err := a.Runs(ctx); err != nil || len(runs) != 0 {
		t.Errorf("there are runs: %v, %v", runs, err)
	}
	mine := errors.New("mine")
	if err := ready.Apply(ctx, nil, func(rotation.Result, string, *app.Failure) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("apply gives %v", err)
	}
}

func TestWhatIsNoWayIsRefused(t *testing.T) {
	t.Parallel()
	for way, refused := range map[string]bool{"": false, "auto": false, "none": false, "direct": false, "agent": false, "dsc": false, "AGENT": true, "../x": true} {
		if err := (app.Reach{Way: way}).Check(false); (err != nil) != refused {
			t.Errorf("%q: %v", way, err)
		}
	}
	if (app.Reach{Way: app.ReachDSC}).Check(true) == nil {
		t.Error("dsc cannot look")
	}
}

func TestAFailureStandsBesideItsValue(t *testing.T) {
	t.Parallel()
	f := app.Explain(app.WhileServing(context.Canceled, app.NothingChanged, "cartouche deployments"))
	got, err := json.Marshal(app.Failed[map[string]int]{Value: map[string]int{"a": 1}, Error: &f, Exit: f.Exit})
	want := `{"a":1,"error":{"code":"interrupted","message":"interrupted","hint":"cartouche deployments","serving":"as before: this changed nothing"},"exit":130}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s (%v)\nwant %s", got, err, want)
	}
}

// Without a function that asks, a service principal is what the environment says.
func TestAServicePrincipalOfTheEnvironment(t *testing.T) {
	t.Parallel()
	variables := map[string]string{"AZURE_CLIENT_ID": "app", "AZURE_TENANT_ID": "tenant", "AZURE_CLIENT_SECRET": "hush"}
	a := &app.App{Lookup: func(name string) string { return variables[name] }, Now: time.Now}
	chosen, err := a.ChooseSignIn(context.Background(), app.SignInAsked{})
	if err != nil || chosen.Origin != app.ByEnvironment || chosen.Options.Kind != cloud.ServicePrincipal || chosen.Options.ClientSecret.Empty() {
		t.Errorf("%v %v %v", chosen.Origin, chosen.Options.Kind, err)
	}
	delete(variables, "AZURE_CLIENT_SECRET")
	variables["AZURE_CLIENT_CERTIFICATE_PATH"] = t.TempDir() + "/gone.pem"
	if _, err := a.ChooseSignIn(context.Background(), app.SignInAsked{}); err == nil || app.Explain(err).Exit != app.ExitUsage {
		t.Errorf("a certificate that is not there: %v", err)
	}
}

func TestWhichRunsMayBeTakenBack(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[string]bool{
		"verified": true, "partly-restored": true, "unknown": true, journal.InDoubt: true, journal.FoundVerified: true,
		"restored": false, "unchanged": false, "cleaned": false, "nothing-to-do": false, "": false,
	} {
		if got := app.MayUndo(journal.Run{Outcome: outcome}); got != want {
			t.Errorf("%q: %v", outcome, got)
		}
	}
	cleaning := journal.Run{Outcome: journal.InDoubt, Plan: json.RawMessage(`{"steps":[{"kind":"clean"}]}`)}
	if app.MayUndo(cleaning) {
		t.Error("a cleaning that was cut off cannot be taken back")
	}
}

// TestWhatARunWasFor holds that the head of a run and the whole of it say the same.
func TestWhatARunWasFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := &app.App{Lookup: func(name string) string { return map[string]string{"CARTOUCHE_STATE_DIR": dir}[name] }, Now: time.Now}
	memory, err := a.OpenJournal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	for _, c := range []struct {
		name, plan, before, outcome, summary string
		want                                 app.Purpose
	}{
		{"a renewal", `{"steps":[{"kind":"switch"}]}`, `{}`, "verified", `{"outcome":"verified"}`, app.Purpose{}},
		{"an undo", `{"undoOf":"X","steps":[{"kind":"switch"}]}`, `{}`, "restored", `{"undoOf":"X"}`, app.Purpose{UndoOf: "X"}},
		{"an undo that was cut off", `{"undoOf":"X","steps":[{"kind":"switch"}]}`, `{}`, "", ``, app.Purpose{UndoOf: "X"}},
		{"a cleaning", `{"steps":[{"kind":"clean"}]}`, `{}`, "cleaned", `{"removed":["old"]}`, app.Purpose{Cleans: true}},
		{"a cleaning that was cut off", `{"steps":[{"kind":"clean"}]}`, `{}`, "", ``, app.Purpose{Cleans: true}},
		{"machines", `{"kind":"internal","steps":[{"kind":"machine"}]}`, `{"kind":"internal"}`, "verified", `{"machines":[{"machine":"a"}]}`, app.Purpose{AtMachines: true}},
		{"a cleaning of machines", `{"kind":"internal","steps":[{"kind":"clean"}]}`, `{"kind":"clean"}`, "cleaned", `{}`, app.Purpose{AtMachines: true, Cleans: true}},
	} {
		run := journal.Run{ID: journal.NewRunID(time.Now(), rand.Reader), GatewayID: "/g/" + c.name, DeploymentName: c.name, Plan: json.RawMessage(c.plan), Before: json.RawMessage(c.before), StartedAt: time.Now()}
		if err := memory.Begin(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		if c.outcome != "" {
			if err := memory.Finish(t.Context(), run.ID, c.outcome, json.RawMessage(c.summary), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		whole, err := a.WholeRun(t.Context(), run.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got := app.PurposeOf(whole); got != c.want {
			t.Errorf("%s: %+v", c.name, got)
		}
		heads, err := a.Runs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, head := range heads {
			if got := a.PurposeOfHead(t.Context(), head); head.ID == run.ID && got != c.want {
				t.Errorf("%s, by its head: %+v", c.name, got)
			}
		}
	}
}

// Whoever has a journal of garbage is told what to do, and what is lost by it.
func TestAJournalThatCannotBeUsedSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for code, wants := range map[string][]string{
		journal.CodeForeign:  {"give it another name", "-wal and -shm", "stay as they are", "cannot be taken back"},
		journal.CodeDamaged:  {"put a copy of the file back", "stay as they are"},
		journal.CodeNewer:    {"use that version"},
		journal.CodeReadOnly: {"who owns the file"},
		journal.CodeFull:     {"make room"},
		journal.CodeBusy:     {"wait for that process"},
		journal.CodeFailed:   {"try again"},
	} {
		f := app.Explain(&journal.Error{Code: code, Path: "/state/journal.db"})
		for _, want := range wants {
			if f.Code != "journal-"+code || !strings.Contains(f.Hint, want) || !strings.Contains(f.Message, "/state/journal.db") {
				t.Errorf("%s: %s: %s; want %q", code, f.Message, f.Hint, want)
			}
		}
	}
}
