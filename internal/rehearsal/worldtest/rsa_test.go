package worldtest

import "testing"

func TestEveryPairOfPrimesIsAnotherKey(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, all := range []struct {
		from, to, bits, want int
	}{{0, ofWorlds, 2048, 190}, {ofWorlds, ofWorlds + ofLeaves, 2048, 28}, {ofWorlds + ofLeaves, ofWorlds + ofLeaves + 8, 3072, 28}} {
		keys, made := newPairs(all.from, all.to, false), 0
		for key := keys.next(); key != nil; key = keys.next() {
			if made++; made == 1 {
				if err := key.Validate(); err != nil {
					t.Error(err)
				}
			}
			if n := key.N.Text(16); seen[n] || key.N.BitLen() != all.bits {
				t.Errorf("a key of %d bits, want %d, or made twice", key.N.BitLen(), all.bits)
			} else {
				seen[n] = true
			}
		}
		if made != all.want {
			t.Errorf("%d keys, want %d", made, all.want)
		}
	}
}
