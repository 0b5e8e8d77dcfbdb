package rollout_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

func TestFaultsOfTheGatewayAndOfKeystores(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault    string
		outcome  rotation.Outcome
		restarts int
		code     string
	}{
		"the gateway refuses the root":          {fault: "forbidden@gateway-put", outcome: rotation.Unchanged},
		"the root's write is lost and was done": {fault: "lost-response@gateway-put", outcome: rotation.Verified, restarts: 2},
		"an import vanishes":                    {fault: "import-vanishes@import", outcome: rotation.Restored, code: machine.CodeImportVanished},
		"the answer of an import is lost":       {fault: "lost-answer@import", outcome: rotation.Verified, restarts: 2},
		"the answer of an assignment is lost":   {fault: "lost-answer@assign", outcome: rotation.Verified, restarts: 2},
		"an import of the root cannot be made":  {fault: "unavailable@import-root*50", outcome: rotation.Restored},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			worldtest.InBubble(t, func(t *testing.T) {
				b := newBench(t, sim.Options{World: "single"})
				goal := fresh()
				state, plan, before := b.ready(goal)
				b.fault(test.fault)
				result, err := b.runner.Apply(t.Context(), plan, goal, state)
				if err != nil || result.Outcome != test.outcome || result.Restarts != test.restarts || test.code != "" && result.Code != test.code {
					t.Fatalf("%v %+v", err, result)
				}
				if test.outcome == rotation.Verified {
					b.serveTheirNew(result, before, plan)
					return
				}
				if result.Failure == "" {
					t.Error("nothing says why")
				}
				if diff := cmp.Diff(before, b.leaves(plan)); diff != "" {
					t.Errorf("something else is served: %s", diff)
				}
			})
		})
	}
}

// A gateway whose change was not carried out refuses every further one: the run
// that failed has it carry out what it is set to, or says that it could not.
func TestAGatewayThatFailedIsMended(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]struct {
		outcome rotation.Outcome
		state   string
	}{
		"failed-operation@gateway-put":   {rotation.Restored, "Succeeded"},
		"failed-operation@gateway-put*2": {rotation.PartlyRestored, "Failed"},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			worldtest.InBubble(t, func(t *testing.T) {
				b := newBench(t, sim.Options{World: "single"})
				goal := fresh()
				state, plan, _ := b.ready(goal)
				b.fault(fault)
				result, err := b.runner.Apply(t.Context(), plan, goal, state)
				if err != nil || result.Outcome != want.outcome {
					t.Fatalf("%v %+v", err, result)
				}
				after := b.observe()
				if got := after.Gateway.ProvisioningState(); got != want.state {
					t.Errorf("the gateway is left %s, want %s", got, want.state)
				}
				if want.state == "Failed" && (len(result.NotRestored) != 1 || !strings.Contains(result.NotRestored[0].Next, "az network application-gateway update")) {
					t.Errorf("it does not say what to do: %+v", result.NotRestored)
				}
			})
		})
	}
}

// Certificates of a computer whose clock is ahead would not be valid yet.
func TestAClockThatIsAheadIssuesNothing(t *testing.T) {
	t.Parallel()
	for ahead, want := range map[time.Duration]bool{40 * 24 * time.Hour: true, 2 * time.Hour: true, 20 * time.Minute: false, -time.Hour: false} {
		worldtest.InBubble(t, func(t *testing.T) {
			b := newBench(t, sim.Options{World: "single"})
			b.runner.Rotation.Now = func() time.Time { return time.Now().Add(ahead) }
			goal := fresh()
			goal.Now = b.runner.Rotation.Now()
			state, err := b.runner.Rotation.Observe(t.Context(), b.found, rotation.Asked{})
			if err != nil {
				t.Fatal(err)
			}
			plan, err := rollout.NewPlan(state, goal)
			if err != nil {
				t.Fatal(err)
			}
			refused := slices.ContainsFunc(plan.Obstacles, func(f pki.Finding) bool { return f.Code == "clock-ahead" && f.Severity == pki.Refusal })
			if refused != want {
				t.Errorf("%s ahead (seen: %s): refused %t", ahead, state.Ahead, refused)
			}
		})
	}
}

// The second machine of the image site stays away when it restarts. The first
// one has the new certificate already, which everybody trusts, and is the last
// that is well: it is not restarted to go back.
func TestTheLastMachineThatIsWellIsNotTakenDownToGoBack(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "ha"})
		goal := fresh()
		state, plan, before := b.ready(goal)
		b.runner.Rotation.Way = &after{Way: b.runner.Rotation.Way, jobs: map[string]func(){"imgServer-1": func() { b.fault("machine-does-not-return@restart") }}}
		stop := b.traffic()
		result, err := b.runner.Apply(t.Context(), plan, goal, state)
		stop() // Portal and the hosting server never notice
		if err != nil || result.Outcome != rotation.PartlyRestored {
			t.Fatalf("%v %+v", err, result)
		}
		if result.Machine != "imgServer-1" || result.Code != machine.CodeRestartNeverEnded {
			t.Errorf("it is told of %s: %s", result.Machine, result.Code)
		}
		if len(result.Unknown) != 1 || result.Unknown[0].What != "imgServer-1 (server, port 6443)" || !strings.Contains(strings.Join(rotation.Sentences(result.NotRestored), "\n"), "imgServer-0 (server, port 6443): serves ") {
			t.Errorf("not restored: %q", result.NotRestored)
		}
		now := b.leaves(plan)
		for _, port := range plan.Ports {
			if old := now[portAt(port)] == before[portAt(port)]; old == (port.Site == "image") {
				t.Errorf("%s: old %t", portAt(port), old)
			}
		}
		if away := b.observe().Gateway.Away(); len(away) != 0 {
			t.Errorf("machines are out of their pools: %v", away)
		}
		b.oneAtATime(state)
	})
}

// A portal that comes back sick cannot be asked to go back; what can go back
// does, and the rest is said.
func TestWhatComesBackSickStaysAndTheRestGoesBack(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "single"})
		goal := fresh()
		state, plan, before := b.ready(goal)
		b.runner.Rotation.Way = &after{Way: b.runner.Rotation.Way, kind: machine.Activate, count: 2, then: func() { b.fault("machine-stays-sick@restart") }}
		result, err := b.runner.Apply(t.Context(), plan, goal, state)
		if err != nil || result.Outcome != rotation.PartlyRestored {
			t.Fatalf("%v %+v", err, result)
		}
		now := b.leaves(plan)
		for i, port := range plan.Ports {
			stays := port.Product == machine.Portal
			if back := now[portAt(port)] == before[portAt(port)]; back == stays || (result.Machines[i].State == "old") == stays {
				t.Errorf("%s is back: %t, and told to be %s", portAt(port), back, result.Machines[i].State)
			}
		}
		if !strings.Contains(result.NotRestored[0].String(), "bmServer-0 (portal, port 7443): serves ") {
			t.Errorf("%q", result.NotRestored)
		}
	})
}

// after lets something happen just before a job.
type after struct {
	reach.Way
	jobs  map[string]func() // before the first activation at a machine
	kind  machine.TaskKind
	count int // before the job that has this kind for the n-th time
	then  func()
}

func (a *after) Do(ctx context.Context, at reach.Machine, job machine.Job) (machine.Report, error) {
	for _, task := range job.Tasks {
		if task.Kind == machine.Activate && a.jobs[at.Name] != nil {
			a.jobs[at.Name]()
			delete(a.jobs, at.Name)
		}
		if task.Kind == a.kind {
			if a.count--; a.count == 0 {
				a.then()
			}
		}
	}
	return a.Way.Do(ctx, at, job)
}

func TestCtrlCInTheMiddleGoesBack(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "single"})
		goal := fresh()
		state, plan, before := b.ready(goal)
		ctx, cancel := context.WithCancel(t.Context())
		b.runner.Rotation.Way = &after{Way: b.runner.Rotation.Way, kind: machine.Activate, count: 2, then: cancel}
		result, err := b.runner.Apply(ctx, plan, goal, state)
		if err != nil || result.Outcome != rotation.Restored || !result.Interrupted || result.Failure != "interrupted" {
			t.Fatalf("%v %+v", err, result)
		}
		if diff := cmp.Diff(before, b.leaves(plan)); diff != "" {
			t.Error(diff)
		}
	})
}

// errKilled stands for a process that dies: nothing after it is done.
var errKilled = errors.New("killed")

// A process that is killed between two machines leaves one on the new
// certificate and one out of its pool. The next one, which knows nothing of it,
// puts the machine back and goes on with the same entries.
func TestARunThatWasKilledIsTakenUp(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "ha"})
		goal := fresh()
		state, plan, before := b.ready(goal)
		stop := b.traffic()
		defer stop()
		way := b.runner.Rotation.Way
		func() {
			defer func() {
				if died := recover(); died != errKilled {
					t.Errorf("it did not die as it should: %v", died)
				}
			}()
			b.runner.Rotation.Way = &after{Way: way, jobs: map[string]func(){"entServer-1": func() { panic(errKilled) }}}
			_, _ = b.runner.Apply(t.Context(), plan, goal, state)
		}()
		b.runner.Rotation.Way = way
		if away := b.observe().Gateway.Away(); len(away) != 1 {
			t.Fatalf("out of their pools: %v", away)
		}
		second, result := b.roll(t.Context(), fresh())
		if !second.Resumed || second.Alias != plan.Alias || result.Outcome != rotation.Verified {
			t.Fatalf("resumed %t: %+v", second.Resumed, result)
		}
		b.serveTheirNew(result, before, second)
		if result.Restarts != 3 { // entServer-1 and the portals
			t.Errorf("%d restarts", result.Restarts)
		}
		now := b.observe()
		if away := now.Gateway.Away(); len(away) != 0 {
			t.Errorf("out of their pools: %v", away)
		}
		if diff := cmp.Diff(state.Gateway.Pools(), now.Gateway.Pools()); diff != "" {
			t.Errorf("the pools: %s", diff)
		}
	})
}

func TestAWrongSiteAdministratorIsFoundOutBeforeAnything(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "single"})
		b.runner.Rotation.Credentials.SiteAdminPassword = secret.New("wrong")
		plan, err := rollout.NewPlan(b.observe(), fresh())
		if err != nil {
			t.Fatal(err)
		}
		if !plan.Blocked() || !plan.Obstacles.Has("site-admin-refused") {
			t.Errorf("%+v", plan.Obstacles)
		}
		if writes := b.world.Ground().Ledger.Count(ground.GatewayWrite); writes != 0 {
			t.Errorf("%d writes", writes)
		}
	})
}

// slowToGoBack is a way on which validations take all the time that there is for
// going back, as Run Command does at a machine that has gone.
type slowToGoBack struct{ reach.Way }

func (s slowToGoBack) Do(ctx context.Context, at reach.Machine, job machine.Job) (machine.Report, error) {
	_, goingBack := ctx.Deadline()
	for _, task := range job.Tasks {
		if goingBack && task.Kind == machine.ValidateFederation {
			<-ctx.Done()
			return machine.Report{}, ctx.Err()
		}
	}
	return s.Way.Do(ctx, at, job)
}

// That nobody had time to look is no reason to say that clients are not served.
func TestClientsAreLookedAtHoweverLongTheWayBackTook(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "single"})
		state := b.observe()
		goal := fresh()
		plan := b.plan(state, goal)
		b.runner.Patience.Recovery = 5 * time.Minute
		b.runner.Rotation.Way = slowToGoBack{b.runner.Rotation.Way}
		b.fault("import-vanishes@import")
		result, err := b.runner.Apply(t.Context(), plan, goal, state)
		if err != nil || result.Outcome != rotation.Restored || len(result.NotRestored) > 0 {
			t.Fatalf("%v %+v", err, result)
		}
	})
}
