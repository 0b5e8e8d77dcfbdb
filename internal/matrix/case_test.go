package matrix_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/witness"
)

// brokenCase is one rotation with one break in it.
type brokenCase struct {
	setting setting
	place   string // with its number, or "the world"
	how     *breakage
	// then happens as well, see breaker; nil is nothing.
	then  *breakage
	after int
}

// breakAgain has the case broken once more, somewhere after the first time.
func (c *brokenCase) breakAgain(random *rand.Rand) {
	can := slices.DeleteFunc(slices.Clone(breakages), func(b breakage) bool { return b.claims && !c.setting.claimed() })
	c.then, c.after = &can[random.IntN(len(can))], 1+random.IntN(20)
}

// String is how a case is asked for with -case.
func (c brokenCase) String() string {
	name := c.setting.String() + ", " + c.place + ", " + c.how.name
	if c.then != nil {
		name += fmt.Sprintf(", %d later %s", c.after, c.then.name)
	}
	return name
}

// breaks tells whether one of the breaks is such.
func (c brokenCase) breaks(such func(*breakage) bool) bool {
	return such(c.how) || c.then != nil && such(c.then)
}

// ending is how a case ended, as the table counts it.
type ending struct {
	outcome string
	phase   string // in which it was broken, "" if it was not
	second  string // how the run ended in which it was broken once more, "" if it was not
}

// The outcomes that are not the run's own word.
const (
	killed  = "killed"
	refused = "refused" // it did not begin, and said why
)

// seen is what a run without a break asks for, in order.
func (s setting) seen(t *testing.T) (places []string) {
	inBubble(t, func(t *testing.T) {
		sc := newScene(t, s.options())
		j := s.prepare(sc)
		watch := sc.world.Watch(witness.Allow{Leaves: []string{j.renewed}})
		watch.AlsoTouch(s.touch()...)
		p := sc.process()
		p.breaks = &breaker{}
		ports := &portBreaker{}
		sc.world.Ground().Stand(ports.stand)
		result, err := j.rotate(t.Context(), p)
		if err != nil || result.Outcome != rotation.Verified || sc.served() != j.renewed {
			t.Fatalf("%s without a break: %s (%s; %v), %v", s, result.Outcome, result.Failure, result.NotRestored, err)
		}
		for _, violation := range watch.Violations() {
			if !s.ofItself(violation) {
				t.Errorf("%s without a break: %s", s, violation)
			}
		}
		if left := sc.left(); len(left) > 0 {
			t.Errorf("%s without a break leaves %v", s, left)
		}
		sc.world.Ground().Stand(nil)
		places = append(p.breaks.seen, ports.seen...)
	})
	return places
}

// run runs the case and judges it. end is filled in also when it fails.
func (c brokenCase) run(t *testing.T, end *ending) {
	inBubble(t, func(t *testing.T) {
		options := c.setting.options()
		if c.breaks(func(b *breakage) bool { return b.quick }) {
			options.Guesses.Manager.Update = 10 * time.Second
		}
		sc := newScene(t, options)
		j := c.setting.prepare(sc)
		watch := sc.world.Watch(witness.Allow{Leaves: []string{j.renewed}})
		watch.AlsoTouch(c.setting.touch()...)
		o := &others{scene: sc, job: j, watch: watch}
		p := sc.process()
		p.others = o
		var phase atomic.Value
		phase.Store(rotation.PhaseObserve)
		var told []string
		p.report = func(event rotation.Event) {
			if p.killed() { // not alive(): whoever tells may hold a lock, see there
				return
			}
			phase.Store(event.Phase)
			told = append(told, fmt.Sprintf("%s %s: %.300s", event.At.Format("15:04:05"), event.Phase, event.Text))
		}
		p.breaks = &breaker{at: c.place, how: c.how, then: c.then, after: c.after, phase: func() string { return string(phase.Load().(rotation.Phase)) }}
		if isAtMachine(c.place) {
			ports := &portBreaker{intruder: &intruder{scene: sc, process: p, killed: make(chan struct{})}, at: c.place, how: c.how.answer, hit: p.breaks.strikesElsewhere}
			sc.world.Ground().Stand(ports.stand)
		}
		if isFault(c.place) {
			fault, err := ground.ParseFault(c.how.name)
			if err != nil {
				t.Fatal(err)
			}
			sc.world.Ground().Faults.Add(fault)
			p.breaks.struck = "?" // the second break counts from the beginning
		}

		run := j.begin(t, p)
		if run.wasKilled() {
			end.outcome = killed
		}
		o.done.Wait()
		if end.phase = p.breaks.struck; isFault(c.place) {
			end.phase = ""
		}
		sc.world.Ground().Faults.Clear()
		sc.world.Ground().Stand(nil)
		sc.settled()
		if more := sc.world.Ground().Ledger.Count(ground.GatewayWrite) - o.writes; o.broke && more > 0 && !isWrite(c.place) {
			t.Errorf("its claim was broken, and it wrote %d times after that", more)
		}
		if end.outcome == "" {
			end.outcome = c.judge(t, sc, j, o, run.result, run.err)
		}
		if p.breaks.twice {
			end.second = end.outcome
		} else if c.then != nil {
			c.next(t, sc, j, o, p.breaks, end)
		}
		c.again(t, sc, j, end.outcome == killed || end.second == killed || p.closing != nil || o.ran)
		for _, violation := range watch.Violations() {
			if !c.ofItself(violation) {
				t.Error(violation)
			}
		}
		if o.tagged && !o.keptTag() {
			t.Error("a person's change of the gateway is gone")
		}
		if t.Failed() {
			t.Logf("%s", run)
			if o.came {
				t.Logf("the second run: %s (%s; %v), %v", o.result.Outcome, o.result.Failure, o.result.NotRestored, o.err)
			}
			t.Logf("it told at last:\n%s", strings.Join(told[max(0, len(told)-25):], "\n"))
		}
		p.bury()
		<-run.ended
	})
}

// attempt is a run that goes on in a process, which may be killed meanwhile.
type attempt struct {
	process *process
	ended   chan struct{} // closed when result and err are there
	result  rotation.Result
	err     error
}

func (j job) begin(t *testing.T, p *process) *attempt {
	a := &attempt{process: p, ended: make(chan struct{})}
	go func() {
		defer close(a.ended)
		a.result, a.err = j.rotate(t.Context(), p)
	}()
	return a
}

// wasKilled waits until the run has come to its end, or its process was killed.
func (a *attempt) wasKilled() bool {
	select {
	case <-a.ended:
		return false
	case <-a.process.died:
		return true
	}
}

func (a *attempt) String() string {
	select {
	case <-a.ended:
		return fmt.Sprintf("outcome %s (%s; not restored %v; unknown %v; left %v), %v", a.result.Outcome, a.result.Failure, a.result.NotRestored, a.result.Unknown, a.result.Left, a.err)
	default:
		return "its process was killed"
	}
}

// ofItself tells whether a violation is the world's own fault that was asked for.
func (c brokenCase) ofItself(violation string) bool {
	return c.setting.ofItself(violation) || isFault(c.place) && strings.HasSuffix(c.how.name, "@edge") && strings.Contains(violation, "I1:")
}

// ofItself tells whether a violation is what the setting is about: visitors
// have not heard of the new authority either.
func (s setting) ofItself(violation string) bool {
	return s.source == newCA && strings.Contains(violation, "which no visitor accepts")
}

// next is the run after the one that was broken, which is broken, too.
func (c brokenCase) next(t *testing.T, sc *scene, j job, o *others, breaks *breaker, end *ending) {
	p := sc.process()
	p.others, p.breaks = o, breaks
	j.old = sc.served()
	run := j.begin(t, p)
	t.Cleanup(func() { p.bury(); <-run.ended })
	if run.wasKilled() {
		end.second = killed
	}
	o.done.Wait()
	sc.settled()
	if end.second == "" {
		outcome := c.judge(t, sc, j, o, run.result, run.err)
		if breaks.twice {
			end.second = outcome
		}
	}
	if t.Failed() {
		t.Logf("the run after it: %s", run)
	}
}

// judge holds what a run says of its end against what is served.
func (c brokenCase) judge(t *testing.T, sc *scene, j job, o *others, result rotation.Result, err error) string {
	served := sc.served()
	// Within four hours the gateway looks at the vault by itself.
	byItself := served == j.renewed && c.setting.source == lookAgain && time.Since(today) > 4*time.Hour
	if err != nil {
		if served != j.old && !o.ran && !byItself {
			t.Errorf("it did not begin (%v), but %s is served, not the old certificate", err, served)
		}
		if writes := result.GatewayWrites; writes != 0 {
			t.Errorf("it did not begin (%v), but wrote %d times", err, writes)
		}
		return refused
	}
	want := map[rotation.Outcome]string{
		rotation.Verified: j.renewed, rotation.NothingToDo: j.renewed, rotation.Restored: j.old, rotation.Unchanged: j.old,
	}[result.Outcome]
	told := len(result.NotRestored)+len(result.Unknown) > 0
	switch {
	case want == "" && (!c.breaks(func(b *breakage) bool { return b.harsh }) && !o.ran && c.then == nil || !told):
		t.Errorf("outcome %s (%s), which one break does not excuse", result.Outcome, result.Failure)
	case want != "" && served != want && !o.ran && (!byItself || result.Outcome != rotation.Unchanged):
		t.Errorf("outcome %s, but %s is served, want %s", result.Outcome, served, want)
	case result.Outcome != rotation.Verified && result.Outcome != rotation.NothingToDo && result.Failure == "":
		t.Errorf("outcome %s without a reason", result.Outcome)
	case (result.Outcome == rotation.Verified || result.Outcome == rotation.NothingToDo || result.Outcome == rotation.Restored) && (result.Proof == nil || !result.Proof.OK):
		t.Errorf("outcome %s without proof", result.Outcome)
	}
	return string(result.Outcome)
}

// again runs the job once more, as a person does who types the command again:
// it must finish, and nothing may be left behind.
func (c brokenCase) again(t *testing.T, sc *scene, j job, mayLeave bool) {
	p := sc.process()
	result, err := j.rotate(t.Context(), p)
	var blocked *rotation.BlockedError
	if errors.As(err, &blocked) && strings.Contains(blocked.Obstacles[0].Mend, "cartouche undo") {
		c.undo(t, sc, j, p) // the gateway is in a failed state, which only going back mends
		result, err = j.rotate(t.Context(), p)
	}
	// A machine that the killed run restarted may not be back yet: then the next one
	// does not begin and says so, and the one after it finishes.
	if err != nil && mayLeave && c.setting.by() != "none" && strings.Contains(err.Error(), "nothing was changed") {
		time.Sleep(10 * time.Minute)
		result, err = j.rotate(t.Context(), p)
	}
	switch {
	case err != nil:
		t.Errorf("running again: %v", err)
	case result.Outcome != rotation.Verified && result.Outcome != rotation.NothingToDo:
		t.Errorf("running again: %s (%s; %v)", result.Outcome, result.Failure, result.NotRestored)
	}
	if served := sc.served(); served != j.renewed {
		t.Errorf("after running again %s is served, want the new certificate %s", served, j.renewed)
	}
	if claims, err := sc.site(sc.person.Azure).Claims(t.Context()); err != nil || len(claims) > 0 {
		t.Errorf("left behind: claims %v, %v", claims, err)
	}
	for _, left := range sc.left() {
		// The next run removes what a dead process left at Azure, or one that was
		// offline at its end or could not remove it, and said so. Here the processes of a case are one to the
		// operating system, which lives. Two that work at once without a claim each
		// put back what they found of the other's files in storage: with a claim
		// that cannot be, and is not forgiven.
		if (mayLeave || c.breaks(func(b *breakage) bool { return b.lasting > 0 })) && (strings.HasPrefix(left, "blob ") || strings.HasPrefix(left, "run command ")) {
			continue
		}
		t.Errorf("left behind: %s", left)
	}
}

// undo takes the last run back.
func (c brokenCase) undo(t *testing.T, sc *scene, j job, p *process) {
	runs, err := p.journal.Runs(t.Context(), sc.found.ID, 1)
	if err != nil || len(runs) == 0 {
		t.Fatalf("runs %v, %v", runs, err)
	}
	goal := j.goal(p)
	runner := j.runner(t.Context(), p)
	if runner.Way != nil {
		defer func() { _ = runner.Way.Close(context.WithoutCancel(t.Context())) }()
	}
	state, err := runner.Observe(t.Context(), sc.found, rotation.Asked{})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := rotation.UndoPlan(state, runs[0], goal)
	if err != nil {
		t.Fatal(err)
	}
	if result, err := runner.Undo(t.Context(), plan, state); err != nil || result.Outcome != rotation.Verified || sc.served() != j.old {
		t.Errorf("undo: %s (%s; %v), %v", result.Outcome, result.Failure, result.NotRestored, err)
	}
}

// left is what a client left behind: on machines and in storage, members out
// of their pools, and more entries than the one of before and the new one.
func (s *scene) left() []string {
	time.Sleep(time.Minute)
	left := s.world.LeftBehind()
	gateway := s.gateway()
	for _, member := range gateway.Away() {
		left = append(left, fmt.Sprintf("%v is out of its pool", member))
	}
	var ours []string
	for _, entry := range gateway.Certificates() {
		if strings.HasPrefix(entry.Name, "cartouche-") {
			ours = append(ours, entry.Name)
		}
	}
	if len(ours) > 1 {
		left = append(left, fmt.Sprintf("entries %v", ours))
	}
	return left
}
