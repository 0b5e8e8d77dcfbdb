package ground

import "testing"

func TestKeysAreOthersWithinAWorldAndLeftToTheNext(t *testing.T) {
	first, second, third := &Keys{}, &Keys{}, &Keys{}
	take := func(k *Keys) string {
		key, err := k.RSA()
		if err != nil {
			t.Fatal(err)
		}
		return key.N.String()
	}
	a, b, c := take(first), take(first), take(second)
	if a == b || a == c || b == c {
		t.Error("two worlds that run, or one, have the same key twice")
	}
	first.Leave()
	if got := [2]string{take(third), take(third)}; got != [2]string{a, b} {
		t.Error("the next world made new keys")
	}
	first.Leave() // again, as a world may be closed twice
	if got := take(second); got == a || got == b {
		t.Error("a key was left twice")
	}
}
