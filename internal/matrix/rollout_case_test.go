package matrix_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/agent"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rehearsal"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/witness"
)

// rolloutSetting is what of the internal certificates is broken.
type rolloutSetting struct {
	world   string
	version string // "" is the world's own
	source  rollout.Source
	way     reach.Kind
	// claimed settings claim the deployment, as the command does unless it is told
	// not to.
	claimed bool
}

func (s rolloutSetting) String() string {
	name := fmt.Sprintf("%s, %s, %s", s.world, s.source, s.way)
	if s.version != "" {
		name += ", " + s.version
	}
	if s.claimed {
		name += claimed
	}
	return name
}

var rolloutSettings = []rolloutSetting{
	{"single", "", rollout.Fresh, reach.Direct, false}, {"single", "", rollout.FromAuthority, reach.Direct, false}, {"single", "", rollout.FromPFX, reach.Direct, false},
	{"single", "12.1", rollout.Fresh, reach.Direct, false}, // it has no storage account, which the agent needs
	{"ha", "", rollout.Fresh, reach.Direct, false}, {"ha", "", rollout.FromAuthority, reach.Agent, false}, {"ha", "", rollout.FromPFX, reach.Direct, false},
	{"ha", "", rollout.Fresh, reach.Agent, false}, {"ha", "12.1", rollout.Fresh, reach.Direct, false},
	{"roles", "", rollout.Fresh, reach.Direct, false}, {"roles", "", rollout.Fresh, reach.Agent, false}, {"roles", "12.1", rollout.FromAuthority, reach.Agent, false},
	{"single", "", rollout.Fresh, reach.Direct, true}, {"single", "12.1", rollout.FromAuthority, reach.Direct, true}, {"ha", "", rollout.Fresh, reach.Agent, true},
}

// rolloutScene is a scene whose machines get new certificates.
type rolloutScene struct {
	*scene
	setting   rolloutSetting
	authority *pki.Authority
	watch     *witness.Witness
	anew      bool              // the goal is to issue everything anew
	before    map[string]string // what the ports served at first, by "machine:port"

	mu   sync.Mutex
	live map[string]string // what they serve now
}

func newRolloutScene(t *testing.T, setting rolloutSetting, quick bool) *rolloutScene {
	t.Helper()
	options := sim.Options{World: setting.world, Version: setting.version}
	if quick {
		options.Guesses.Manager.Update = 10 * time.Second
	}
	if setting.way == reach.Agent {
		options.Scripts, options.Known = true, rehearsal.Known()
	}
	s := &rolloutScene{scene: newScene(t, options), setting: setting, live: map[string]string{}}
	var err error
	if s.authority, err = pki.NewRoot(worldtest.RSAKey(), "Contoso Internal Root", time.Now(), 3650); err != nil {
		t.Fatal(err)
	}
	s.world.Ground().Watchers.Add(s.look)
	s.watch = s.world.Watch(witness.Allow{Touch: slices.Concat(witness.External, witness.Internal)})
	s.before = s.leaves()
	return s
}

// goal of a run; the second run of a case asks for the same.
func (s *rolloutScene) goal(p *process) rollout.Goal {
	s.t.Helper()
	goal := rollout.Goal{Source: s.setting.source, Anew: s.anew, Now: p.now(), Keys: worldtest.Keys()}
	switch s.setting.source {
	case rollout.FromAuthority:
		goal.Authority = s.authority
	case rollout.FromPFX:
		goal.Bundles = s.bundles()
	}
	return goal
}

// bundles is one file for all machines, made once.
func (s *rolloutScene) bundles() map[string]*pki.Bundle {
	s.t.Helper()
	var names []string
	for _, deployment := range s.world.Deployments()[:1] {
		for _, machine := range deployment.Machines {
			names = append(names, machine.FQDN)
		}
	}
	bundle, err := s.authority.Issue(worldtest.RSAKey(), names, today, 397)
	if err != nil {
		s.t.Fatal(err)
	}
	return map[string]*pki.Bundle{"": bundle}
}

// rolloutRun is one run of a process: what it planned and what came of it.
type rolloutRun struct {
	plan   rollout.Plan
	result rollout.Result
	err    error
	// began and ended are of what follows the plan.
	began, ended time.Time
}

// runner of a process, with the patience for production.
func (s *rolloutScene) runner(ctx context.Context, p *process) (*rollout.Runner, error) {
	of := p.runner()
	variables := p.visitor.Variables
	switch s.setting.way {
	case reach.Agent:
		storage, err := reach.StorageOf(ctx, p.visitor.Azure, s.found)
		if err != nil {
			return nil, err
		}
		of.Way = reach.NewAgent(reach.AgentOptions{
			Azure: p.visitor.Azure, Storage: storage, Build: agentInstead,
			RunAs: reach.Login{User: variables["CARTOUCHE_SERVICE_ACCOUNT"], Password: secret.New(variables["CARTOUCHE_SERVICE_ACCOUNT_PASSWORD"])},
		})
	default:
		of.Way = reach.NewDirect(p.inner, nil)
	}
	if testing.Verbose() && *rolloutTell {
		of.Report = func(e rotation.Event) { s.t.Logf("%s %-9s %s", e.At.Format("15:04:05"), e.Phase, e.Text) }
	}
	return &rollout.Runner{Rotation: of}, nil
}

// agentInstead stands for the program: Windows machines of a world run its code
// in this process, after they have fetched it and checked its hash.
func agentInstead(context.Context, string, string) (agent.Program, error) {
	content := []byte("the agent")
	return agent.Program{Name: "cartouche-agent-windows-amd64.exe", Content: content, SHA256: sha256Of(content)}, nil
}

// roll is a whole run, as the command does it: observe, plan, apply.
func (s *rolloutScene) roll(ctx context.Context, p *process) (run rolloutRun) {
	runner, err := s.runner(ctx, p)
	if err != nil {
		return rolloutRun{err: err}
	}
	defer func() { _ = runner.Rotation.Way.Close(context.WithoutCancel(ctx)) }()
	if s.setting.claimed && p.holder.State == "" {
		p.holder = here
	}
	state, err := runner.Rotation.Observe(ctx, s.found, rotation.Asked{Claim: s.setting.claimed})
	if err != nil {
		return rolloutRun{err: err}
	}
	goal := s.goal(p)
	if run.plan, run.err = rollout.NewPlan(state, goal); run.err != nil {
		return run
	}
	release, err := p.claim(ctx, runner.Rotation)
	if err != nil {
		run.err = err
		return run
	}
	defer release()
	run.began = time.Now()
	run.result, run.err = runner.Apply(ctx, run.plan, goal, state)
	run.ended = time.Now()
	return run
}

// takeBack undoes a run, as the command does it.
func (s *rolloutScene) takeBack(ctx context.Context, p *process, id string) (run rolloutRun) {
	runner, err := s.runner(ctx, p)
	if err != nil {
		return rolloutRun{err: err}
	}
	defer func() { _ = runner.Rotation.Way.Close(context.WithoutCancel(ctx)) }()
	was, err := p.journal.Run(ctx, id)
	if err != nil {
		return rolloutRun{err: err}
	}
	state, err := runner.Rotation.Observe(ctx, s.found, rotation.Asked{})
	if err != nil {
		return rolloutRun{err: err}
	}
	if run.plan, run.err = rollout.UndoPlan(state, was, p.now()); run.err == nil {
		run.result, run.err = runner.Undo(ctx, run.plan, state)
	}
	return run
}

// look keeps what every port of a machine serves up to date, by "machine:port",
// as the world tells it.
func (s *rolloutScene) look(sight ground.Sight) {
	serves, is := sight.(ground.MachineServes)
	if !is || len(serves.Chain) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[atPort(serves.Machine, serves.Port)] = sha256Of(serves.Chain[0])
}

func (s *rolloutScene) leaves() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.live)
}

// atPort is a port of a machine by its short name.
func atPort(machine string, port int) string {
	short, _, _ := strings.Cut(strings.ToLower(machine), ".")
	return fmt.Sprintf("%s:%d", short, port)
}

func sha256Of(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// news tells which of the ports that a run is to change do not serve what they
// did, and which do.
func (s *rolloutScene) news(of []string) (changed, same []string) {
	now := s.leaves()
	for _, at := range of {
		if now[at] == s.before[at] {
			same = append(same, at)
		} else {
			changed = append(changed, at)
		}
	}
	return changed, same
}

// judge holds what a run says of its end against the world; where another run was
// at work as well, what is served is not the first one's to say.
func (s *rolloutScene) judge(run rolloutRun, all []string, another bool) {
	s.t.Helper()
	changed, same := s.news(all)
	if another {
		changed, same = nil, nil
	}
	result := run.result
	if run.err != nil {
		if len(changed) > 0 {
			s.t.Errorf("it did not begin (%v), but other certificates are served by %s", run.err, strings.Join(changed, ", "))
		}
		return
	}
	switch result.Outcome {
	case rotation.Verified:
		if len(same) > 0 {
			s.t.Errorf("verified, but the old certificate is served by %s", strings.Join(same, ", "))
		}
	case rotation.Unchanged, rotation.Restored:
		if len(changed) > 0 {
			s.t.Errorf("%s, but other certificates are served by %s", result.Outcome, strings.Join(changed, ", "))
		}
		if result.Failure == "" {
			s.t.Errorf("%s, and nothing says why", result.Outcome)
		}
	case rotation.PartlyRestored:
		if len(result.NotRestored) == 0 || result.Failure == "" {
			s.t.Errorf("partly restored, but nothing says what is not, or why: %+v", result)
		}
	case rotation.NotKnown:
		if len(result.Unknown) == 0 || result.Failure == "" {
			s.t.Errorf("not known, but nothing says what, or why: %+v", result)
		}
	case rotation.NothingToDo:
		if !another {
			s.t.Errorf("outcome %s", result.Outcome)
		}
	default:
		s.t.Errorf("outcome %s", result.Outcome)
	}
	if another {
		return
	}
	now := s.leaves()
	for _, told := range result.Machines {
		at := atPort(told.Machine, told.Port)
		if told.State == "new" && now[at] == s.before[at] || told.State == "old" && now[at] != s.before[at] || told.After != "" && told.After != now[at] {
			s.t.Errorf("%s is told to serve the %s certificate, %.8s; it serves %.8s, before %.8s", at, told.State, told.After, now[at], s.before[at])
		}
	}
}

// holds checks the witness.
func (s *rolloutScene) holds() {
	s.t.Helper()
	for _, violation := range s.watch.Violations() {
		s.t.Errorf("the world's witness: %s", violation)
	}
}
