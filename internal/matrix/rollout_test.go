package matrix_test

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
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
		s := newRolloutScene(t, setting)
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
		s.judge(run, clean.ports)
		s.holds()
		s.nothingLeft("")
		back := s.takeBack(t.Context(), p, run.result.RunID)
		if back.err != nil {
			t.Fatal(back.err)
		}
		t.Logf("%s: %d requests, %d restarts, %d ports; taken back: %s", setting, len(clean.places), clean.restarts, len(clean.ports), back.result.Outcome)
		if o := back.result.Outcome; o != rotation.Verified && o != rotation.NothingToDo {
			t.Errorf("taking it back: %s (%s %s)\n%+v", o, back.result.Code, back.result.Failure, back.result)
		}
		s.holds()
		s.nothingLeft("")
	})
	return clean
}

// nothingLeft checks that nothing stays but what forgiven names.
func (s *rolloutScene) nothingLeft(forgiven string) {
	s.t.Helper()
	for _, left := range s.watch.LeftBehind() {
		if forgiven == "" || !strings.Contains(left, forgiven) {
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
	later   time.Duration // how long after its begin
	pause   time.Duration // between the kill and the next process
}

func (c rolloutCase) String() string {
	if c.restart > 0 {
		return fmt.Sprintf("%s: killed %s after restart %d", c.setting, c.later, c.restart)
	}
	return fmt.Sprintf("%s: %s at request %d", c.setting, c.how.name, c.n)
}

// try breaks a rollout and holds it against the world; then it runs again.
func (c rolloutCase) try(t *testing.T, clean cleanly) (outcome string) {
	t.Helper()
	inBubble(t, func(t *testing.T) {
		s := newRolloutScene(t, c.setting)
		p := s.process()
		i := &intruder{scene: s.scene, process: p, n: c.n, how: c.how, killed: make(chan struct{})}
		s.world.Ground().Stand(i.stand)
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
			s.judge(run, clean.ports)
		case <-i.killed:
			outcome = "killed"
			time.Sleep(c.pause)
		}
		s.world.Ground().Stand(nil)
		s.holds()
		if t.Failed() {
			t.Fatalf("%s, at %q: %s (%s; %+v; %+v), %v", c, i.struck, outcome, run.result.Failure, run.result.NotRestored, run.result.Unknown, run.err)
		}
		if run.result.Outcome != rotation.Verified {
			next := s.process()
			again := s.roll(t.Context(), next)
			// A machine that the killed run restarted may not be back yet: then the
			// next one does not begin and says so, and the one after it finishes.
			if outcome == "killed" && again.err != nil {
				outcome = "killed, then refused"
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
		forgiven := ""
		if strings.HasPrefix(outcome, "killed") && c.pause < time.Hour {
			// The run command of a killed process counts as left behind a quarter of
			// an hour after its end, unless that process was one of this computer.
			forgiven = "/runcommands/cartouche-"
		}
		s.nothingLeft(forgiven)
		if t.Failed() {
			t.Fatalf("%s, at %q: %s (%s), %v", c, i.struck, outcome, run.result.Failure, run.err)
		}
	})
	return outcome
}

// cases are all breaks of a setting.
func (clean cleanly) cases(setting rolloutSetting, random *rand.Rand) []rolloutCase {
	var all []rolloutCase
	pauses := []time.Duration{0, 20 * time.Second, 5 * time.Minute, time.Hour}
	pause := func() time.Duration { return pauses[random.IntN(len(pauses))] }
	for n, place := range clean.places {
		for _, how := range intrusions {
			if how.fits(place) {
				all = append(all, rolloutCase{setting: setting, how: how, n: n + 1, pause: pause()})
			}
		}
	}
	for restart := range clean.restarts {
		for _, later := range []time.Duration{0, 35 * time.Second, 70 * time.Second} {
			all = append(all, rolloutCase{setting: setting, restart: restart + 1, later: later, pause: pause()})
		}
	}
	return all
}

// Flags of the rollouts' half of the matrix.
var (
	rolloutFull  = flag.Bool("rollout.full", false, "every case of every setting of rollouts")
	rolloutCases = flag.Int("rollout.cases", 3, "cases of each setting of rollouts that is chosen")
	rolloutSeed  = flag.Uint64("rollout.seed", 1, "which settings and cases of rollouts are chosen")
	rolloutOnly  = flag.String("rollout.case", "", "only settings whose name contains this, or cases whose name begins so: \"SETTING: killed\"")
	rolloutTell  = flag.Bool("rollout.tell", false, "log what rollouts tell, with -v")
)

// TestRollouts breaks rollouts of internal certificates in one place at a time:
// at every request, to Azure and to machines, of the client and of its agents,
// and at every restart. Whatever breaks, the run ends verified, restored, or
// says what is not; the world's witness sees no invariant hurt; running again
// finishes; and a run that nothing broke can be taken back.
//
// Without flags it takes a few cases of the settings that cost least.
func TestRollouts(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(*rolloutSeed, 1))
	chosen := slices.Clone(rolloutSettings)
	if !*rolloutFull && *rolloutOnly == "" {
		chosen = slices.DeleteFunc(chosen, func(s rolloutSetting) bool { return s.world != "single" })
		random.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
		chosen = chosen[:2]
		t.Logf("the same again: go test ./internal/matrix -run TestRollouts -rollout.seed %d", *rolloutSeed)
	}
	rows := &rolloutTable{}
	t.Run("broken", func(t *testing.T) {
		for _, setting := range chosen {
			name := setting.String()
			if only := *rolloutOnly; only != "" && !strings.HasPrefix(only, name+": ") && !strings.Contains(name, only) {
				continue
			}
			own := rand.New(rand.NewPCG(*rolloutSeed, hashOf(name)))
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				clean := undisturbed(t, setting)
				list := clean.cases(setting, own)
				row := rows.add(name, clean, len(list))
				single := strings.HasPrefix(*rolloutOnly, name+": ")
				if !*rolloutFull && !single {
					own.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
					// Requests are hundreds and restarts a few: one of these is among them.
					if i := slices.IndexFunc(list, func(c rolloutCase) bool { return c.restart > 0 }); i > 0 {
						list[0], list[i] = list[i], list[0]
					}
					list = list[:min(len(list), *rolloutCases)]
				}
				for _, c := range list {
					if single && !strings.HasPrefix(c.String(), *rolloutOnly) {
						continue
					}
					t.Run(strings.TrimPrefix(c.String(), name+": "), func(t *testing.T) {
						t.Parallel()
						defer func() {
							if t.Failed() {
								t.Logf("this case again: go test ./internal/matrix -run TestRollouts -v -rollout.tell -rollout.seed %d -rollout.case %q", *rolloutSeed, c.String())
							}
						}()
						outcome := "failed"
						defer func() { rows.count(row, outcome, t.Failed()) }()
						outcome = c.try(t, clean)
					})
				}
			})
		}
	})
	t.Logf("\n%s", rows)
}

// rolloutTable is what was run, by setting.
type rolloutTable struct {
	mu   sync.Mutex
	rows []*rolloutRow
}

type rolloutRow struct {
	name                              string
	requests, restarts, possible, run int
	failed                            int
	outcomes                          map[string]int
}

func (t *rolloutTable) add(name string, clean cleanly, possible int) *rolloutRow {
	t.mu.Lock()
	defer t.mu.Unlock()
	row := &rolloutRow{name: name, requests: len(clean.places), restarts: clean.restarts, possible: possible, outcomes: map[string]int{}}
	t.rows = append(t.rows, row)
	return row
}

func (t *rolloutTable) count(row *rolloutRow, outcome string, failed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	row.run++
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
	fmt.Fprintf(w, "world, source, way\trequests\trestarts\tcases\trun\t%s\tFAILED\n", strings.Join(columns, "\t"))
	for _, row := range t.rows {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d", row.name, row.requests, row.restarts, row.possible, row.run)
		for _, outcome := range columns {
			fmt.Fprintf(w, "\t%d", row.outcomes[outcome])
		}
		fmt.Fprintf(w, "\t%d\n", row.failed)
	}
	_ = w.Flush()
	return text.String()
}

func hashOf(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64()
}
