package reach_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rehearsal"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// suite is a world, a way into it, and the machine that jobs go to: one with
// Server and Portal on it.
type suite struct {
	*place
	way  reach.Way
	at   reach.Machine
	pins []string
}

// shared is one authority for all suites: its keys are slow to make.
var shared = sync.OnceValues(func() (*authority.Authority, error) { return authority.New(time.Now) })

// conforms is what every way that can look at machines must do alike. open
// makes the way into a world; it is closed at the end, and the world must then
// show nothing of it.
func conforms(t *testing.T, options sim.Options, open func(*place) reach.Way) {
	t.Helper()
	p := newPlace(t, options)
	s := &suite{place: p, way: open(p)}
	s.at = p.server()
	t.Cleanup(func() {
		if err := s.way.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("Close: %v", err)
		}
		s.nothingLeft(t)
	})
	// In this order: each finds what the one before it left.
	t.Run("knows from where a machine can be dialled", s.dialled)
	t.Run("looks at the wire without a login", s.wire)
	t.Run("observes", s.observes)
	t.Run("observes many side by side", s.observesMany)
	t.Run("trusts an authority, and a second time finds it there", s.trusts)
	t.Run("installs, activates, goes back and removes", s.rotates)
	t.Run("tells a wrong password from anything else", s.wrongPassword)
	t.Run("sends no password to a certificate that nobody vouched for", s.unverified)
	t.Run("reports a machine whose ports do not answer", s.unreachable)
	t.Run("stops when the caller gives up", s.givesUp)
	t.Run("begins nothing for a caller who has given up", s.neverBegins)
}

// nothingLeft: no run command, no container, no file, no process, no secret.
func (s *suite) nothingLeft(t *testing.T) {
	t.Helper()
	// Who was killed is tidied up after by another process, at once but not
	// at the same instant.
	left := s.LeftBehind()
	for deadline := time.Now().Add(3 * time.Second); len(left) > 0 && time.Now().Before(deadline); left = s.LeftBehind() {
		time.Sleep(10 * time.Millisecond)
	}
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if held := s.Holding(s.variable["CARTOUCHE_SITE_ADMIN_PASSWORD"], pfxPassword); len(held) > 0 {
		t.Errorf("secrets are held by: %v", held)
	}
}

func (s *suite) job(tasks ...machine.Task) machine.Job {
	return machine.Job{
		Admin: s.variable["CARTOUCHE_SITE_ADMIN"], Password: secret.New(s.variable["CARTOUCHE_SITE_ADMIN_PASSWORD"]),
		Pins: s.pins, Tasks: tasks, Interval: 20 * time.Millisecond, Patience: time.Minute,
		Limit: 50 * time.Minute, // of the world, whose minutes are short
	}
}

// do does a job that must come back with a report.
func (s *suite) do(t *testing.T, job machine.Job) machine.Report {
	t.Helper()
	report, err := s.way.Do(t.Context(), s.at, job)
	if err != nil {
		var e *reach.Error
		if errors.As(err, &e) {
			t.Fatalf("%s: %v (%s)", e.Code, e, e.Mend)
		}
		t.Fatal(err)
	}
	return report
}

// seen is a component of a report.
func seen(t *testing.T, report machine.Report, port int) machine.Seen {
	t.Helper()
	for _, c := range report.Components {
		if c.Port == port {
			return c
		}
	}
	t.Fatalf("port %d is not among %d components (%s)", port, len(report.Components), report.Trouble)
	return machine.Seen{}
}

func leaf(t *testing.T, s machine.Seen) string {
	t.Helper()
	if len(s.Chain) == 0 {
		t.Fatalf("port %d serves nothing: %s", s.Port, s.WireTrouble)
	}
	sum := sha256.Sum256(s.Chain[0])
	return hex.EncodeToString(sum[:])
}

func (s *suite) wire(t *testing.T) {
	job := s.job()
	job.Admin, job.Password = "", secret.Secret{}
	report := s.do(t, job)
	for _, c := range s.at.Components {
		s.pins = append(s.pins, leaf(t, seen(t, report, c.Port)))
	}
}

func (s *suite) observes(t *testing.T) {
	report := s.do(t, s.job())
	if len(report.Components) != len(s.at.Components) || report.Host != s.at.Host {
		t.Errorf("%d components of %s, want %d of %s", len(report.Components), report.Host, len(s.at.Components), s.at.Host)
	}
	for _, c := range report.Components {
		port := c.Port
		if !c.HasKeystore() {
			continue
		}
		if c.Trouble != "" || !c.Healthy || c.Alias == "" || len(c.Entries) == 0 || c.Version == "" {
			t.Errorf("port %d: trouble %q, healthy %v, alias %q, %d entries, version %q", port, c.Trouble, c.Healthy, c.Alias, len(c.Entries), c.Version)
		}
	}
}

func (s *suite) observesMany(t *testing.T) {
	var all sync.WaitGroup
	for _, m := range reach.Machines(s.found[0], nil) {
		for range 1 + len(m.Components)/2 { // two at once, where there is more than one thing
			all.Go(func() {
				report, err := s.way.Do(t.Context(), m, s.job())
				if err != nil || len(report.Components) != len(m.Components) {
					t.Errorf("%s: %d components, %v", m.Name, len(report.Components), err)
				}
			})
		}
	}
	all.Wait()
}

// issued is a certificate for the machine, of an authority that nobody knows.
func (s *suite) issued(t *testing.T) (*authority.Issued, *authority.Issuer) {
	t.Helper()
	a, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	company, err := a.NewPrivate("Conformance CA")
	if err != nil {
		t.Fatal(err)
	}
	next, err := a.Issue(authority.Spec{Names: []string{s.at.Host}, Key: "p256", Via: company, WithRoot: true})
	if err != nil {
		t.Fatal(err)
	}
	return next, company
}

const pfxPassword = "canaryPfx0nly"

func states(report machine.Report) string {
	var list []string
	for _, task := range report.Tasks {
		word := string(task.Kind) + " " + string(task.State)
		if task.Code != "" {
			word += " " + task.Code
		}
		list = append(list, word)
	}
	return strings.Join(list, ", ")
}

func (s *suite) trusts(t *testing.T) {
	_, company := s.issued(t)
	task := machine.Task{Kind: machine.Trust, Port: 6443, Alias: "conformance-root", Certificate: company.Certificate.Raw}
	if got := states(s.do(t, s.job(task))); got != "trust done" {
		t.Fatalf("the first time: %s", got)
	}
	report := s.do(t, s.job(task))
	if got := states(report); got != "trust already" {
		t.Errorf("the second time: %s", got)
	}
	if entries := seen(t, report, 6443).Entries; !slices.ContainsFunc(entries, func(e machine.Entry) bool { return e.Alias == "conformance-root" && e.Trusted }) {
		t.Errorf("entries: %+v", entries)
	}
}

func (s *suite) rotates(t *testing.T) {
	next, _ := s.issued(t)
	pfx, err := next.PFX(pfxPassword)
	if err != nil {
		t.Fatal(err)
	}
	expect := pki.Fingerprint(next.Leaf)
	before := seen(t, s.do(t, s.job()), 6443)
	report := s.do(t, s.job(
		machine.Task{Kind: machine.Install, Port: 6443, Alias: "conformance", PFX: secret.New(string(pfx)), PFXPassword: secret.New(pfxPassword), Expect: expect},
		machine.Task{Kind: machine.Activate, Port: 6443, Alias: "conformance", Expect: expect}))
	if got := states(report); got != "install done, activate done" {
		t.Fatalf("%s (%+v)", got, report.Failed())
	}
	if after := seen(t, report, 6443); leaf(t, after) != expect || after.Alias != "conformance" {
		t.Errorf("serves %s by alias %s, want %s", leaf(t, after), after.Alias, expect)
	}
	s.pins = append(s.pins, expect)
	if got := states(s.do(t, s.job(machine.Task{Kind: machine.Remove, Port: 6443, Alias: "conformance"}))); got != "remove failed in-use" {
		t.Errorf("removing the active one: %s", got)
	}
	back := s.do(t, s.job(
		machine.Task{Kind: machine.Activate, Port: 6443, Alias: report.Tasks[1].Before, Expect: report.Tasks[1].BeforeLeaf},
		machine.Task{Kind: machine.Remove, Port: 6443, Alias: "conformance", Expect: expect}))
	if got := states(back); got != "activate done, remove done" {
		t.Fatalf("going back: %s (%+v)", got, back.Failed())
	}
	if after := seen(t, back, 6443); leaf(t, after) != leaf(t, before) || !strings.EqualFold(after.Alias, before.Alias) {
		t.Errorf("serves %s by %s, want what was before: %s by %s", leaf(t, after), after.Alias, leaf(t, before), before.Alias)
	}
}

func (s *suite) wrongPassword(t *testing.T) {
	job := s.job()
	job.Password = secret.New("wrong")
	if c := seen(t, s.do(t, job), 6443); c.TroubleCode != machine.CodeWrongCredentials || len(c.Chain) == 0 {
		t.Errorf("trouble %s %q, chain of %d", c.TroubleCode, c.Trouble, len(c.Chain))
	}
}

func (s *suite) unverified(t *testing.T) {
	job := s.job()
	job.Pins = nil
	if c := seen(t, s.do(t, job), 6443); c.TroubleCode != machine.CodeUnverified || len(c.Chain) == 0 {
		t.Errorf("trouble %s %q, chain of %d", c.TroubleCode, c.Trouble, len(c.Chain))
	}
}

func (s *suite) unreachable(t *testing.T) {
	job := s.job()
	job.Components = []machine.Component{{Product: machine.Notebook, Port: 11444}}
	if c := seen(t, s.do(t, job), 11444); c.WireTrouble == "" || len(c.Chain) != 0 {
		t.Errorf("wire trouble %q, chain of %d", c.WireTrouble, len(c.Chain))
	}
}

// givesUp: what is under way ends soon, and either the report or the error says
// that it was cut short. The caller gives up when the server has gone down.
func (s *suite) givesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	down := s.Ground().Ledger.Count(ground.MachineDown)
	go func() {
		for ctx.Err() == nil && s.Ground().Ledger.Count(ground.MachineDown) == down {
			time.Sleep(2 * time.Millisecond)
		}
		cancel()
	}()
	began := time.Now()
	report, err := s.way.Do(ctx, s.at, s.job(machine.Task{Kind: machine.Restart, Port: 6443}))
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s to stop", took)
	}
	var e *reach.Error
	switch {
	case err == nil && strings.Contains(states(report), machine.CodeInterrupted):
	case errors.As(err, &e) && (e.Code == reach.TimedOut || e.Code == reach.Cancelled):
	default:
		t.Errorf("got %q, %v", states(report), err)
	}
	// It comes back by itself, whatever was cut short.
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		if c := seen(t, s.do(t, s.job()), 6443); c.Healthy {
			return
		}
	}
	t.Error("the server did not come back")
}

func (s *suite) neverBegins(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.way.Do(ctx, s.at, s.job(machine.Task{Kind: machine.Restart, Port: 6443}))
	wantError(t, err, reach.Cancelled, false)
}

func TestDirectConforms(t *testing.T) {
	for _, world := range []string{"single", "gitops"} {
		t.Run(world, func(t *testing.T) {
			t.Parallel()
			conforms(t, sim.Options{World: world}, func(p *place) reach.Way { return reach.NewDirect(p.inside, nil) })
		})
	}
}

// dialled tells from where machines can be dialled.
func (s *suite) dialled(t *testing.T) {
	machines := []reach.Machine{s.at, {Name: "nobody", Host: "nobody.example", Components: s.at.Components}, {Name: "share", Host: s.at.Host}}
	if got := reach.AllDialable(t.Context(), s.place.inside, machines); !slices.Equal(got, []bool{true, false, false}) {
		t.Errorf("from inside: %v", got)
	}
	if got := reach.AllDialable(t.Context(), s.place.outside, machines); slices.Contains(got, true) {
		t.Errorf("from outside: %v", got)
	}
}

// server is the first machine of the world's first deployment that has ArcGIS Server.
func (p *place) server() reach.Machine {
	p.t.Helper()
	for _, m := range reach.Machines(p.found[0], nil) {
		if slices.ContainsFunc(m.Components, func(c machine.Component) bool { return c.Product == machine.Server }) {
			return m
		}
	}
	p.t.Fatal("there is no server")
	return reach.Machine{}
}

// agentIn is the way by Run Command into a world.
func agentIn(p *place) reach.Way { return p.agent(reach.Login{}) }

func (p *place) agent(runAs reach.Login) reach.Way {
	p.t.Helper()
	storage, err := reach.StorageOf(p.t.Context(), p.azure, p.found[0])
	if err != nil {
		p.t.Fatal(err)
	}
	return reach.NewAgent(reach.AgentOptions{Azure: p.azure, Storage: storage, RunAs: runAs, Interval: 30 * time.Millisecond})
}

func TestAgentConformsOnLinux(t *testing.T) {
	t.Parallel()
	conforms(t, sim.Options{World: "gitops", Scripts: true}, agentIn)
}

// The code of the agent, in this process, at machines that the world only
// plays: what differs from a real one is told in package rehearsal.
func TestAgentConformsOnWindows(t *testing.T) {
	t.Parallel()
	conforms(t, sim.Options{World: "ha", Scripts: true, Known: rehearsal.Known()}, agentIn)
}
