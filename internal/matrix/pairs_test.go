package matrix_test

import (
	"math/rand/v2"
	"testing"
)

// traits are what a case brings together: its setting, its way to break, and the
// kind of what it breaks.
type traits struct{ setting, how, kind string }

// pairs chooses cases so that every setting meets every way to break and every kind
// of place, and every way to break every kind of place, at least once each, where
// any case of the list brings them together. Which, the seed decides. Cases of
// cheap settings come first where one is as good as another.
func pairs[C any](list []C, of func(C) traits, cheap func(C) bool, random *rand.Rand) []C {
	list = append([]C(nil), list...)
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	type pair struct{ a, b string }
	met := map[pair]bool{}
	var chosen []C
	taken := make([]bool, len(list))
	for wanted := 3; wanted > 0; wanted-- {
		for _, dear := range []bool{false, true} {
			for i, c := range list {
				if taken[i] || cheap(c) == dear {
					continue
				}
				t := of(c)
				meets := [3]pair{{"s " + t.setting, "h " + t.how}, {"s " + t.setting, "k " + t.kind}, {"h " + t.how, "k " + t.kind}}
				fresh := 0
				for _, one := range meets {
					if !met[one] {
						fresh++
					}
				}
				if fresh < wanted {
					continue
				}
				taken[i] = true
				chosen = append(chosen, c)
				for _, one := range meets {
					met[one] = true
				}
			}
		}
	}
	return chosen
}

// Whatever any case brings together, a chosen one does; and few are chosen.
func TestPairsMeet(t *testing.T) {
	t.Parallel()
	var all []traits
	for _, s := range []string{"s1", "s2", "s3", "s4"} {
		for _, h := range []string{"h1", "h2", "h3", "h4", "h5"} {
			for _, k := range []string{"k1", "k2", "k3", "k4", "k5", "k6"} {
				if s != "s4" || k != "k6" {
					all = append(all, traits{s, h, k}, traits{s, h, k})
				}
			}
		}
	}
	same := func(c traits) traits { return c }
	chosen := pairs(all, same, func(c traits) bool { return c.setting == "s1" }, rand.New(rand.NewPCG(1, 1)))
	meets := func(list []traits) map[string]bool {
		met := map[string]bool{}
		for _, c := range list {
			met[c.setting+c.how], met[c.setting+c.kind], met[c.how+c.kind] = true, true, true
		}
		return met
	}
	if got, want := len(meets(chosen)), len(meets(all)); got != want || len(chosen) > 60 {
		t.Errorf("%d of %d pairs in %d of %d cases", got, want, len(chosen), len(all))
	}
}
