package matrix_test

import (
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// cleanly is a rollout that nothing breaks: its requests, its restarts and the
// ports that it changes.
type cleanly struct {
	places   []string
	restarts int
	ports    []string
}

// undisturbed carries a setting's rollout out and takes it back.
func undisturbed(t *testing.T, setting rolloutSetting) (clean cleanly) {
	t.Helper()
	inBubble(t, func(t *testing.T) {
		s := newRolloutScene(t, setting, false)
		p := s.process()
		i := &intruder{scene: s.scene, process: p}
		s.world.Ground().Stand(i.stand)
		run := s.roll(t.Context(), p)
		s.world.Ground().Stand(nil)
		if run.err != nil || run.result.Outcome != rotation.Verified {
			t.Fatalf("undisturbed: %s (%s), %v", run.result.Outcome, run.result.Failure, run.err)
		}
		clean.places, clean.restarts = i.seen, run.result.Restarts
		for _, port := range run.result.Machines {
			clean.ports = append(clean.ports, atPort(port.Machine, port.Port))
		}
		slices.Sort(clean.ports)
		s.judge(run, clean.ports, false)
		s.holds()
		s.nothingLeft()
		back := s.takeBack(t.Context(), p, run.result.RunID)
		if back.err != nil {
			t.Fatal(back.err)
		}
		t.Logf("%s: %d requests, %d restarts, %d ports; taken back: %s", setting, len(clean.places), clean.restarts, len(clean.ports), back.result.Outcome)
		if o := back.result.Outcome; o != rotation.Verified && o != rotation.NothingToDo {
			t.Errorf("taking it back: %s (%s %s)\n%+v", o, back.result.Code, back.result.Failure, back.result)
		}
		s.holds()
		s.nothingLeft()
	})
	return clean
}

// names tells whether one of the differences names a command as what to do next.
func names(differences []rotation.Difference, command string) bool {
	return slices.ContainsFunc(differences, func(d rotation.Difference) bool { return strings.Contains(d.Next, command) })
}

// atMachines tells whether what was left behind is a run command of ours.
func atMachines(left string) bool { return strings.Contains(left, "/runcommands/cartouche-") }

// nothingLeft checks that nothing stays but what forgiven names.
func (s *rolloutScene) nothingLeft(forgiven ...string) {
	s.t.Helper()
	for _, left := range s.watch.LeftBehind() {
		if !slices.ContainsFunc(forgiven, func(such string) bool { return such != "" && strings.Contains(left, such) }) {
			s.t.Errorf("left behind: %s", left)
		}
	}
}

// rolloutCase is one break of one setting.
type rolloutCase struct {
	setting rolloutSetting
	how     intrusion
	n       int           // which request; or
	restart int           // at which restart the process is killed,
	later   time.Duration // how long after its begin; or
	fault   string        // which fault of the world there is
	pause   time.Duration // between the kill and the next process
	place   string        // what kind of request that is
	// then happens as well, see intruder; nil is nothing.
	then  *intrusion
	after int
}

func (c rolloutCase) String() string {
	name := fmt.Sprintf("%s: %s at request %d", c.setting, c.how.name, c.n)
	switch {
	case c.restart > 0:
		name = fmt.Sprintf("%s: killed %s after restart %d", c.setting, c.later, c.restart)
	case c.fault != "":
		name = fmt.Sprintf("%s: %s", c.setting, c.fault)
	}
	if c.then != nil {
		name += fmt.Sprintf(", %d later %s", c.after, c.then.name)
	}
	return name
}

// traits of a case, for pairs.
func (c rolloutCase) traits() traits {
	switch {
	case c.restart > 0:
		return traits{c.setting.String(), "killed " + c.later.String() + " after", "a restart"}
	case c.fault != "":
		return traits{c.setting.String(), c.fault, "the world"}
	}
	return traits{c.setting.String(), c.how.name, c.place}
}

// breakAgain has the case broken once more, somewhere after the first time.
func (c *rolloutCase) breakAgain(random *rand.Rand) {
	can := slices.DeleteFunc(slices.Concat(intrusions, meanwhiles), func(how intrusion) bool {
		return how.claims && (!c.setting.claimed || c.how.claims)
	})
	c.then, c.after = &can[random.IntN(len(can))], 1+random.IntN(40)
}

// try breaks a rollout and holds it against the world; then it runs again.
func (c rolloutCase) try(t *testing.T, clean cleanly) (outcome string, twice bool) {
	t.Helper()
	inBubble(t, func(t *testing.T) {
		s := newRolloutScene(t, c.setting, c.how.quick || c.then != nil && c.then.quick)
		p := s.process()
		o := &rolloutOthers{others: &others{scene: s.scene, watch: s.watch}, scene: s}
		i := &intruder{scene: s.scene, process: p, n: c.n, how: c.how, then: c.then, after: c.after, others: o, killed: make(chan struct{})}
		s.world.Ground().Stand(i.stand)
		if c.fault != "" {
			fault, err := ground.ParseFault(c.fault)
			if err != nil {
				t.Fatal(err)
			}
			s.world.Ground().Faults.Add(fault)
		}
		if c.fault != "" || c.restart > 0 {
			i.struck = "the world" // the second break counts from the beginning
		}
		if c.restart > 0 {
			s.atRestart(c.restart, c.later, i.kill)
		}
		var run rolloutRun
		ended := make(chan struct{})
		t.Cleanup(func() { p.bury(); <-ended }) // what is frozen must not outlive the bubble
		result := make(chan rolloutRun, 1)
		go func() {
			defer close(ended)
			result <- s.roll(t.Context(), p)
		}()
		select {
		case run = <-result:
			outcome = string(run.result.Outcome)
			if run.err != nil {
				outcome = "not begun"
			}
		case <-i.killed:
			outcome = "killed"
			time.Sleep(c.pause)
		}
		s.world.Ground().Stand(nil)
		s.world.Ground().Faults.Clear()
		o.done.Wait()
		if at := i.struck; c.then != nil && c.then.claims {
			o.judge(run, i.again)
		} else {
			o.judge(run, at)
		}
		if outcome != "killed" {
			s.judge(run, clean.ports, o.ran)
		}
		twice = i.again != ""
		s.holds()
		if t.Failed() {
			t.Fatalf("%s, at %q: %s (%s; %+v; %+v), %v", c, i.struck, outcome, run.result.Failure, run.result.NotRestored, run.result.Unknown, run.err)
		}
		// The next run of this computer takes away the claim that one could not give back.
		kept := slices.ContainsFunc(s.watch.LeftBehind(), func(left string) bool { return strings.Contains(left, "tags/cartouche-run-") })
		if run.result.Outcome != rotation.Verified || kept {
			next := s.process()
			again := s.roll(t.Context(), next)
			// A gateway that failed and could not be mended either is for a person to
			// mend, with the command that the run has named.
			if again.err != nil && strings.Contains(again.err.Error(), "provisioning state Failed") && names(run.result.NotRestored, "az network application-gateway update") {
				outcome += ", mended by hand"
				s.watch.ByHand(func() { s.put(s.gateway().Document()) })
				again = s.roll(t.Context(), next)
			}
			// A machine that the killed run restarted may not be back yet: then the
			// next one does not begin and says so, and the one after it finishes.
			if strings.HasPrefix(outcome, "killed") && again.err != nil {
				outcome += ", then refused"
				if !strings.Contains(again.err.Error(), "nothing was changed") {
					t.Errorf("running again at once: %v", again.err)
				}
				time.Sleep(10 * time.Minute)
				again = s.roll(t.Context(), next)
			}
			// The key of a new root goes with the run that was killed. What has no
			// keystore, and nothing yet, keeps its certificate then; the plan says so,
			// and how everything is issued anew.
			if again.err == nil && slices.ContainsFunc(again.plan.Obstacles, func(f pki.Finding) bool { return f.Code == "key-is-gone" }) {
				outcome += ", key gone"
				s.anew = true
				again = s.roll(t.Context(), next)
			}
			if again.err != nil || again.result.Outcome != rotation.Verified && again.result.Outcome != rotation.NothingToDo {
				t.Errorf("running again: %s (%s; %+v; %+v), %v", again.result.Outcome, again.result.Failure, again.result.NotRestored, again.result.Unknown, again.err)
			}
			if _, same := s.news(clean.ports); len(same) > 0 {
				t.Errorf("after running again the old certificate is served by %s", strings.Join(same, ", "))
			}
		}
		s.holds()
		// What a run that was killed or offline could not take away from machines, a
		// run does that begins a quarter of an hour later. One whose process is gone
		// would be known at once; here all runs are of one process.
		if slices.ContainsFunc(s.watch.LeftBehind(), atMachines) {
			time.Sleep(20 * time.Minute)
			if again := s.roll(t.Context(), s.process()); again.err != nil || again.result.Outcome != rotation.Verified && again.result.Outcome != rotation.NothingToDo {
				t.Errorf("running again after a while: %s, %v", again.result.Outcome, again.err)
			}
		}
		also := ""
		if o.broke {
			also = "tags/cartouche-stop-" // it stays for a while, for a run that is still under way
		}
		s.nothingLeft(also)
		if t.Failed() {
			t.Fatalf("%s, at %q: %s (%s), %v", c, i.struck, outcome, run.result.Failure, run.err)
		}
	})
	return outcome, twice
}

// cases are all breaks of a setting.
func (clean cleanly) cases(setting rolloutSetting, random *rand.Rand) []rolloutCase {
	var all []rolloutCase
	pauses := []time.Duration{0, 20 * time.Second, 5 * time.Minute, time.Hour}
	pause := func() time.Duration { return pauses[random.IntN(len(pauses))] }
	for n, place := range clean.places {
		for _, how := range slices.Concat(intrusions, meanwhiles) {
			if how.fits(place) && (!how.claims || setting.claimed) {
				all = append(all, rolloutCase{setting: setting, how: how, n: n + 1, place: kindOf(place), pause: pause()})
			}
		}
	}
	for restart := range clean.restarts {
		for _, later := range []time.Duration{0, 35 * time.Second, 70 * time.Second} {
			all = append(all, rolloutCase{setting: setting, restart: restart + 1, later: later, pause: pause()})
		}
	}
	for _, fault := range rolloutFaults {
		all = append(all, rolloutCase{setting: setting, fault: fault})
	}
	return all
}

// Flags of the rollouts' half of the matrix.
var (
	rolloutFull  = flag.Bool("rollout.full", false, "every case of every setting of rollouts")
	rolloutCases = flag.Int("rollout.cases", 3, "cases of each setting of rollouts that is chosen")
	rolloutSeed  = flag.Uint64("rollout.seed", 1, "which settings and cases of rollouts are chosen")
	rolloutOnly  = flag.String("rollout.case", "", "only settings whose name contains this, or cases whose name begins so: \"SETTING: killed\"")
	rolloutPairs = flag.Bool("rollout.pairs", false, "every setting of rollouts with every way to break, every kind of request with both, each at least once")
	rolloutTwice = flag.Bool("rollout.twice", false, "break each case of rollouts once more, some requests later")
	rolloutTell  = flag.Bool("rollout.tell", false, "log what rollouts tell, with -v")
)

// TestRollouts breaks rollouts of internal certificates in one place at a time:
// at every request, to Azure and to machines, of the client and of its agents,
// and at every restart. Whatever breaks, the run ends verified, restored, or
// says what is not; the world's witness sees no invariant hurt; running again
// finishes; and a run that nothing broke can be taken back.
//
// Without flags it takes a few cases of the settings that cost least. With
// -rollout.pairs it takes as few of all as bring everything together, see pairs.
func TestRollouts(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(*rolloutSeed, 1))
	chosen := slices.Clone(rolloutSettings)
	if !*rolloutFull && !*rolloutPairs && *rolloutOnly == "" {
		chosen = slices.DeleteFunc(chosen, func(s rolloutSetting) bool { return s.world != "single" })
		random.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
		chosen = chosen[:2]
		t.Logf("the same again: go test ./internal/matrix -run TestRollouts -rollout.seed %d", *rolloutSeed)
	}
	rows := &rolloutTable{}
	learned := &learnedRollouts{}
	if *rolloutPairs {
		chosen = slices.DeleteFunc(chosen, func(s rolloutSetting) bool { return !strings.Contains(s.String(), *rolloutOnly) })
		learned.chooseFrom(t, chosen)
	}
	t.Run("broken", func(t *testing.T) {
		for _, setting := range chosen {
			name := setting.String()
			if only := *rolloutOnly; only != "" && !strings.HasPrefix(only, name+": ") && !strings.Contains(name, only) {
				continue
			}
			own := rand.New(rand.NewPCG(*rolloutSeed, hashOf(name)))
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				clean, list, possible := learned.of(t, setting)
				row := rows.add(name, clean, possible)
				single := strings.HasPrefix(*rolloutOnly, name+": ")
				if !*rolloutFull && !*rolloutPairs && !single {
					own.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
					// Requests are hundreds and restarts a few: one of these is among them.
					if i := slices.IndexFunc(list, func(c rolloutCase) bool { return c.restart > 0 }); i > 0 {
						list[0], list[i] = list[i], list[0]
					}
					list = list[:min(len(list), *rolloutCases)]
				}
				for _, c := range list {
					also := ""
					if *rolloutTwice {
						c.breakAgain(rand.New(rand.NewPCG(*rolloutSeed, hashOf(c.String()))))
						also = " -rollout.twice"
					}
					if single && !strings.HasPrefix(c.String(), *rolloutOnly) {
						continue
					}
					t.Run(strings.TrimPrefix(c.String(), name+": "), func(t *testing.T) {
						t.Parallel()
						defer func() {
							if t.Failed() {
								t.Logf("this case again: go test ./internal/matrix -run TestRollouts -v -rollout.tell -rollout.seed %d%s -rollout.case %q", *rolloutSeed, also, c.String())
							}
						}()
						outcome, twice := "failed", false
						defer func() { rows.count(row, c.traits(), outcome, twice, t.Failed()) }()
						outcome, twice = c.try(t, clean)
					})
				}
			})
		}
	})
	t.Logf("\n%s", rows)
}

// learnedRollouts are what the settings ask for undisturbed, and their cases.
type learnedRollouts struct {
	mu       sync.Mutex
	clean    map[string]cleanly
	cases    map[string][]rolloutCase
	possible map[string]int
}

// of is of a setting, which is learned unless it was before.
func (l *learnedRollouts) of(t *testing.T, setting rolloutSetting) (clean cleanly, list []rolloutCase, possible int) {
	name := setting.String()
	if l.clean != nil {
		return l.clean[name], l.cases[name], l.possible[name]
	}
	clean = undisturbed(t, setting)
	list = clean.cases(setting, rand.New(rand.NewPCG(*rolloutSeed, hashOf(name))))
	return clean, list, len(list)
}

// chooseFrom learns all settings, and keeps cases that bring everything together.
func (l *learnedRollouts) chooseFrom(t *testing.T, settings []rolloutSetting) {
	clean, all := map[string]cleanly{}, map[string][]rolloutCase{}
	t.Run("learned", func(t *testing.T) {
		for _, setting := range settings {
			t.Run(setting.String(), func(t *testing.T) {
				t.Parallel()
				of, list, _ := l.of(t, setting)
				l.mu.Lock()
				defer l.mu.Unlock()
				clean[setting.String()], all[setting.String()] = of, list
			})
		}
	})
	var list []rolloutCase
	for _, setting := range settings {
		list = append(list, all[setting.String()]...)
	}
	l.clean, l.cases, l.possible = clean, map[string][]rolloutCase{}, map[string]int{}
	for name, of := range all {
		l.possible[name] = len(of)
	}
	cheap := func(c rolloutCase) bool { return c.setting.world == "single" }
	for _, c := range pairs(list, rolloutCase.traits, cheap, rand.New(rand.NewPCG(*rolloutSeed, 2))) {
		l.cases[c.setting.String()] = append(l.cases[c.setting.String()], c)
	}
}

// rolloutTable is what was run, by setting.
type rolloutTable struct {
	mu   sync.Mutex
	rows []*rolloutRow
}

type rolloutRow struct {
	name                              string
	requests, restarts, possible, run int
	failed, twice                     int
	ways, kinds                       map[string]bool
	outcomes                          map[string]int
}

func (t *rolloutTable) add(name string, clean cleanly, possible int) *rolloutRow {
	t.mu.Lock()
	defer t.mu.Unlock()
	row := &rolloutRow{name: name, requests: len(clean.places), restarts: clean.restarts, possible: possible, outcomes: map[string]int{}, ways: map[string]bool{}, kinds: map[string]bool{}}
	t.rows = append(t.rows, row)
	return row
}

func (t *rolloutTable) count(row *rolloutRow, of traits, outcome string, twice, failed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	row.run++
	row.ways[of.how], row.kinds[of.kind] = true, true
	if twice {
		row.twice++
	}
	row.outcomes[outcome]++
	if failed {
		row.failed++
	}
}

func (t *rolloutTable) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var columns []string
	for _, row := range t.rows {
		for outcome := range row.outcomes {
			if !slices.Contains(columns, outcome) {
				columns = append(columns, outcome)
			}
		}
	}
	slices.Sort(columns)
	slices.SortFunc(t.rows, func(a, b *rolloutRow) int { return strings.Compare(a.name, b.name) })
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "world, source, way\trequests\trestarts\tcases\trun\tways to break\tkinds of request\t%s\ttwice\tFAILED\n", strings.Join(columns, "\t"))
	all := &rolloutRow{name: "all", ways: map[string]bool{}, kinds: map[string]bool{}, outcomes: map[string]int{}}
	for _, row := range t.rows {
		all.possible, all.run, all.twice, all.failed = all.possible+row.possible, all.run+row.run, all.twice+row.twice, all.failed+row.failed
		maps.Copy(all.ways, row.ways)
		maps.Copy(all.kinds, row.kinds)
		for _, outcome := range columns {
			all.outcomes[outcome] += row.outcomes[outcome]
		}
	}
	for _, row := range append(t.rows, all) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d", row.name, row.requests, row.restarts, row.possible, row.run, len(row.ways), len(row.kinds))
		for _, outcome := range columns {
			fmt.Fprintf(w, "\t%d", row.outcomes[outcome])
		}
		fmt.Fprintf(w, "\t%d\t%d\n", row.twice, row.failed)
	}
	_ = w.Flush()
	return text.String()
}

func hashOf(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64()
}
