package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/web/watch"
)

var quick = rotation.Patience{
	Write: 30 * time.Second, Proof: 10 * time.Second, Recovery: 40 * time.Second,
	Interval: 30 * time.Millisecond, Backoff: 50 * time.Millisecond, Rounds: 3,
}

// runBench is a world, and a rotation in it that is ready to begin.
type runBench struct {
	*stage
	t       *testing.T
	options Options
	world   *sim.World
	visitor *worldtest.Visitor
	runner  rotation.Runner
	state   rotation.State
	plan    rotation.Plan
	goal    rotation.Goal
	// on hears each event of the run.
	on func(rotation.Event)
	// begun is called when the run is written down, over when its end is.
	begun, over func()
	running     string // its id
}

func newRunBench(t *testing.T, faults ...string) *runBench {
	t.Helper()
	options := sim.Options{World: "single", Scale: 600}
	options.Current.Key, options.Machines.Key = "p256", "p256"
	for _, text := range faults {
		fault, err := ground.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		options.Faults = append(options.Faults, fault)
	}
	b := &runBench{t: t, world: worldtest.Start(t, options)}
	b.visitor = worldtest.Enter(t, b.world.Environment(), cloud.Options{PollInterval: 30 * time.Millisecond})
	directory := t.TempDir()
	b.options = Options{World: "single", App: &app.App{Now: time.Now, Version: "v0", Patience: quick, Lookup: func(name string) string {
		if name == "CARTOUCHE_STATE_DIR" {
			return directory
		}
		return b.visitor.Variables[name]
	}}}
	b.stage = newStage(t, b.options)
	t.Cleanup(func() { // before the directory goes
		b.book.StopAll()
		_ = b.book.Wait(context.Background())
	})
	found, err := deployment.Find(t.Context(), b.visitor.Azure, deployment.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	b.runner = rotation.Runner{
		Azure: b.visitor.Azure, Network: b.visitor.Network, Looker: &handshake.Looker{Network: b.visitor.Network}, Patience: quick, Version: "v0",
		Credentials: rotation.Credentials{SiteAdmin: b.visitor.Variables["CARTOUCHE_SITE_ADMIN"], SiteAdminPassword: secret.New(b.visitor.Variables["CARTOUCHE_SITE_ADMIN_PASSWORD"])},
	}
	if b.state, err = b.runner.Observe(t.Context(), found.Deployments[0], rotation.Asked{}); err != nil {
		t.Fatal(err)
	}
	_, pfx, password := b.world.NewCertificate()
	bundle, err := pki.ReadPFX(pfx, secret.New(password))
	if err != nil {
		t.Fatal(err)
	}
	b.goal = rotation.Goal{Bundle: bundle, Roots: pki.MozillaRoots().With(b.visitor.Network.NamedRoots()...), Now: time.Now(), File: "new.pfx"}
	if b.plan, err = rotation.NewPlan(b.state, b.goal); err != nil {
		t.Fatal(err)
	}
	return b
}

// begin begins the rotation as a run of the server, and gives its id.
func (b *runBench) begin() (id string) {
	b.t.Helper()
	w := b.startRun(newRun{Title: b.plan.Deployment, Gateway: b.plan.GatewayID, State: b.state, Network: b.visitor.Network, Do: b.carryOut})
	if !w.Wait(b.t.Context(), 20*time.Second) || !strings.HasPrefix(w.Next(), "/runs/") {
		_, err := w.Result()
		b.t.Fatalf("the run does not begin: %v", err)
	}
	return strings.TrimPrefix(w.Next(), "/runs/")
}

func (b *runBench) carryOut(ctx context.Context, a *app.App, begun func(string)) error {
	unlock, err := a.Lock(b.plan.GatewayID, b.plan.Deployment)
	if err != nil {
		return err
	}
	defer unlock()
	memory, err := a.OpenJournal(ctx)
	if err != nil {
		return err
	}
	defer memory.Close()
	runner := b.runner
	runner.Journal = memory
	runner.Begun = func(id string) {
		begun(id)
		b.running = id
		if b.begun != nil {
			b.begun()
		}
	}
	runner.Report = func(event rotation.Event) {
		a.Tell.Event(event)
		if b.on != nil {
			b.on(event)
		}
	}
	_, err = runner.Apply(ctx, b.plan, b.goal, b.state)
	if b.over != nil {
		b.over()
	}
	return err
}

// ended waits for the end of all runs, and reads the run.
func (b *runBench) ended(id string) journal.Run {
	b.t.Helper()
	if err := b.book.Wait(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	run, err := b.options.App.WholeRun(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return run
}

// partsOf are the parts of a page as a tab has them at last.
func partsOf(events []liveEvent) map[string]string {
	last := map[string]string{}
	for _, event := range events {
		if event.Name == "part" {
			last[event.ID] = event.HTML
		}
	}
	return last
}

func TestTwoTabsSeeTheSameRunAndSoDoesANewServer(t *testing.T) {
	t.Parallel()
	b := newRunBench(t)
	// Its end is written and shown, and clients go on until the work is over.
	shown := make(chan struct{})
	b.over = func() {
		<-shown
		watching := b.workOfRun(b.running).Value(trafficKind).(*watch.Watch)
		for sent := watching.Seen(time.Now()).Sent; watching.Seen(time.Now()).Sent < sent+2; time.Sleep(10 * time.Millisecond) {
		}
	}
	id := b.begin()
	tabs := make([][]liveEvent, 2)
	var all, shows sync.WaitGroup
	shows.Add(len(tabs))
	for i := range tabs {
		showsEnd := sync.OnceFunc(shows.Done)
		all.Go(func() {
			defer showsEnd() // whatever came
			tabs[i] = b.listenTo(t, "/runs/"+id+"/events", func(e liveEvent) bool {
				if e.ID == "run-head" && strings.Contains(e.HTML, "verified") {
					showsEnd()
				}
				return false
			})
		})
	}
	shows.Wait()
	close(shown)
	all.Wait()
	one, other := partsOf(tabs[0]), partsOf(tabs[1])
	for _, part := range runParts {
		if one[part] != other[part] {
			t.Errorf("%s: one tab has\n%s\nthe other\n%s", part, one[part], other[part])
		}
	}
	run := b.ended(id)
	if run.Outcome != string(rotation.Verified) {
		t.Fatalf("outcome %s", run.Outcome)
	}
	status, here := b.get(t, "/runs/"+id)
	again := newStage(t, b.options) // the program was started again
	_, there := again.get(t, "/runs/"+id)
	for _, part := range runParts {
		if part == "run-told" || one[part] == "" {
			continue // what was told meanwhile is not kept
		}
		for where, body := range map[string]string{"a reload": here, "a new server": there} {
			if !strings.Contains(body, one[part]) {
				t.Errorf("%s shows %s in another way than the tab that was open:\n%s", where, part, one[part])
			}
		}
	}
	for _, want := range []string{"verified", "What clients got at the end", "The certificate that this run brings.", `class="traffic"`, `class="done"`, "Take it back", "Renewing the certificate of"} {
		if status != http.StatusOK || !strings.Contains(there, want) {
			t.Errorf("%d, no %q in\n%s", status, want, there)
		}
	}
	if !strings.Contains(there, `<b>0</b> failed`) {
		t.Errorf("requests failed:\n%s", one["run-traffic"])
	}
	password := b.visitor.Variables["CARTOUCHE_SITE_ADMIN_PASSWORD"]
	for _, event := range append(tabs[0], tabs[1]...) {
		if len(event.HTML) > 60_000 || password == "" || strings.Contains(event.HTML, password) {
			t.Fatalf("an event of %d bytes, or with a secret in it", len(event.HTML))
		}
	}
}

func TestStoppingMeansWhatThePageSays(t *testing.T) {
	t.Parallel()
	for phase, wanted := range map[rotation.Phase]struct {
		outcome       rotation.Outcome
		before, after string
	}{
		"":                  {rotation.Unchanged, "Nothing has been changed yet.", "The run was stopped, as asked, before anything was changed."},
		rotation.PhaseProve: {rotation.Restored, "The gateway serves the new certificate already.", "The run was stopped, as asked. What was served before is back, and that was proved."},
	} {
		t.Run("at "+string(phase), func(t *testing.T) {
			t.Parallel()
			b := newRunBench(t)
			reached, stopped := make(chan struct{}), make(chan struct{})
			hold := sync.OnceFunc(func() {
				close(reached)
				<-stopped
			})
			if phase == "" {
				b.begun = hold
			} else {
				b.on = func(event rotation.Event) {
					if event.Phase == phase {
						hold()
					}
				}
			}
			id := b.begin()
			<-reached
			_, body := b.get(t, "/runs/"+id)
			if !strings.Contains(body, wanted.before) || !strings.Contains(body, "going on") {
				t.Errorf("no %q in\n%s", wanted.before, body)
			}
			status, body := b.post(t, "/runs/"+id+"/stop", url.Values{})
			close(stopped)
			if status != http.StatusOK || !strings.Contains(body, "It was asked to stop.") {
				t.Errorf("%d %s", status, body)
			}
			if run := b.ended(id); run.Outcome != string(wanted.outcome) {
				t.Errorf("outcome %s, want %s: %s", run.Outcome, wanted.outcome, run.Summary)
			}
			if _, body = b.get(t, "/runs/"+id); !strings.Contains(body, wanted.after) || !strings.Contains(body, "The certificate from before.") {
				t.Errorf("no %q in\n%s", wanted.after, body)
			}
		})
	}
}

// A server that was started while another process carries the run out shows it as
// going on, and cannot stop it; when that process is gone the run was cut off.
func TestANewServerShowsARunThatGoesOnElsewhereAndOneThatWasCutOff(t *testing.T) {
	t.Parallel()
	b := newRunBench(t)
	reached, goOn := make(chan struct{}), make(chan struct{})
	b.on = func(event rotation.Event) {
		if event.Phase == rotation.PhaseProve && goOn != nil {
			close(reached)
			<-goOn
			b.on = nil
		}
	}
	id := b.begin()
	<-reached
	other := newStage(t, b.options)
	_, body := other.get(t, "/runs/"+id)
	for _, want := range []string{"going on", "This run was begun elsewhere", `class="doing"`, "/runs/" + id + "/events"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	if strings.Contains(body, "Stop the run") {
		t.Error("it offers to stop what it cannot stop")
	}
	events := make(chan []liveEvent)
	go func() { events <- other.listenTo(t, "/runs/"+id+"/events", nil) }()
	close(goOn)
	if parts := partsOf(<-events); !strings.Contains(parts["run-head"], "verified") {
		t.Errorf("at the end it shows\n%s", parts["run-head"])
	}

	// The same journal as a kill in the middle of the write leaves it.
	run := b.ended(id)
	run.ID = "20261127-2200-dead"
	run.StartedAt = time.Now()
	_, err := app.Remember(t.Context(), b.options.App, func(memory *journal.Journal) (struct{}, error) {
		if err := memory.Begin(t.Context(), run); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, memory.StepStarted(t.Context(), run.ID, journal.Step{Kind: "switch", Title: "switch"}, time.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	_, body = other.get(t, "/runs/"+run.ID)
	for _, want := range []string{"This run was cut off", "See what came of it", "Run again", "Take it back", "cut off: nobody knows yet whether it took effect", "not begun"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
}

func TestASecondGoOnADeploymentIsToldOfTheFirst(t *testing.T) {
	t.Parallel()
	b := newRunBench(t)
	reached, goOn := make(chan struct{}), make(chan struct{})
	b.on = func(event rotation.Event) {
		if event.Phase == rotation.PhaseProve {
			b.on = nil
			close(reached)
			<-goOn
		}
	}
	id := b.begin()
	<-reached
	second := b.startRun(newRun{Title: "again", Gateway: b.plan.GatewayID, State: b.state, Do: b.carryOut})
	second.Wait(t.Context(), 10*time.Second)
	status, body := b.get(t, "/work/"+second.ID)
	if status == http.StatusOK || !strings.Contains(body, "Another run works on this deployment") || !strings.Contains(body, "/runs/"+id) {
		t.Errorf("%d, want to be told of run %s:\n%s", status, id, body)
	}
	close(goOn)
	if run := b.ended(id); run.Outcome != string(rotation.Verified) {
		t.Errorf("the first ended as %s", run.Outcome)
	}
}
