package matrix_test

import (
	"cmp"
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
)

var (
	full     = flag.Bool("full", false, "run every case of the matrix")
	seed     = flag.Uint64("seed", 1, "which cases are run when not all of them are")
	cases    = flag.Int("cases", 24, "how many cases are run when not all of them are")
	one      = flag.String("case", "", "run this case alone, or all whose name contains it")
	pairwise = flag.Bool("pairs", false, "every setting with every way to break, every kind of request with both, each at least once")
	twice    = flag.Bool("twice", false, "break each case once more, in the same run or in the next one")
	soak     = flag.Duration("soak", 0, "run cases of one seed after another for so long, every second time with -twice")
)

// faults are those of the world that no request shows.
var faults = []string{
	"slow-operation@gateway-put", "failed-operation@gateway-put", "failed-operation@gateway-put*2", "superseded@gateway-put", "changed-meanwhile@gateway-put",
	"wrong-leaf@edge", "broken-chain@edge", "stale-instance@edge", "edge-reset@edge*3",
	"throttle@gateway-put*3", "conflict@gateway-put*3", "lost-response@gateway-put*2", "forbidden@gateway-put*9",
	"slow@portal-health", "unavailable@portal-health", "reset@portal-health",
	"slow@portal-token", "unavailable@portal-token", "reset@portal-token",
	"slow@federation-validate", "unavailable@federation-validate", "reset@federation-validate",
	"forbidden@deny-assignments", "unavailable@federation-list", "unavailable@server-health", "reset@server-health",
}

// most is how many of the requests of one kind are broken: those behind the
// third are looks at the same operation.
const most = 3

// TestMatrix breaks rotations in one place at a time. Whatever breaks, the run
// ends verified, restored and proved, or with nothing changed, and tells the
// truth; the world's witness sees no invariant hurt; and running again finishes.
func TestMatrix(t *testing.T) {
	t.Parallel()
	began := time.Now()
	table := &table{rows: map[string]*row{}}
	for round := *seed; ; round++ {
		double, also := *twice || *soak > 0 && (round-*seed)%2 == 1, ""
		if double {
			also = " -twice"
		}
		if !*full {
			t.Logf("seed %d (the same again: go test ./internal/matrix -run TestMatrix -seed %d -cases %d%s)", round, round, *cases, also)
		}
		t.Run("broken", func(t *testing.T) { runRound(t, round, double, table) })
		if *soak == 0 || time.Since(began) > *soak || t.Failed() {
			break
		}
	}
	t.Logf("%s\n%s of our time", table, time.Since(began).Round(time.Second))
}

// runRound runs the cases of one seed side by side.
func runRound(t *testing.T, round uint64, double bool, table *table) {
	random := rand.New(rand.NewPCG(round, 0))
	chosen := slices.Clone(settings)
	if !*full && !*pairwise && *soak == 0 && *one == "" {
		chosen = slices.DeleteFunc(chosen, setting.heavy)
	}
	var together map[string][]brokenCase
	if *pairwise {
		chosen = slices.DeleteFunc(chosen, func(s setting) bool { return !strings.Contains(s.String(), *one) })
		together = bringTogether(t, chosen, random, table)
	} else if !*full && *one == "" {
		// Most of a few settings is learned from them; which, the seed decides.
		random.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
		chosen = chosen[:min(len(chosen), max(1, *cases/8))]
	}
	share := *cases / max(1, len(chosen))
	for _, s := range chosen {
		if name := s.String(); *one != "" && !strings.Contains(*one, name) && !strings.Contains(name, *one) {
			continue
		}
		own := rand.New(rand.NewPCG(round, hash(s.String())))
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			list := together[s.String()]
			if !*pairwise {
				places := s.seen(t)
				list = s.cases(places)
				table.places(s, places)
			}
			if !*full && !*pairwise && *one == "" {
				own.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
				list = list[:min(len(list), share)]
			}
			for _, c := range list {
				again := "-case"
				if double {
					c.breakAgain(rand.New(rand.NewPCG(round, hash(c.String()))))
					again = fmt.Sprintf("-twice -seed %d -case", round)
				}
				if *one != "" && !*pairwise && !strings.Contains(c.String(), *one) {
					continue
				}
				t.Run(strings.TrimPrefix(c.String(), s.String()+", "), func(t *testing.T) {
					t.Parallel()
					var end ending
					defer func() {
						table.count(c, end, t.Failed())
						t.Logf("%s, after a break while %q, %q", end.outcome, end.phase, end.second)
						if t.Failed() {
							t.Logf("this case again: go test ./internal/matrix -run TestMatrix -v %s %q", again, c.String())
						}
					}()
					c.run(t, &end)
				})
			}
		})
	}
}

// bringTogether learns the settings, and chooses cases by pairs.
func bringTogether(t *testing.T, chosen []setting, random *rand.Rand, table *table) map[string][]brokenCase {
	var mu sync.Mutex
	learned := map[string][]brokenCase{}
	t.Run("learned", func(t *testing.T) {
		for _, s := range chosen {
			t.Run(s.String(), func(t *testing.T) {
				t.Parallel()
				places := s.seen(t)
				mu.Lock()
				defer mu.Unlock()
				learned[s.String()] = s.cases(places)
				table.places(s, places)
			})
		}
	})
	var list []brokenCase
	for _, s := range chosen {
		list = append(list, learned[s.String()]...)
	}
	together := map[string][]brokenCase{}
	for _, c := range pairs(list, brokenCase.traits, func(c brokenCase) bool { return !c.setting.heavy() }, random) {
		together[c.setting.String()] = append(together[c.setting.String()], c)
	}
	return together
}

// traits of a case, for pairs.
func (c brokenCase) traits() traits {
	kind, _, _ := strings.Cut(c.place, " #")
	if isConnection(kind) { // by what they are for, not by whose
		_, port, _ := strings.Cut(kind, ":")
		kind = "connect :" + port
	}
	return traits{c.setting.String(), c.how.name, kind}
}

func hash(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64()
}

// cases are all cases of a setting, whose run asks for these places.
func (s setting) cases(places []string) []brokenCase {
	var list []brokenCase
	for _, place := range places {
		kind, number, _ := strings.Cut(place, " #")
		if n := 0; func() bool { _, _ = fmt.Sscan(number, &n); return n > most }() {
			continue
		}
		if isAtMachine(kind) {
			for _, answer := range answersOfMachines() {
				list = append(list, brokenCase{setting: s, place: place, how: &breakage{name: answer.name, answer: &answer}})
			}
			continue
		}
		for i := range breakages {
			if how := &breakages[i]; how.at(kind) && (!how.claims || s.claimed()) {
				list = append(list, brokenCase{setting: s, place: place, how: how})
			}
		}
	}
	for _, fault := range faults {
		list = append(list, brokenCase{setting: s, place: "the world", how: &breakage{name: fault, harsh: strings.Contains(fault, "*9")}})
	}
	return list
}

// table is what was run, by setting.
type table struct {
	mu   sync.Mutex
	rows map[string]*row
}

type row struct {
	places, cases, failed, missed int
	twice                         int // broken once more
	breaks, phases                map[string]bool
	outcomes                      map[string]int
}

func (t *table) row(s setting) *row {
	r := t.rows[s.String()]
	if r == nil {
		r = &row{breaks: map[string]bool{}, phases: map[string]bool{}, outcomes: map[string]int{}}
		t.rows[s.String()] = r
	}
	return r
}

func (t *table) places(s setting, places []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.row(s).places = len(places)
}

func (t *table) count(c brokenCase, end ending, failed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.row(c.setting)
	r.cases++
	r.breaks[c.how.name] = true
	r.outcomes[end.outcome]++
	if failed {
		r.failed++
	}
	if end.second != "" {
		r.twice++
	}
	if !isFault(c.place) && end.phase == "" {
		r.missed++ // the run went another way, and did not come by
	} else if end.phase != "" {
		r.phases[end.phase] = true
	}
}

func (t *table) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	total := map[string]int{}
	names := map[string]bool{}
	for _, r := range t.rows {
		for outcome := range r.outcomes {
			names[outcome] = true
		}
	}
	columns := slices.Sorted(maps.Keys(names))
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "world, source, way\trequests\tways to break\tsteps\tcases\t%s\tnot reached\ttwice\tFAILED\n", strings.Join(columns, "\t"))
	for _, name := range slices.SortedFunc(maps.Keys(t.rows), cmp.Compare[string]) {
		r := t.rows[name]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d", name, r.places, len(r.breaks), len(r.phases), r.cases)
		for _, outcome := range columns {
			fmt.Fprintf(w, "\t%d", r.outcomes[outcome])
			total[outcome] += r.outcomes[outcome]
		}
		fmt.Fprintf(w, "\t%d\t%d\t%d\n", r.missed, r.twice, r.failed)
		total["twice"] += r.twice
		total["cases"] += r.cases
		total["missed"] += r.missed
		total["failed"] += r.failed
	}
	fmt.Fprintf(w, "all\t\t\t\t%d", total["cases"])
	for _, outcome := range columns {
		fmt.Fprintf(w, "\t%d", total[outcome])
	}
	fmt.Fprintf(w, "\t%d\t%d\t%d\n", total["missed"], total["twice"], total["failed"])
	_ = w.Flush()
	return text.String()
}
